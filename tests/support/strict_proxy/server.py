"""The proxy as an HTTP server: each connection of a client has one upstream, and both are kept alive."""

import select
from collections.abc import Callable
from email.message import Message
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from support.strict_proxy.api import Answer, Call, Send, refused

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}

Pass = Callable[[Send, Call], Answer | None]


def server(pass_on: Pass, upstream: str, port: int) -> ThreadingHTTPServer:
    return _Server(("127.0.0.1", port), partial(_Client, pass_on, upstream))


class _Server(ThreadingHTTPServer):
    request_queue_size = 128  # clients that connect at once


class _Client(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer leaves in one piece
    disable_nagle_algorithm = True

    def __init__(self, pass_on: Pass, upstream: str, *arguments: Any) -> None:
        self._pass_on = pass_on
        self._upstream = _Upstream(upstream)
        super().__init__(*arguments)

    def _call(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED)  # no AWS SDK sends JSON in chunks
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self._pass_on(
            self._upstream.send, Call(self.command, self.path, _end_to_end(self.headers), body)
        )
        if not answer:
            self.close_connection = True
            return
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _call  # noqa: N815 - names of http.server

    def finish(self) -> None:
        self._upstream.close()
        super().finish()


class _Upstream:
    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc)
        self.close = self._connection.close

    def send(self, call: Call) -> Answer:
        self._forget_if_closed()
        try:
            self._connection.request(call.method, call.path, call.body, call.headers)
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, HTTPException) as error:
            self.close()
            raise refused("BadGateway", f"the upstream does not answer: {error!r}", 502) from error
        headers = {"content-length": str(len(body)), **_end_to_end(response.headers)}
        return Answer(response.status, headers, body)

    def _forget_if_closed(self) -> None:
        """The upstream ends an idle connection. Noticed later, nobody knew whether a call was applied."""
        sock = self._connection.sock
        if sock and select.select([sock], [], [], 0)[0]:
            self.close()


def _end_to_end(headers: Message) -> dict[str, str]:
    lower = {name.lower(): value for name, value in headers.items()}
    return {name: value for name, value in lower.items() if name not in _HOP_BY_HOP}
