"""An ASGI layer through which a test, or a person, ends a step of a deployment before its time."""

from collections.abc import Awaitable, Callable
from typing import Any

END_STEP = "/_emulator/end-step"
"""POST the ARN of a service; answers true or false."""

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


def ending_steps(app: App, end_step: Callable[[str], bool]) -> App:
    async def layer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != END_STEP:
            await app(scope, receive, send)
            return
        arn = (await receive()).get("body", b"").decode()  # an ARN comes in one piece
        body = str(end_step(arn)).lower().encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return layer
