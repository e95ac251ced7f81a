"""Staying inside the quotas of ECS instead of running into them."""

import time
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient


class TokenBucket:
    """A token bucket as ECS has one for each kind of call: `burst` calls at once, then `rate` a second."""

    def __init__(self, burst: float, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._tokens, self._at = burst, time.monotonic()

    def acquire(self) -> None:
        """Wait until the next call may be made."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        if self._tokens < 0:
            time.sleep(-self._tokens / self._rate)


# Burst and refill a second, for each account and region:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
_QUOTAS = (
    (50, 20, ("DescribeTaskDefinition",)),
    (20, 1, ("RegisterTaskDefinition",)),
    (100, 20, ("DescribeServices", "ListServices")),
    (50, 5, ("UpdateService",)),
    (50, 20, ("ListServiceDeployments", "DescribeServiceDeployments")),
    (50, 20, ("DescribeServiceRevisions",)),
)


def limit_rate(client: "ECSClient", share: float) -> None:
    """Let this client, retries included, use no more than a share of what ECS allows the account."""
    for burst, rate, operations in _QUOTAS:
        bucket = TokenBucket(max(1, burst * share), rate * share)
        for operation in operations:
            event = f"before-send.ecs.{operation}"
            client.meta.events.register(event, partial(_wait, bucket), unique_id=f"rate-limit-{operation}")


def _wait(bucket: TokenBucket, **_: object) -> None:
    bucket.acquire()
