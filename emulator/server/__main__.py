"""Serves the embedded AWS on the listening socket that `emulator.embedded` hands over.

MiniStack is configured by the environment that it was started with.
"""

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

from emulator.server.authorization import ask_as_aws_does
from emulator.server.clusters import refuse_unknown_clusters
from emulator.server.concurrency import wait_for_concurrency
from emulator.server.deployments import roll_out_as_aws_does
from emulator.server.eventbridge import EventBridge
from emulator.server.images import describe_images_as_aws_does, tell_where_layers_are
from emulator.server.pace import ending_steps
from emulator.server.registrars import name_registrars
from emulator.server.registry import App, Message, Receive, Send, publishing_pushes

_ENDPOINT = f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}"
# One thread: events are delivered in the order of what they tell, and nobody waits for them.
_deliveries = ThreadPoolExecutor(max_workers=1)


@cache
def _event_bridge(account: str, region: str) -> EventBridge:
    return EventBridge(_ENDPOINT, account, region)


def _publish(event: dict[str, Any]) -> None:
    _deliveries.submit(lambda: _event_bridge(event["account"], event["region"]).deliver(event))


def _as_if_https(layer: App) -> App:
    """The bucket that `cdk bootstrap` makes refuses plain HTTP, which never leaves this machine here."""

    async def https(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
        await layer(scope, receive, send)

    return https


def main(listening_socket: str) -> None:
    ask_as_aws_does()
    rollouts = roll_out_as_aws_does(_publish, float(os.environ["DEPLOYMENT_SECONDS"]))
    describe_images_as_aws_does()
    tell_where_layers_are(_ENDPOINT)
    refuse_unknown_clusters()
    name_registrars()
    wait_for_concurrency()
    config = Config()
    config.bind = [f"fd://{listening_socket}"]
    layers = ending_steps(publishing_pushes(app, _publish), rollouts.end_step)
    asyncio.run(serve(_as_if_https(layers), config))


if __name__ == "__main__":
    main(sys.argv[1])
