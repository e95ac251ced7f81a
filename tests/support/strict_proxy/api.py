"""An API call and its answer, as they travel."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

Json = dict[str, Any]

THROTTLED = "ThrottlingException"
_SIGNED_BY = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


class Scope(NamedTuple):
    """What a signature (version 4) is for."""

    access_key: str
    region: str
    service: str


@dataclass(frozen=True)
class Call:
    method: str
    path: str
    headers: Mapping[str, str]  # their names in lower case
    body: bytes = b""

    @cached_property
    def action(self) -> str:
        """`UpdateService`; of a service that does not use the JSON protocol, the HTTP method."""
        return self.headers.get("x-amz-target", self.method).rpartition(".")[2]

    @cached_property
    def scope(self) -> Scope:
        found = _SIGNED_BY.search(self.headers.get("authorization", ""))
        return Scope(*found.groups()) if found else Scope("", "", "")

    @cached_property
    def parameters(self) -> Json:
        return dict(json.loads(self.body or b"{}"))

    def by_root_of(self, account: str) -> "Call":
        """The embedded AWS takes an account for the access key of its root user, and checks no signature."""
        signed = self.headers["authorization"].replace(self.scope.access_key, account, 1)
        headers = {**self.headers, "authorization": signed}
        headers.pop("x-amz-security-token", None)
        return replace(self, headers=headers)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, content: Json, status: int = 200) -> "Answer":
        body = json.dumps(content).encode()
        headers = {"content-type": "application/x-amz-json-1.1", "content-length": str(len(body))}
        return cls(status, headers, body)

    @property
    def content(self) -> Json:
        return dict(json.loads(self.body))


Send = Callable[[Call], Answer]


class RefusedError(Exception):
    """AWS does not do what was called for, and answers this."""

    def __init__(self, answer: Answer, code: str = "") -> None:
        super().__init__(answer.body)
        self.answer, self.code = answer, code


def refused(code: str, message: str, status: int = 400) -> RefusedError:
    return RefusedError(Answer.of({"__type": code, "message": message}, status), code)


def ask(send: Send, call: Call, action: str, parameters: Json) -> Json:
    """What the upstream answers to another call of the same service; its refusal is ours."""
    body = json.dumps(parameters).encode()
    target = call.headers["x-amz-target"].replace(call.action, action)
    headers = {**call.headers, "x-amz-target": target, "content-length": str(len(body))}
    answer = send(replace(call, headers=headers, body=body))
    if answer.status != 200:
        raise RefusedError(answer)
    return answer.content
