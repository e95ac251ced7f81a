"""An ASGI layer that publishes an event for each manifest that is written through it."""

from collections.abc import Awaitable, Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region

from emulator.server.ecr_events import Request, image_action

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]
Publish = Callable[[dict[str, Any]], object]


def publishing_pushes(app: App, publish: Publish) -> App:
    async def layer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _request(scope).may_write_a_manifest():
            await app(scope, receive, send)
            return
        body = await _body(receive)
        status = await _answer(app, scope, body, receive, send)
        if status in {200, 201}:
            detail = _request(scope, body).written().push()
            # MiniStack leaves the account and region that it resolved for this request in its context.
            publish(image_action(detail, get_account_id(), get_region()))

    return layer


def _request(scope: Message, body: bytes = b"") -> Request:
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    target, content_type = headers.get(b"x-amz-target", ""), headers.get(b"content-type", "")
    return Request(scope["method"], scope["path"], target, content_type, body)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _answer(app: App, scope: Message, body: bytes, receive: Receive, send: Send) -> int:
    unread = iter([{"type": "http.request", "body": body, "more_body": False}])
    status = 0

    async def receive_again() -> Message:
        return next(unread, None) or await receive()

    async def send_on(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        await send(message)

    await app(scope, receive_again, send_on)
    return status
