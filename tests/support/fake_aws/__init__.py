"""ECS, ECR, SQS, DynamoDB and what is told, in memory, answering at the wire: real boto3 clients, no socket.

It refuses what AWS refuses (reference: the API references of each) where an emulator is lenient.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast
from urllib.parse import parse_qsl

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from support.fake_aws.base import ACCOUNT, HOST, REGION, START, Json, Refused
from support.fake_aws.dynamodb import DynamoDb
from support.fake_aws.ecs import Ecs
from support.fake_aws.events import deployment_event, push_event
from support.fake_aws.notices import Notices
from support.fake_aws.schedules import Schedules, rest_call
from support.fake_aws.sqs import Sqs

__all__ = [
    "ACCOUNT",
    "HOST",
    "REGION",
    "START",
    "FakeAws",
    "Json",
    "Refused",
    "deployment_event",
    "push_event",
]


class _Raw(BytesIO):
    def stream(self, **_: object) -> Any:
        yield self.read()


def _nothing(_action: str, _phase: str) -> None:
    """The hook of an AWS in good health."""


@dataclass(repr=False)
class FakeAws(Ecs, DynamoDb, Notices, Schedules, Sqs):
    calls: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[str, Json]] = field(default_factory=list)
    hook: Callable[[str, str], object] = _nothing
    """Called with (action, 'before' | 'after'), the request being the last of `requests`: may raise Refused,
    what botocore raises for a broken connection, or anything else for a crash."""

    def answer(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        """A `before-send` handler: what it returns is the answer."""
        action, body = _call(request)
        self.requests.append((action, deepcopy(body)))
        try:
            self.hook(action, "before")
            answer, status = self._do(action, body), 200
            self.hook(action, "after")
        except Refused as refused:
            answer, status = (
                {"__type": refused.code, "message": refused.message, **refused.more},
                refused.status,
            )
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(_written(action, answer)))

    def _do(self, action: str, body: Json) -> Json:
        self.calls[action] += 1
        method = getattr(self, re.sub("(?=[A-Z])", "_", action).lower())
        return cast("Json", method(body))

    def reset(self) -> None:
        """Empty it: clients that are connected stay so."""
        self.__dict__.update(FakeAws().__dict__)

    # -- one event instead of a list: where there is only one ---------------------------------------------

    def end(self, cluster: str, name: str) -> Json:
        [event] = self.complete(cluster, name)
        return event

    def end_rollback(self, cluster: str, name: str) -> Json:
        [event] = self.complete_rollback(cluster, name)
        return event


def _call(request: AWSPreparedRequest) -> tuple[str, Json]:
    """SNS alone still speaks forms and XML, the Scheduler alone REST."""
    if request.method == "GET":
        return rest_call(str(request.url))
    if target := request.headers.get("X-Amz-Target"):
        return cast("bytes", target).decode().rpartition(".")[2], json.loads(cast("bytes", request.body))
    form = dict(parse_qsl(cast("str", request.body)))
    return form["Action"], form


def _written(action: str, answer: Json) -> bytes:
    if action == "Publish":
        if "__type" in answer:
            return f"<E><Error><Code>{answer['__type']}</Code></Error></E>".encode()
        return b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
    return json.dumps(answer).encode()
