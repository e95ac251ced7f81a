"""The finder's use case: a trigger becomes jobs. It writes nothing but queues and the index."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from tagalong.decide import eligibility, match_push
from tagalong.decide.look import ImageQuery, Policy, QueryResults
from tagalong.decide.settled import Settled, queries
from tagalong.fleet import FleetReader, Seen
from tagalong.jobs import Deferred, Job, Recheck, backlogs, in_turns, jobs
from tagalong.model.decisions import Refusal, Skip
from tagalong.model.images import Repository, TaggedImage, by_name
from tagalong.model.index import Completeness, Row, rows_of, scope_hash
from tagalong.model.record import Record
from tagalong.model.revisions import Container
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import DeploymentEvent, Ignored, IgnoreReason, Push, Sweep
from tagalong.parallel import in_parallel
from tagalong.ports import (
    AwsError,
    ImagesOf,
    Inventory,
    JobQueue,
    OutOfTime,
    RecheckQueue,
    Records,
    ServiceIndex,
    Tags,
)

_SWEEPS = 2  # a cluster that two sweeps have missed counts as unknown
_TURN = timedelta(seconds=45)  # until somebody else's full read is asked for again
_ON = timedelta(seconds=1)
_HANDED_ON = timedelta(minutes=2)  # what a full read keeps its lease for until it goes on
_AFTER_ERROR = timedelta(seconds=60)
_A_SECOND = timedelta(seconds=1)  # an event tells no fraction of it
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Running:
    """A digest that a service runs in a container that follows a tag."""

    service: Service
    container: str
    repository: Repository
    digest: str


@dataclass(slots=True)
class FindResult:
    """What one trigger concerns."""

    jobs: list[Job] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)  # services that use the repository and stay as they are
    settled: Counter[str] = field(default_factory=Counter)  # reason -> services that a sweep left to it
    scanned: int = 0
    untagged: list[Running] = field(default_factory=list)  # a lifecycle policy may delete what still runs
    errors: list[str] = field(default_factory=list)  # clusters and revisions that could not be read
    warnings: list[str] = field(default_factory=list)  # of the index
    deferred: Deferred | None = None  # what is done later
    complete: Completeness = field(default_factory=Completeness)  # before


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for the services that a trigger could move."""

    inventory: Inventory
    index: ServiceIndex
    records: Records
    tags: Tags
    queue: JobQueue
    rechecks: RecheckQueue
    policy: Policy
    clusters: tuple[str, ...]
    sweep_every: timedelta | None  # None: there are none, and every push reads the fleet
    now: Callable[[], datetime]
    time_left: Callable[[], timedelta]

    def find(self, trigger: Push | Sweep, so_far: Deferred | None = None) -> FindResult | Ignored:
        """Jobs are sent as they are found. What cannot be read does not keep the rest: it is in `errors`."""
        if message := self._out_of_scope(trigger):
            return Ignored(IgnoreReason.OUT_OF_SCOPE, message)
        so_far = so_far or Deferred(trigger)
        found = FindResult()
        if isinstance(trigger, Sweep):
            complete = self._complete()
            found.complete = complete
            return self._leased(so_far, found, lambda: self._sweep(trigger, complete, so_far, found))
        reads: list[Callable[[], Any]] = [self._complete, lambda: self._rows(trigger.repository)]
        complete, rows = in_parallel(lambda read: read(), reads)
        found.complete = complete
        complete = complete.without(row.service.cluster for row in rows if not row.containers)
        if complete.all_fresh(self._fresh_since(trigger)):
            self._send(trigger, self._indexed(trigger, rows, so_far.done, found), found)
            return found
        return self._leased(so_far, found, lambda: self._read(trigger, rows, complete, so_far, found))

    def _complete(self) -> Completeness:
        return self.index.complete().of(scope_hash(self.policy.scope, self.clusters))

    def _rows(self, repository: Repository) -> list[Row]:
        return [row for row in self.index.rows(repository) if self._in_scope(row.service.cluster)]

    def resume(self, deferred: Deferred) -> FindResult | Ignored:
        """What was left of a trigger. What cannot be read is tried a few times more, then it raises."""
        found = self.find(deferred.trigger, deferred)
        if isinstance(found, Ignored) or not found.errors or found.deferred:
            return found
        if deferred.attempt + 1 >= _ATTEMPTS:
            raise AwsError("; ".join(found.errors))
        self.rechecks.send(replace(deferred, attempt=deferred.attempt + 1), _AFTER_ERROR)
        return found

    def _leased(
        self, so_far: Deferred, found: FindResult, read: Callable[[], FleetReader]
    ) -> FindResult | Ignored:
        """Only one reads the fleet at a time. Others come back; a sweep beside a sweep is of no use."""
        trigger, now = so_far.trigger, self.now()
        holder = self.index.lease(trigger.event_id, trigger.kind, now, now + self.time_left())
        if holder == trigger.kind == "sweep" and so_far == Deferred(trigger):
            return Ignored(IgnoreReason.UNDER_WAY, "another sweep is under way")
        if holder:
            found.deferred = so_far
            self.rechecks.send(so_far, _TURN)
            return found
        try:
            reader = read()
        except Exception:
            self.index.release(trigger.event_id)
            raise
        found.errors += reader.errors
        found.warnings += reader.warnings
        self._hand_on(reader, found)
        return found

    def _hand_on(self, reader: FleetReader, found: FindResult) -> None:
        """The lease is kept until this goes on."""
        holder, kind, now = reader.so_far.trigger.event_id, reader.so_far.trigger.kind, self.now()
        if reader.finished:
            self.index.release(holder)
            return
        self.index.lease(holder, kind, now, now + _HANDED_ON)
        found.deferred = replace(reader.so_far, attempt=reader.so_far.attempt + bool(reader.errors))
        self.rechecks.send(found.deferred, _ON)

    def _reader(self, complete: Completeness, so_far: Deferred) -> FleetReader:
        return FleetReader(self.inventory, self.index, self.policy.scope, self.now, complete, so_far)

    # -- a push ---------------------------------------------------------------------------------------------

    def _fresh_since(self, trigger: Push | Sweep) -> datetime:
        if self.sweep_every or not isinstance(trigger, Push):
            return self.now() - _SWEEPS * (self.sweep_every or timedelta())
        return trigger.time + _A_SECOND

    def _indexed(
        self, push: Push, rows: Sequence[Row], done: Collection[str], found: FindResult
    ) -> list[Service]:
        """The services that it concerns, as far as the index knows. What they run is read when the job is
        done: one that has another family by now finds its way there."""
        rows = [row for row in rows if last_part(row.service.cluster) not in done]
        return [row.service for row in rows if self._matches(row.service, row.containers, push, found)]

    def _read(
        self, push: Push, rows: Sequence[Row], complete: Completeness, so_far: Deferred, found: FindResult
    ) -> FleetReader:
        """The clusters of which the index does not know everybody."""
        since = self._fresh_since(push)
        if complete.listed_at <= since:
            complete = complete.listed(self.inventory.clusters(self.clusters), self.now())
        stale = [it for it, at in complete.clusters.items() if at <= since]
        self._send(push, self._indexed(push, rows, {*so_far.done, *stale}, found), found)
        done = {*so_far.done, *complete.clusters} - ({*stale} - {*so_far.done})
        reader = self._reader(complete, replace(so_far, done=tuple(sorted(done))))
        for some in reader.read(stale, everything=len(stale) == len(complete.clusters)):
            services = [it for it, containers in some if self._matches(it, containers, push, found)]
            self._send(push, services, found)
        return reader

    def _matches(
        self, service: Service, containers: Iterable[Container], push: Push, found: FindResult
    ) -> bool:
        found.scanned += 1
        match = match_push(service, containers, push, self.policy)
        if isinstance(match, Refusal):
            found.skips.append(Skip(service, match.reason, match.message))
        return match is True

    def _send(self, trigger: Push | Sweep, services: Sequence[Service], found: FindResult) -> None:
        """The first of a trigger get a turn at once; those that are found later wait for theirs."""
        made = jobs(trigger, services, trigger.event_id)
        waiting = [_knowing(job, found.complete) for job in made]
        self.queue.send(backlogs(waiting) if found.jobs else in_turns(waiting))
        found.jobs += waiting

    # -- a sweep --------------------------------------------------------------------------------------------

    def _sweep(
        self, sweep: Sweep, complete: Completeness, so_far: Deferred, found: FindResult
    ) -> FleetReader:
        clusters = self.inventory.clusters((sweep.cluster,) if sweep.cluster else self.clusters)
        if not sweep.cluster:
            complete = complete.listed(clusters, self.now())
        reader = self._reader(complete, so_far)
        seen = [it for some in reader.read(clusters, everything=not sweep.cluster) for it in some]
        found.scanned += len(seen)
        self._send(sweep, self._unsettled([it for it in seen if self._follows(it, sweep)], found), found)
        return reader

    def _follows(self, seen: Seen, sweep: Sweep) -> bool:
        _, containers = seen
        return self._follows_tag(
            [c for c in containers if sweep.repository in (None, c.image.repository.name)]
        )

    def _unsettled(self, following: Sequence[Seen], found: FindResult) -> list[Service]:
        """Those that differ, wait, or are not known; with the same core that the deployer decides with."""
        running = [*self._pinned(following), *self._resolved(following)]
        known = self._images(following, running)
        images = {query: it for repository in known.values() for query, it in repository.by_query.items()}
        found.untagged += [
            it for it in running if it.repository in known and not known[it.repository].tags(it)
        ]
        records = self._records([service for service, _ in following])
        before, unsettled = Settled(images, self.policy, self.now()), []
        for service, containers in following:
            if reason := before.reason(service, containers, records.get(service.key)):
                found.settled[reason] += 1
            else:
                unsettled.append(service)
        return unsettled

    def _records(self, services: Sequence[Service]) -> Mapping[str, Record]:
        try:
            return self.records.read_all(services)
        except AwsError:
            return {}  # the deployer looks at each

    def _pinned(self, seen: Sequence[Seen]) -> Iterator[Running]:
        for service, container in self._followed(seen):
            if digest := container.image.digest:
                yield Running(service, container.name, container.image.repository, digest)

    def _resolved(self, seen: Sequence[Seen]) -> Iterator[Running]:
        """What ECS made of plain tags runs, too."""
        plain = [(service, c) for service, c in self._followed(seen) if not c.image.digest]
        revisions = {service.service_revision for service, _ in plain}
        targets = self.inventory.targets(sorted(revisions - {""})) if plain else {}
        for service, container in plain:
            target = targets.get(service.service_revision)
            if target and (digest := target.resolved.get(container.name)):
                yield Running(service, container.name, container.image.repository, digest)

    def _followed(self, seen: Sequence[Seen]) -> Iterator[tuple[Service, Container]]:
        for service, containers in seen:
            for container in containers:
                if container.tag and self.policy.scope.covers(container.image.repository):
                    yield service, container

    def _images(self, following: Sequence[Seen], running: Sequence[Running]) -> dict[Repository, "_Images"]:
        """Each repository is asked once; one that does not answer is missing."""
        wanted: dict[Repository, set[ImageQuery]] = {}
        for service, containers in following:
            for query in queries(service, containers, self.policy):
                wanted.setdefault(query[0], set()).add(query)
        digests: dict[Repository, set[str]] = {}
        for it in running:
            digests.setdefault(it.repository, set()).add(it.digest)
        repositories = sorted(wanted.keys() | digests.keys())
        answers = in_parallel(
            lambda it: self._ask(it, wanted.get(it, set()), digests.get(it, set())), repositories
        )
        return {it: answer for it, answer in zip(repositories, answers, strict=True) if answer}

    def _ask(self, repository: Repository, wanted: set[ImageQuery], digests: set[str]) -> "_Images | None":
        tags = {tag for _, tag in wanted if tag}
        try:
            if (repository, None) in wanted:
                everything = self.tags.images(repository, None)
                return _Images(repository, wanted, by_name(everything), everything)
            return _Images(repository, wanted, self.tags.lookup(repository, tags, digests))
        except (AwsError, OutOfTime):
            return None

    # -- what comes back ------------------------------------------------------------------------------------

    def recheck(self, messages: Mapping[str, Recheck | DeploymentEvent]) -> tuple[list[Job], set[str]]:
        """By the ids of their messages: jobs, and the ids of those that could not be read.

        An event, or a wait that may have ended, matters only where a rollout is open or something is waited
        for; a failure always does. Whoever started a deployment, the index learns of it; and a service of
        which nobody knew is looked at, because a push of what it follows may have come before.
        """
        known = self.records.need_look({_key(it) for it in messages.values() if _may_not_matter(it)})
        relevant = {id_: it for id_, it in messages.items() if not _may_not_matter(it) or known.get(_key(it))}
        moved = {id_: it for id_, it in messages.items() if self._may_have_moved(it)}
        found: list[Job] = []
        unread: set[str] = set()
        for cluster, some in groupby(sorted((moved | relevant).items(), key=_cluster), key=_cluster):
            together = dict(some)
            try:
                services = self._named(cluster, sorted({it.service for it in together.values()}))
            except (AwsError, OutOfTime):
                unread |= together.keys()
                continue
            new = self._following([it for it in services.values() if it.key not in known])
            these = {id_: it for id_, it in together.items() if id_ in relevant or it.service in new}
            found += self._rechecked(cluster, services, these)
        if found and self.sweep_every:
            with suppress(AwsError):
                complete = self._complete()
                found = [_knowing(job, complete) for job in found]
        return found, unread

    def _following(self, services: Sequence[Service]) -> set[str]:
        """The names of those that may follow a tag."""
        allowed = [
            it for it in services if not eligibility.check(it, opt_in=self.policy.opt_in, now=self.now())
        ]
        with suppress(AwsError, OutOfTime):
            read = self.inventory.containers({it.task_definition for it in allowed} - {""})
            return {it.name for it in allowed if self._follows_tag(read.get(it.task_definition, ()))}
        return set()

    def _follows_tag(self, containers: Sequence[Container] | AwsError) -> bool:
        return not isinstance(containers, AwsError) and any(
            c.tag and self.policy.scope.covers(c.image.repository) for c in containers
        )

    def _may_have_moved(self, message: Recheck | DeploymentEvent) -> bool:
        started = isinstance(message, DeploymentEvent) and not message.completed
        return started and self._in_scope(message.cluster) and self.sweep_every is not None

    def _in_scope(self, cluster: str) -> bool:
        return "*" in self.clusters or last_part(cluster) in self.clusters

    def _named(self, cluster: str, names: Sequence[str]) -> Mapping[str, Service]:
        """And the index with what they are now."""
        at = self.now()
        services = self.inventory.named(cluster, names)
        if self.sweep_every and services and self._in_scope(cluster):
            self._index(list(services.values()), at)
        return services

    def _index(self, services: Sequence[Service], at: datetime) -> None:
        """What cannot be indexed now is found by the next sweep."""
        with suppress(AwsError, OutOfTime):
            read = self.inventory.containers({it.task_definition for it in services} - {""})
            known = [(it, read.get(it.task_definition, ())) for it in services]
            rows = [rows_of(it, c, self.policy.scope) for it, c in known if not isinstance(c, AwsError)]
            self.index.write([row for some in rows for row in some], [], at)

    def _rechecked(
        self, cluster: str, services: Mapping[str, Service], messages: Mapping[str, Recheck | DeploymentEvent]
    ) -> Iterator[Job]:
        looked_at = set()
        for id_, it in messages.items():
            once = _may_not_matter(it) and it.service in looked_at
            if (service := services.get(it.service)) and not once:
                looked_at.add(it.service)
                recheck = it if isinstance(it, Recheck) else Recheck(cluster, it.service, it)
                yield from jobs(
                    recheck.trigger, [service], id_, attempt=recheck.attempt, first_at=recheck.first_at
                )

    def _out_of_scope(self, trigger: Push | Sweep) -> str | None:
        match trigger:
            case Push(repository=repository) if not self.policy.scope.covers(repository):
                return (
                    f"repository '{repository.name}' of {repository.account} is outside the configured scope"
                )
            case Sweep(cluster=str(cluster)) if not self._in_scope(cluster):
                return f"cluster '{cluster}' is outside the configured scope"
        return None


@dataclass(frozen=True, slots=True)
class _Images:
    """What ECR says of one repository."""

    repository: Repository
    queries: set[ImageQuery]
    names: ImagesOf
    everything: tuple[TaggedImage, ...] = ()

    @property
    def by_query(self) -> QueryResults:
        return {query: self._of(query[1]) for query in self.queries}

    def _of(self, tag: str | None) -> tuple[TaggedImage, ...]:
        if tag is None:
            return self.everything
        return (replace(self.names[tag], tag=tag),) if tag in self.names else ()

    def tags(self, running: Running) -> bool:
        """Whether the digest still has a tag."""
        image = self.names.get(running.digest)
        return bool(image and image.tag)


def _knowing(job: Job, complete: Completeness) -> Job:
    return replace(job, known_until=complete.known_until(job.services))


def _key(message: Recheck | DeploymentEvent) -> str:
    return f"{last_part(message.cluster)}/{message.service}"


def _cluster(item: tuple[str, Recheck | DeploymentEvent]) -> str:
    return last_part(item[1].cluster)


def _may_not_matter(message: Recheck | DeploymentEvent) -> bool:
    return isinstance(message, DeploymentEvent) or message.if_waiting
