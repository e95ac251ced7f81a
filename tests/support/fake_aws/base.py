"""What every service of the fake shares: its account, its clock, and how it refuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-west-1"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
START = datetime(2026, 11, 26, 10, tzinfo=UTC)

PERSON = f"arn:aws:iam::{ACCOUNT}:user/ada"
DEPLOYER = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/deployer"

Json = dict[str, Any]


class Refused(Exception):  # noqa: N818 - what AWS says, not an error of the test
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status
        self.more: Json = {}


@dataclass(repr=False)
class Clock:
    """The test holds it: it goes on by `step` with each change that anybody makes, and by `advance`."""

    clock: datetime = START
    step: timedelta = timedelta(seconds=1)
    caller: str = PERSON
    """ARN of whoever calls: while the deployer works, that of its session"""

    def advance(self, time: timedelta) -> None:
        self.clock += time

    def now(self) -> float:
        """As AWS writes a time in JSON."""
        return self.clock.timestamp()

    def tick(self) -> float:
        """Of a change: when it happens."""
        self.clock += self.step
        return self.now()


def page(items: Sequence[Any], body: Mapping[str, Any], key: str, default: int, limit: int) -> Json:
    """One page of a list, as `maxResults` and `nextToken` of the request want it."""
    size, start = body.get("maxResults", default), int(body.get("nextToken") or 0)
    if not 1 <= size <= limit:
        raise Refused("InvalidParameterException", f"maxResults must be between 1 and {limit}.")
    more = {"nextToken": str(start + size)} if start + size < len(items) else {}
    return {key: items[start : start + size], **more}
