"""Staying inside the quotas of ECS instead of running into them, and inside the time of an invocation."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from threading import Lock, local
from typing import TYPE_CHECKING

from tagalong.ports import OutOfTime

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

# Burst and refill a second, for each account and region:
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html
_QUOTAS: Mapping[str, tuple[float, float, tuple[str, ...]]] = {
    "cluster read": (50, 20, ("ListClusters",)),
    "task definition read": (50, 20, ("DescribeTaskDefinition", "ListTaskDefinitions")),
    "task definition modify": (20, 1, ("RegisterTaskDefinition", "DeregisterTaskDefinition")),
    "service read": (100, 20, ("DescribeServices", "ListServices")),
    "cluster resource read": (100, 20, ("ListTasks", "DescribeTasks")),
    "service modify": (50, 5, ("UpdateService",)),
    "service deployment": (50, 20, ("ListServiceDeployments", "DescribeServiceDeployments")),
    "service revision": (50, 20, ("DescribeServiceRevisions",)),
}

# Of `quotaShare`, what one of each may use. There are one full read, for it holds the lease, two finders that
# recheck and two deployers (infra: the concurrency of their event sources).
FULL_READ, RECHECK, DEPLOYER = "full read", "recheck", "deployer"
_LONG = 3600.0  # seconds
AT_ONCE = {FULL_READ: 1, RECHECK: 2, DEPLOYER: 2}
PARTS: Mapping[str, Mapping[str, float]] = {
    FULL_READ: {
        "cluster read": 1,
        "task definition read": 0.5,
        "service read": 0.5,
        "service revision": 0.2,
    },
    RECHECK: {"task definition read": 0.05, "service read": 0.05},
    DEPLOYER: {
        "task definition read": 0.2,
        "task definition modify": 0.5,
        "service read": 0.2,
        "service modify": 0.5,
        "service deployment": 0.5,
        "service revision": 0.4,
    },
}


class Deadline:
    """When the invocation at work has to be done with its calls."""

    def __init__(self) -> None:
        self.begin(lambda: int(1000 * _LONG))

    def begin(self, milliseconds_left: Callable[[], int], reserve: float = 0) -> None:
        """`reserve`: the seconds that what follows the last call needs."""
        self._left, self._reserve = milliseconds_left, reserve

    def left(self) -> float:
        """Seconds."""
        return self._left() / 1000 - self._reserve

    def check(self, **_: object) -> None:
        """Before a call that has no quota of ours. Raises OutOfTime."""
        if self.left() <= 0:
            raise OutOfTime("no time is left for one more call")


DEADLINE = Deadline()
"""That of this process: it has one invocation at a time."""


class TokenBucket:
    """A token bucket as ECS has one for each kind of call: `burst` calls at once, then `rate` a second. Any
    number of threads may share it."""

    def __init__(self, burst: float, rate: float) -> None:
        self._burst, self._rate = burst, rate
        self._tokens, self._at = burst, time.monotonic()
        self._lock = Lock()

    def acquire(self, left: float = _LONG) -> None:
        """Wait until the next call may be made. Raises OutOfTime, and takes nothing, if that is too late."""
        with self._lock:
            now = time.monotonic()
            tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
            wait = max(0.0, -tokens / self._rate)
            if left <= wait:
                raise OutOfTime(f"{left:.0f} s are left, and the quota of ECS asks for {wait:.0f}")
            self._tokens, self._at = tokens, now
        if wait:
            time.sleep(wait)


class RateLimit:
    """For all clients of one part of this process."""

    def __init__(self, share: float, part: str | None, deadline: Deadline) -> None:
        """Without a part, nobody else uses the share."""
        self._deadline = deadline
        self._buckets: dict[str, TokenBucket] = {}
        self._urgent = local()
        for category, mine in (PARTS[part] if part else dict.fromkeys(_QUOTAS, 1)).items():
            burst, rate, operations = _QUOTAS[category]
            bucket = TokenBucket(max(1, burst * share * mine), rate * share * mine)
            self._buckets |= dict.fromkeys(operations, bucket)

    def apply(self, client: "ECSClient") -> None:
        """Retries of the SDK included."""
        for operation in self._buckets:
            event, wait = f"before-send.ecs.{operation}", partial(self._wait, operation)
            client.meta.events.register(event, wait, unique_id=f"rate-limit-{operation}")

    @contextmanager
    def urgent(self) -> Iterator[None]:
        """What this thread does now must be done, however little time is left."""
        self._urgent.is_so = True
        try:
            yield
        finally:
            self._urgent.is_so = False

    def _wait(self, operation: str, **_: object) -> None:
        is_urgent = getattr(self._urgent, "is_so", False)
        self._buckets[operation].acquire(_LONG if is_urgent else self._deadline.left())
