"""The least time that work can take: what the buckets allow, and round trips that wait for each other."""

from collections import Counter
from collections.abc import Mapping, Sequence
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
    """What one kind of function must do, with `at_once` functions of it; `path`: how many of its calls wait
    for one another, whatever runs side by side."""

    calls: Calls
    at_once: int
    path: int = 0


def quota_bound(phases: Sequence[Phase], share: float = 1) -> float:
    """The phases add up where they wait for different buckets; a bucket that both use is full only once."""
    together: Counter[str] = Counter()
    for phase in phases:
        together.update(phase.calls)
    return max(quota_seconds(together, share), sum(quota_seconds(phase.calls, share) for phase in phases))


def bound(phases: Sequence[Phase], latency: float, share: float = 1) -> float:
    """The larger of the quota bound and the critical path; `latency` is the seconds of one call."""
    return max(quota_bound(phases, share), latency * sum(phase.path for phase in phases))


def one_by_one(phases: Sequence[Phase], latency: float, share: float = 1) -> float:
    """The bound as it was defined before: a function that makes one call after the other."""
    wire = [latency * sum(phase.calls.values()) / phase.at_once for phase in phases]
    each = sum(max(quota_seconds(it.calls, share), w) for it, w in zip(phases, wire, strict=True))
    return max(quota_bound(phases, share), each)
