"""What the Lambdas said, read from CloudWatch Logs as a user would in AWS, one line for each thing said."""

import json
import time
from collections.abc import Iterator
from typing import NamedTuple

from emulator.embedded import EmbeddedAws

_FIELDS = (
    *("trigger", "repository", "tag", "digest", "cluster", "ecs_service"),
    *("decision", "reason", "deployment_status", "old_revision", "new_revision"),
)
_NOT_SAID = ("START ", "END ", "REPORT ", '{"_aws"')  # Lambda's own lines, and metrics
_SECONDS_BETWEEN_LOOKS = 0.5


class Said(NamedTuple):
    timestamp: int
    stream: str
    message: str


def said(aws: EmbeddedAws, since: int = 0) -> list[Said]:
    """Everything from this moment on (milliseconds), oldest first."""
    logs = aws.client("logs")
    groups = [
        group["logGroupName"]
        for page in logs.get_paginator("describe_log_groups").paginate()
        for group in page["logGroups"]
    ]
    events = (
        Said(event["timestamp"], event["logStreamName"], event["message"])
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        for event in page["events"]
    )
    return sorted(
        (event for event in events if not event.message.startswith(_NOT_SAID)),
        key=lambda event: event.timestamp,  # and the lines of one traceback stay in their order
    )


def follow(aws: EmbeddedAws) -> Iterator[Said]:
    """Everything, and then what comes, until it is stopped."""
    shown: set[Said] = set()
    while True:
        for event in said(aws, since=max((event.timestamp for event in shown), default=0)):
            if event not in shown:
                shown.add(event)
                yield event
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def readable(event: Said) -> str:
    try:
        entry = json.loads(event.message)
    except json.JSONDecodeError:  # a traceback, for one
        return event.message
    fields = " ".join(f"{name}={_short(entry[name])}" for name in _FIELDS if entry.get(name))
    when = time.strftime("%H:%M:%S", time.localtime(event.timestamp / 1000))
    return f"{when} {entry['service']:8} {entry['level']:7} {entry['message']}  {fields}".rstrip()


def _short(value: str) -> str:
    return value[: len("sha256:") + 12] if value.startswith("sha256:") else value
