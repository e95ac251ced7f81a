"""An AWS that takes everything, as emulators do."""

import json
from collections.abc import Callable
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs

Json = dict[str, Any]

ACCOUNT = "111122223333"
ARN = f"arn:aws:ecs:eu-west-1:{ACCOUNT}"


class Received(NamedTuple):
    action: str
    headers: dict[str, str]
    body: str


Before = Callable[[Received], object]
"""what happens before a call is answered"""


class LenientAws:
    """It has one page for every list, two services or as many as a test says, and no rules."""

    def __init__(self) -> None:
        self.services = {name: service(name) for name in ("web", "api")}
        self.service_deployments: list[Json] = []
        self.inactive: set[str] = set()
        self.received: list[Received] = []
        self.before: Before = lambda _received: None
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, self))
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def actions(self) -> list[str]:
        return [received.action for received in self.received]

    def answer(self, received: Received) -> str:
        self.received.append(received)
        self.before(received)
        if received.action == "GetAccessKeyInfo":
            return f"<Account>{ACCOUNT}</Account>"
        return json.dumps(self._answer(received.action, json.loads(received.body)))

    def _answer(self, action: str, asked: Json) -> Json:
        match action:
            case "ListServices":
                return {"serviceArns": [service["serviceArn"] for service in self.services.values()]}
            case "ListServiceDeployments":
                return {"serviceDeployments": self.service_deployments}
            case "DescribeServices":
                return {"services": [self.services[n] for n in asked["services"] if n in self.services]}
            case "DescribeTaskDefinition" | "RegisterTaskDefinition":
                return {"taskDefinition": self._revision(asked)}
            case "UpdateService":
                revision = self._revision(asked)["taskDefinitionArn"]
                self.services[asked["service"]]["taskDefinition"] = revision
                return {"service": self.services[asked["service"]]}
        return {}

    def _revision(self, asked: Json) -> Json:
        name = asked.get("taskDefinition") or asked.get("family")
        arn = f"{ARN}:task-definition/{name}"
        return {"taskDefinitionArn": arn, "status": "INACTIVE" if name in self.inactive else "ACTIVE"}


def service(name: str) -> Json:
    arn, revision = f"{ARN}:service/prod/{name}", f"{ARN}:task-definition/{name}:1"
    return {"serviceArn": arn, "serviceName": name, "status": "ACTIVE", "taskDefinition": revision}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def __init__(self, aws: LenientAws, *arguments: Any) -> None:
        self._aws = aws
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        target = str(self.headers["X-Amz-Target"] or "").rpartition(".")[2]
        action = target or parse_qs(body)["Action"][0]  # the query protocol
        answer = self._aws.answer(Received(action, dict(self.headers), body)).encode()
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
