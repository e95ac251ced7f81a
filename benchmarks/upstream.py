"""The AWS in memory, served over HTTP: fast enough for 5,000 services."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from support.fake_aws import START, FakeAws, Json, Refused

_SECONDS_TO_WAIT_FOR_A_MESSAGE = 0.1


class Upstream(FakeAws):
    """Its endpoint is up while `served` lasts. Its clock goes in AWS's time: ours x scale."""

    def __init__(self, scale: float) -> None:
        super().__init__(step=timedelta())
        self.changed = Condition()
        self.speed, self.began = scale, time.monotonic()

    @contextmanager
    def served(self) -> Iterator[str]:
        """The endpoint."""
        server = _Server(("127.0.0.1", 0), partial(_Handler, self))
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()

    def respond(self, action: str, body: Json) -> bytes:
        with self.changed:
            self._go_on()
            answer = self._do(action, body)
            while action == "ReceiveMessage" and not answer["Messages"]:
                if not self.changed.wait(_SECONDS_TO_WAIT_FOR_A_MESSAGE):
                    break
                self._go_on()
                answer = self._do(action, body)
            if "Message" in action:
                self.changed.notify_all()
            return json.dumps(answer).encode()

    def _list_services(self, body: Json) -> Json:
        """On one page: the strict AWS in front cuts it."""
        cluster = self._cluster(body)
        return {"serviceArns": [s["serviceArn"] for (c, _), s in self.services.items() if c == cluster]}

    def _go_on(self) -> None:
        self.clock = START + timedelta(seconds=(time.monotonic() - self.began) * self.speed)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def __init__(self, aws: Upstream, *arguments: Any) -> None:
        self._aws = aws
        super().__init__(*arguments)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            status, answer = 200, self._aws.respond(self.headers["X-Amz-Target"].rpartition(".")[2], body)
        except Refused as refused:
            status = refused.status
            answer = json.dumps({"__type": refused.code, "message": refused.message}).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
