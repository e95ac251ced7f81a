"""A sidecar that very many follow, and a small push of another repository that comes meanwhile."""

import time

from benchmarks.fleets import NEW, OLD, SHARED
from benchmarks.rows import Region, Row, bounds_of, check, described, region
from support.fake_aws import HOST, Json

_FAMILIES_IN_A_TURN, _SERVICES_IN_A_TURN = 20, 100
_LOOKS_EVERY = 0.01  # seconds, ours


def measure_with_a_small_push(row: Row) -> Json:
    """The large push until it is done, and how long the small one waits: in AWS's seconds."""
    with region(row, {}) as it:
        small = _add_small(it)
        it.warm_up()
        start = time.monotonic()
        it.push(SHARED)
        _first_turn(it)
        pushed = time.monotonic()
        it.push("small")
        waited = _wait_for(it, small) - pushed
        it.work()
        real = time.monotonic() - start
        counted = {"calls": dict(it.strict.calls), "throttled": dict(it.strict.throttled)}
        counted |= it.end() | {"small_push_waited": waited * row.scale}
    check(row.fleet, it.aws)
    time_taken = {"wall": real * row.scale, "real": real}
    return {**described(row), **counted, **time_taken, **bounds_of(row, it.spent.latency, real * row.scale)}


def _add_small(it: Region) -> str:
    """Its service."""
    it.aws.push("small", "prod", OLD)
    name = f"service-{it.row.fleet.families}-0"
    it.aws.serve("cluster-0", name, it.aws.register("small", f"{HOST}/small:prod@{OLD}"))
    return name


def _first_turn(it: Region) -> None:
    updates = min(_FAMILIES_IN_A_TURN * it.row.fleet.members, _SERVICES_IN_A_TURN)
    while it.strict.calls["UpdateService"] < updates:
        time.sleep(_LOOKS_EVERY)


def _wait_for(it: Region, service: str) -> float:
    """When it runs what was pushed."""
    while it.aws.images("cluster-0", service) != [f"{HOST}/small@{NEW}"]:
        time.sleep(_LOOKS_EVERY)
    return time.monotonic()
