"""The figures that must hold: each measured on a region of its own."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from benchmarks.bound import Phase, bound, one_by_one, quota_bound
from benchmarks.fleets import BEFORE, NEW, SHARED, Fleet
from benchmarks.region import LATENCY, NotDoneError, Region, check, region
from support.fake_aws import HOST, Json

RATIO = 1.15
_SMALL, _PUSHED = 500, 100  # services; repositories that are pushed to at once
_DEPLOYER_TIMEOUT, _FINDER_TIMEOUT = 120, 300
_LOOKS_EVERY = 0.01  # seconds, ours


@dataclass
class Figure:
    """One line. `must`: what is measured -> the most that it may be."""

    name: str
    measured: Mapping[str, float]
    must: Mapping[str, float]
    more: Json = field(default_factory=dict)

    @property
    def passes(self) -> bool:
        return all(self.measured[what] <= most for what, most in self.must.items())


def of_nobody(services: int) -> Figure:
    """Two pushes: to a repository that nobody uses, and a branch build of one that five services use."""
    fleet = Fleet(services, services // 5, 10 if services > _SMALL else 2, following=1)
    with region(fleet) as it:
        it.push("warm-up")
        it.settle()
        seconds = [it.push("nobody"), it.push("app-1", "feature-x")]
        measured = {
            "calls": it.count("ecs", "ecr"),
            "table reads of a push": it.count("table") / 2,
            "seconds": max(seconds),
        }
        it.end()
    must = {"calls": 0, "table reads of a push": 2, "seconds": 0.15}
    return Figure(f"a push that nobody follows, {services:,} services", measured, must)


def of_a_push(
    name: str,
    fleet: Fleet,
    must: dict[str, float],
    scale: float = 1,
    *,
    known: bool = True,
) -> Figure:
    """One push, until the last service is updated and the queue is empty. `known`: the services have moved
    once before, and the index is complete."""
    with region(fleet, scale=scale, known=known, rechecks=0 if known else 1) as it:
        if known:
            it.push(SHARED, digest=BEFORE)
            it.work()
            it.settle()
        start = time.monotonic()
        it.push(SHARED)
        it.work()
        wall = (time.monotonic() - start) * scale
        measured: dict[str, float] = {
            "seconds": wall,
            "calls": it.count("ecs", "ecr"),
            "throttled": it.throttled,
        }
        more: Json = {"calls by action": it.calls, "scale": scale}
        spent = it.end()
        check(fleet, it.aws)
    phases = [fleet.looked_up() if known else fleet.read(), fleet.deploying(known=known)]
    measured |= bounds(phases, wall) | {"longest invocation": max(spent.invocations)}
    return Figure(name, measured, must, more)


def bounds(phases: list[Phase], wall: float) -> dict[str, float]:
    least = bound(phases, LATENCY)
    return {
        "ratio": wall / least,
        "bound": least,
        "quota bound": quota_bound(phases),
        "bound one by one": one_by_one(phases, LATENCY),
    }


def of_many_pushes(*, known: bool, scale: float = 4) -> Figure:
    """100 repositories are pushed to within a second; each is followed by a family of five."""
    fleet = Fleet(10_000, 2_000, 10, following=1)
    with region(fleet, scale=scale, finders=4, rechecks=1, known=known) as it:
        with it.aws.changed:
            events = [it.aws.push(f"app-{number}", "prod", NEW) for number in range(_PUSHED)]
        start = time.monotonic()
        it.deliver_all(events)
        it.work()
        wall = (time.monotonic() - start) * scale
        left = [name for name in _left(it) if name]
        if left:
            raise NotDoneError(f"{len(left)} services are left behind, {left[0]} among them")
        measured = {
            "dead letters": len(it.aws.failed),
            "throttled": it.throttled,
            "services listed": it.calls.get("ListServices", 0),
            "seconds": wall,
        }
        it.end()
    # Ten clusters of 1,000 services are ten pages each: more would be a second full read.
    must = {"dead letters": 0, "throttled": 5, "services listed": 0 if known else 100}
    return Figure(
        f"100 pushes in a second, 10,000 services, {'index complete' if known else 'no index'}",
        measured,
        must,
    )


def _left(it: Region) -> Iterator[str]:
    for (cluster, name), service in it.aws.services.items():
        family = int(name.split("-")[1])
        if family < _PUSHED and f"{HOST}/app-{family}@{NEW}" not in it.aws.images(cluster, name):
            yield str(service["serviceArn"])


def of_a_sweep(scale: float = 10) -> Figure:
    """1,000 services that a sweep before has left nothing to do."""
    fleet = Fleet(1000, 200, 10, following=1)
    with region(fleet, scale=scale) as it:
        it.deliver({"sweep": {}, "id": "first"})
        it.work_jobs()
        it.settle()
        it.deliver({"sweep": {}, "id": "second"})
        repositories = fleet.families + 1
        measured = {
            "calls of ECS": it.count("ecs"),
            "calls of ECR per repository": it.count("ecr") / repositories,
            "jobs": len(it.aws.queue),
            "seconds": it.took[-1],
        }
        more: Json = {"calls by action": it.calls}
        it.end()
    must = {"calls of ECS": 115, "calls of ECR per repository": 1, "jobs": 0}
    return Figure("an hourly sweep of 1,000 services where nothing changed", measured, must, more)


def of_the_peers_rig(*, warm: bool) -> Figure:
    """125 services of 125 families in 4 clusters; 15 of them follow. Warm: they have moved once before."""
    fleet = Fleet(125, 125, 4, following=15)
    with region(fleet, known=warm) as it:
        if warm:
            it.push(SHARED, digest=BEFORE)
            it.work_jobs()
            it.settle()
        start = time.monotonic()
        it.push(SHARED)
        it.work_jobs()
        wall = time.monotonic() - start
        measured = {
            "calls": it.count("ecs", "ecr"),
            "seconds": wall,
            "seconds per moved service": wall / 15,
            "throttled": it.throttled,
        }
        more: Json = {"calls by action": it.calls}
        it.end()
        check(fleet, it.aws)
    must: dict[str, float] = {"calls": 110 if warm else 280}
    name = f"125 services in 4 clusters, 15 families of one service move, {'warm' if warm else 'cold'}"
    return Figure(name, measured, must, more)


_FIVE_THOUSAND = Fleet(5000, 1000, 10, following=200)
FIGURES: list[Callable[[], Figure]] = [
    *(partial(of_nobody, services) for services in (100, 1_000, 10_000)),
    partial(
        of_a_push,
        "1,000 services, 1 family of 5, warm",
        Fleet(1000, 200, 10, following=1),
        {"seconds": 0.6, "calls": 30},
    ),
    partial(of_a_push, "100 services, 20 families, warm", Fleet(100, 100, 2, following=20), {"seconds": 1.2}),
    partial(
        of_a_push,
        "1,000 services, 20 families of 5, warm",
        Fleet(1000, 200, 10, following=20),
        {"ratio": RATIO},
    ),
    partial(
        of_a_push,
        "500 services of one family",
        Fleet(500, 1, 1, following=1),
        {"seconds": 200, "longest invocation": _DEPLOYER_TIMEOUT},
        8,
    ),
    partial(of_a_push, "5,000 services, 200 families, warm", _FIVE_THOUSAND, {"ratio": RATIO}, 4),
    partial(
        of_a_push, "5,000 services, 200 families, cold", _FIVE_THOUSAND, {"ratio": RATIO}, 4, known=False
    ),
    partial(of_many_pushes, known=True),
    partial(of_many_pushes, known=False),
    of_a_sweep,
    partial(of_the_peers_rig, warm=True),
    partial(of_the_peers_rig, warm=False),
]
