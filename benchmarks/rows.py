"""One push to one fleet, from the event to the last service."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from benchmarks.bound import bound, quota_bound
from benchmarks.environments import Environment, Spent, World, deployer, finder
from benchmarks.fleets import DEPLOYERS, NEW, SHARED, Fleet
from benchmarks.upstream import Upstream
from support.fake_aws import Json
from support.strict_proxy import StrictAws

LATENCY = 0.025  # seconds that a call is on its way: nobody publishes it, and most take longer
_UNTIL_BUCKETS_ARE_FULL = 60  # seconds
_PATIENCE = 600  # seconds, ours
GOAL, DEFAULT_SHARE = 1.15, 0.8

Table = dict[tuple[str, str], Json]


class NotDoneError(Exception):
    """A service was left behind: the figures would be of something else."""


@dataclass(frozen=True)
class Row:
    """`start`: cold (new process, empty table), table (new process, full table), warm (it had a push)."""

    fleet: Fleet
    start: str
    scale: float
    share: float = 1.0


@dataclass
class Region:
    """An AWS with both functions: a finder and two deployers, each a process that is ready."""

    row: Row
    aws: Upstream
    strict: StrictAws
    find: Environment
    deployers: list[Environment]
    spent: Spent = field(default_factory=Spent)
    finding: list[float] = field(default_factory=list)

    def push(self, repository: str) -> float:
        """Seconds that the finder took."""
        with self.aws.changed:
            event = self.aws.push(repository, "prod", NEW)
        self.finding.append(self.find.ask(event))
        return self.finding[-1]

    def work(self) -> None:
        """Wait until the queue is empty."""
        with self.aws.changed:
            if not self.aws.changed.wait_for(lambda: not self.aws.queue, _PATIENCE):
                raise NotDoneError(f"{len(self.aws.queue)} messages are left")

    def warm_up(self) -> None:
        """A push that concerns nobody, long ago."""
        self.push("nobody")
        self.find.ask(_UNTIL_BUCKETS_ARE_FULL)
        self.finding.clear()
        self.strict.reset()

    def end(self) -> Json:
        """What the functions spent."""
        deployers = [each.end() for each in self.deployers]
        for spent in [self.find.end(), *deployers]:
            self.spent.add(spent)
        deploying = [seconds for each in deployers for seconds in each.invocations]
        return {
            "longest_invocation": {"finder": max(self.finding), "deployer": max(deploying)},
            "deployer_invocations": len(deploying),
        }


@contextmanager
def region(row: Row, table: Table) -> Iterator[Region]:
    aws = Upstream(row.scale)
    row.fleet.build(aws)
    aws.table = {key: item for key, item in table.items() if key[1] == "containers"}  # no rollouts
    with aws.served() as upstream, StrictAws(upstream, row.scale) as strict:
        world = World(strict.endpoint, upstream, row.scale, LATENCY)
        find = Environment(finder, world, row.share)
        deployers = [Environment(deployer, world, row.share / DEPLOYERS) for _ in range(DEPLOYERS)]
        yield Region(row, aws, strict, find.ready(), [each.ready() for each in deployers])


def measure(row: Row, table: Table) -> tuple[Json, Table]:
    """What was measured, and what is known of revisions afterwards."""
    with region(row, {} if row.start == "cold" else table) as it:
        if row.start == "warm":
            it.warm_up()
        start = time.monotonic()
        it.push(SHARED)
        it.work()
        real = time.monotonic() - start
        counted = {"calls": dict(it.strict.calls), "throttled": dict(it.strict.throttled)}
        counted |= it.end()
    check(row.fleet, it.aws)
    time_taken = {"wall": real * row.scale, "real": real}
    bounds = bounds_of(row, it.spent.latency, real * row.scale)
    return {**described(row), **counted, **time_taken, **bounds}, it.aws.table


def check(fleet: Fleet, aws: Upstream) -> None:
    left = [*fleet.left_behind(aws), *(message["MessageBody"] for message in aws.failed)]
    if left:
        raise NotDoneError(f"{len(left)} services or jobs were left behind, {left[0]} among them")


def described(row: Row) -> Json:
    return {**asdict(row.fleet), "start": row.start, "scale": row.scale, "share": row.share}


def bounds_of(row: Row, latency: dict[str, float], wall: float) -> Json:
    unknown = row.fleet.families if row.start == "cold" else 0
    unseen = 0 if row.start == "warm" else row.fleet.families
    phases = [row.fleet.finding(unknown, unseen), row.fleet.deploying()]
    least = bound(phases, latency, row.share)
    return {
        "quota_bound": quota_bound(phases, row.share),
        "quota_bound_at_default_share": quota_bound(phases, DEFAULT_SHARE),
        "bound": least,
        "ratio": wall / least,
        "in_goal": wall / least <= GOAL,
    }
