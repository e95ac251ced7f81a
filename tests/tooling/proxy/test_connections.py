"""What the proxy makes of the connections on both of its sides."""

from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecs import ECSClient

from support.lenient import Handler, LenientAws
from support.strict_proxy import StrictAws

_PATIENCE = 120


def test_an_upstream_may_end_an_idle_connection(
    lenient: LenientAws, ecs: ECSClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, close = Event(), ThreadingHTTPServer.close_request

    def close_and_say_so(server: ThreadingHTTPServer, request: Any) -> None:
        close(server, request)
        if type(server) is ThreadingHTTPServer:  # the proxy's is another
            ended.set()

    monkeypatch.setattr(ThreadingHTTPServer, "close_request", close_and_say_so)
    monkeypatch.setattr(Handler, "timeout", 0.05)
    ecs.list_services(cluster="prod")

    assert ended.wait(_PATIENCE)
    ecs.list_services(cluster="prod")

    assert lenient.actions == ["ListServices"] * 2


def test_an_upstream_that_is_gone_is_said_to_be(lenient: LenientAws, ecs: ECSClient) -> None:
    lenient.__exit__()

    with pytest.raises(ClientError, match="the upstream does not answer"):
        ecs.list_services(cluster="prod")


def test_a_request_in_chunks_is_refused(strict: StrictAws) -> None:
    connection = HTTPConnection(strict.endpoint.removeprefix("http://"))
    connection.request("POST", "/", iter([b"{}"]), encode_chunked=True)

    assert connection.getresponse().status == 411
    connection.close()
