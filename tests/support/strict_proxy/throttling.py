"""Token buckets, as ECS throttles with them (aws-facts §2.1)."""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from support.strict_proxy.quotas import QUOTAS, Quota

Clock = Callable[[], float]


@dataclass(slots=True)
class Bucket:
    """Holds at most `burst` tokens, and is full at first; `now` never goes back."""

    burst: int
    per_second: int
    filled_at: float
    tokens: float

    @classmethod
    def full(cls, quota: Quota, now: float) -> "Bucket":
        return cls(quota.burst, quota.per_second, now, quota.burst)

    def take(self, now: float) -> bool:
        """Take one token, if there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.per_second)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Throttle:
    """The buckets of every account and Region, filled by the clock it is given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str, str], Bucket] = {}
        self._lock = Lock()

    def admits(self, action: str, account: str, region: str) -> bool:
        """An action without a published quota is never throttled."""
        if not (quota := QUOTAS.get(action)):
            return True
        with self._lock:
            now, key = self._clock(), (account, region, quota.category)
            bucket = self._buckets.setdefault(key, Bucket.full(quota, now))
            return bucket.take(now)
