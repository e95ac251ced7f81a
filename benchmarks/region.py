"""A strict AWS with a fleet, the functions in processes of their own, and what a push to them took."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from benchmarks.environments import Environment, Spent, World, deployer, finder, rechecker
from benchmarks.fleets import DEPLOYERS, NEW, Fleet
from benchmarks.upstream import Upstream
from support.fake_aws import ACCOUNT, REGION, Json
from support.strict_proxy import StrictAws
from support.strict_proxy.quotas import QUOTAS
from tagalong.aws import service_index
from tagalong.model.images import ImageReference, Repository, Scope
from tagalong.model.index import Completeness, rows_of, scope_hash
from tagalong.model.plain import to_json
from tagalong.model.revisions import Container
from tagalong.model.services import Service, last_part

LATENCY = 0.025  # seconds that a call is on its way: nobody publishes it, and most take longer
PATIENCE = 600  # seconds, ours
_HEARD_AT_ONCE = 50  # events, as the event source of the recheck queue hands them over
SCOPE = Scope(frozenset([ACCOUNT]), REGION, ("*",))
_READS, _WRITES = {"GetItem", "Query", "BatchGetItem"}, {"PutItem", "DeleteItem"}
OF_THE_TABLE = _READS | _WRITES | {"BatchWriteItem", "TransactWriteItems"}


class NotDoneError(Exception):
    """A service was left behind: the figures would be of something else."""


@dataclass
class Region:
    """Its functions are processes that are ready. With `rechecks` the finder also works at its queue."""

    aws: Upstream
    strict: StrictAws
    finders: list[Environment]
    workers: list[Environment]
    took: list[float] = field(default_factory=list)  # by each invocation of a finder

    def deliver(self, event: Json, finder: int = 0) -> float:
        """Seconds that the finder took."""
        self.took.append(self.finders[finder].ask(event))
        return self.took[-1]

    def push(self, repository: str, tag: str = "prod", digest: str = NEW) -> float:
        with self.aws.changed:
            event = self.aws.push(repository, tag, digest)
        return self.deliver(event)

    def work(self) -> None:
        """Wait until all jobs are done and no trigger waits for its turn; rollouts may still be watched."""

        def is_done() -> bool:
            deferred = any('"kind":"deferred"' in it["MessageBody"] for it in self.aws.rechecks)
            return not self.aws.queue and not deferred

        with self.aws.changed:
            if not self.aws.changed.wait_for(is_done, PATIENCE):
                raise NotDoneError(f"{len(self.aws.queue)} jobs, {len(self.aws.rechecks)} rechecks are left")

    def work_jobs(self) -> None:
        """Wait until the job queue is empty; what is to be checked later waits."""
        with self.aws.changed:
            if not self.aws.changed.wait_for(lambda: not self.aws.queue, PATIENCE):
                raise NotDoneError(f"{len(self.aws.queue)} jobs are left")

    def deliver_all(self, events: Sequence[Json]) -> None:
        """By all finders at once."""
        some = [events[number :: len(self.finders)] for number in range(len(self.finders))]
        threads = [Thread(target=self._deliver_some, args=(n, it)) for n, it in enumerate(some)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _deliver_some(self, finder: int, events: Sequence[Json]) -> None:
        for event in events:
            self.deliver(event, finder)

    def settle(self) -> None:
        """All deployments complete, and tagalong has heard of it; the buckets fill up; nothing counts."""
        with self.aws.changed:
            events = [
                event
                for (cluster, name), service in self.aws.services.items()
                if any(it["rolloutState"] == "IN_PROGRESS" for it in service["deployments"])
                for event in self.aws.complete(cluster, name)
            ]
        records = [{"messageId": str(number), "body": json.dumps(it)} for number, it in enumerate(events)]
        for first in range(0, len(records), _HEARD_AT_ONCE):
            self.finders[0].ask({"Records": records[first : first + _HEARD_AT_ONCE]})
        self.work_jobs()
        self.strict.reset()
        self.took.clear()
        for it in [*self.finders, *self.workers]:
            it.ask(60.0)

    @property
    def calls(self) -> dict[str, int]:
        return dict(self.strict.calls)

    def count(self, *services: str) -> int:
        """Calls of ECS ("ecs"), ECR ("ecr"), the table ("table")."""
        return sum(number for action, number in self.calls.items() if _service(action) in services)

    @property
    def throttled(self) -> int:
        return sum(self.strict.throttled.values())

    def end(self) -> Spent:
        spent = Spent()
        for it in [*self.finders, *self.workers]:
            spent.add(it.end())
        return spent


@contextmanager
def region(  # noqa: PLR0913 - each by name
    fleet: Fleet,
    *,
    scale: float = 1,
    share: float = 1.0,
    finders: int = 1,
    rechecks: int = 0,
    known: bool = True,
) -> Iterator[Region]:
    """`known`: the index is complete, and what there is to know of revisions is in the table."""
    aws = Upstream(scale)
    fleet.build(aws)
    with aws.served() as upstream, StrictAws(upstream, scale) as strict:
        world = World(strict.endpoint, upstream, scale, LATENCY, aws.began)
        if known:
            fill(aws, world)
        starts = [finder] * finders, [deployer] * DEPLOYERS + [rechecker] * rechecks
        finding, working = ([Environment(it, world, share) for it in some] for some in starts)
        for it in [*finding, *working]:
            it.ready()
        here = Region(aws, strict, finding, working)
        strict.reset()
        yield here


def check(fleet: Fleet, aws: Upstream) -> None:
    left = [*fleet.left_behind(aws), *(message["MessageBody"] for message in aws.failed)]
    if left:
        raise NotDoneError(f"{len(left)} services or jobs were left behind, {left[0]} among them")


def fill(aws: Upstream, world: World) -> None:
    """What sweeps would have left."""
    known: dict[str, list[Container]] = {}
    for revisions in aws.revisions.values():
        for it in revisions:
            known[it["taskDefinitionArn"]] = list(_containers(it))
    repositories: Counter[Repository] = Counter()
    for service in aws.services.values():
        cluster, revision = service["clusterArn"], service["taskDefinition"]
        read = Service(cluster, service["serviceName"], revision, service["serviceArn"])
        for row in rows_of(read, known[revision], SCOPE):
            repositories[row.repository] += 1
            key = (service_index.row_subject(row.repository), service_index.row_item(row))
            _put(aws, *key, {**service_index.row_attributes(row), "read_at": {"N": "1"}})
    for repository in repositories:
        _put(aws, "fleet", service_index.row_subject(repository), {})
    clusters = {last_part(it): world.now() for it in aws.clusters}
    complete = Completeness(scope_hash(SCOPE, ("*",)), clusters, world.now())
    _put(aws, "fleet", "complete", {"complete": {"S": to_json(complete)}})


def _put(aws: Upstream, subject: str, item: str, attributes: dict[str, Any]) -> None:
    aws.table[subject, item] = {"subject": {"S": subject}, "item": {"S": item}, **attributes}
    aws.items.setdefault(subject, set()).add(item)


def _containers(revision: Json) -> Iterable[Container]:
    for it in revision["containerDefinitions"]:
        if image := ImageReference.parse(it["image"]):
            yield Container(it["name"], image, {})


def _service(action: str) -> str:
    if action in QUOTAS:
        return "ecs"
    return "table" if action in OF_THE_TABLE else "ecr" if "Image" in action else "other"
