"""The least time that work can take: what the token buckets allow, and calls that wait for each other."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from support.strict_proxy.quotas import QUOTAS

Calls = Mapping[str, int]
"""action -> how many"""


def quota_seconds(calls: Calls, share: float = 1) -> float:
    """Of these calls at once, into full buckets, of which `share` is ours."""
    categories: Counter[str] = Counter()
    quotas = {QUOTAS[action].category: QUOTAS[action] for action in calls if action in QUOTAS}
    for action in calls.keys() & QUOTAS.keys():
        categories[QUOTAS[action].category] += calls[action]
    waits = [(categories[name] / share - quota.burst) / quota.per_second for name, quota in quotas.items()]
    return max([0.0, *waits])


@dataclass(frozen=True)
class Phase:
    """What one kind of function must do, with `at_once` functions of it."""

    calls: Calls
    at_once: int

    def wire_seconds(self, latency: Mapping[str, float]) -> float:
        """A function makes one call after the other; `latency` is the seconds of one call, by action."""
        return sum(count * latency.get(action, 0) for action, count in self.calls.items()) / self.at_once


def quota_bound(phases: list[Phase], share: float = 1) -> float:
    """A job names all services of a family, so none is complete before the finder has seen the last service:
    the times of the phases add up. They use the same buckets, which are full only once."""
    together: Counter[str] = Counter()
    for phase in phases:
        together.update(phase.calls)
    return max(quota_seconds(together, share), sum(quota_seconds(phase.calls, share) for phase in phases))


def bound(phases: list[Phase], latency: Mapping[str, float], share: float = 1) -> float:
    """As `quota_bound`; in each phase the calls themselves may take longer than the buckets."""
    one_by_one = sum(max(quota_seconds(phase.calls, share), phase.wire_seconds(latency)) for phase in phases)
    return max(quota_bound(phases, share), one_by_one)
