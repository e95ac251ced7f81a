"""One job: each service read again, decided on what ECS and ECR say now, and only then written."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from tagalong.decide import Verdict, decide, eligibility
from tagalong.decide.look import ImageQuery, Look, Policy, QueryResults, baseline_of
from tagalong.decide.outcomes import Report, never_begun, under_way_since
from tagalong.decide.reading import (
    failures_to_explain,
    image_queries,
    missing_tags,
    needs_history,
    plain_tags,
    targets_to_read,
)
from tagalong.jobs import Job, Recheck, Services
from tagalong.model.decisions import Skip, SkipReason, Update
from tagalong.model.history import History, Target
from tagalong.model.record import Record, Status
from tagalong.model.revisions import Revision, family, pin
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import Push
from tagalong.parallel import in_parallel
from tagalong.ports import AccessDenied, AwsError, EcrApi, EcsApi, Moved, OutOfTime, RecheckQueue, RecordTable
from tagalong.reads import Reads
from tagalong.rollout import Registered, Rollout, Updated

_WAIT = timedelta(minutes=4)  # until something that others do is looked at again
_SOON = timedelta(seconds=10)
_LONGEST = timedelta(minutes=15)  # that SQS delays a message
_STAGE_UNKNOWN = "that ECS does not tell now"


class NeverBegunError(Exception):
    """The function ended between writing a rollout down and telling ECS: a try that failed."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something stood in the way of one service; it is tried again."""

    service: Service
    error: Exception


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Time does not suffice for these."""

    services: Services


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The service belongs to another family by now, and so to another message group."""

    service: Service


Result = Report | Updated | Skip | Failed | Unfinished | Elsewhere


@dataclass(frozen=True)
class Deployer:
    """Moves the services of one job to what their tags point at now."""

    ecs: EcsApi
    ecr: EcrApi
    records: RecordTable
    rechecks: RecheckQueue
    policy: Policy
    job: Job
    dry_run: bool
    now: datetime
    time_left: Callable[[], bool]  # False when the function is about to be stopped
    reads: Reads
    index: Moved | None = None  # where there are sweeps
    registered: Registered = field(default_factory=Registered)

    @property
    def services(self) -> list[tuple[str, str]]:
        """(cluster, name)"""
        return [(cluster, name) for cluster, names in self.job.services.items() for name in names]

    def deploy(self, cluster: str, name: str) -> Iterator[Result]:
        """What comes of a service, as it happens: a report before what follows from it is kept. Whatever is
        wrong with it, others are done; they may be done at the same time."""
        try:
            if self.time_left():
                yield from self._deploy(cluster, name)
                return
        except OutOfTime:
            pass
        except Exception as error:  # noqa: BLE001 - one bad service or record blocks nobody else
            yield Failed(self._failed(cluster, name), error)
            return
        yield Unfinished({cluster: (name,)})

    def _failed(self, cluster: str, name: str) -> Service:
        """As much as is known of it."""
        with suppress(Exception):
            return self.reads.service(self.job, cluster, name) or Service(cluster, name)
        return Service(cluster, name)

    def _deploy(self, cluster: str, name: str) -> Iterator[Result]:
        if not (service := self.reads.service(self.job, cluster, name)):
            yield Skip(Service(cluster, name), SkipReason.SERVICE_DELETED, "the service was deleted")
            return
        refused = eligibility.check(service, opt_in=self.policy.opt_in, now=self.now)
        record = self._record(cluster, service, read_base=not refused)
        if refused and refused.reason is not SkipReason.ON_HOLD and not record.needs_look:
            news = isinstance(self.job.trigger, Push) and not self.job.attempt
            yield Skip(service, refused.reason, refused.message, news=news)
        elif service.task_definition and family(service.task_definition) != self.job.family:
            yield Elsewhere(service)
        else:
            yield from self.act(look := self._look(service, record), decide(look))

    def _record(self, cluster: str, service: Service, *, read_base: bool) -> Record:
        """With `read_base` its revision, which a look needs next, is read meanwhile."""
        named = self.reads.remembered(self.job, cluster, service.name)
        needed: list[Callable[[], Any]] = [partial(self.records.read, service, named)]
        if read_base and service.task_definition:
            needed.append(partial(self.reads.revision, service.task_definition))
        record, *_ = in_parallel(lambda read: read(), needed)
        return cast("Record", record)

    def act(self, look: Look, verdict: Verdict) -> Iterator[Result]:
        """What follows from a verdict: reported, and written unless in a dry run."""
        yield from verdict.reports
        if self.dry_run:
            update = verdict.decision
            yield Updated(update) if isinstance(update, Update) else update
            return
        if verdict.reports:  # whatever becomes of the update, they are not reported again
            self.records.write(look.service, verdict.record)
        if isinstance(verdict.decision, Update):
            if order := never_begun(look.record, verdict.record):
                self.records.write(look.service, verdict.record)
                raise NeverBegunError(f"the update to {last_part(order.revision)} did not reach ECS")
            yield from self._rollout().begin(look, *self._with_provenance(verdict, verdict.decision))
        else:
            yield verdict.decision
            self.keep(look, verdict.record)

    def _with_provenance(self, verdict: Verdict, update: Update) -> tuple[Verdict, Update]:
        if update.force or not verdict.order:  # its digests are still open
            return verdict, update
        images = [(it.repository, it.digest) for it in update.changes]
        found = in_parallel(self.reads.provenance, images)
        pairs = zip(update.changes, found, strict=True)
        changes = tuple(replace(change, provenance=origin) for change, origin in pairs)
        order = replace(verdict.order, changes=changes)
        return replace(verdict, order=order), replace(update, changes=changes)

    def _rollout(self) -> Rollout:
        return Rollout(self.ecs, self.records, self.keep, self._moved, self.registered, self.reads.latest)

    def _moved(self, look: Look, updated: Updated) -> None:
        """The index with what the service names now. What cannot be kept is found by the next sweep."""
        if self.index and updated.order and not updated.update.force:
            definition = pin(look.base.definition, updated.update.changes)
            revision = replace(look.base, arn=updated.order.revision, definition=definition)
            with suppress(AwsError):
                self.index.moved(look.service, revision, self.policy.scope, self.now)

    def keep(self, look: Look, record: Record, kept: Record | None = None) -> None:
        """Write the record if it changed; before that, see that what waits is looked at again."""
        delay = _recheck_in(look, record)
        due = self.now + delay if delay else None
        if delay and due and not (record.recheck_at and self.now < record.recheck_at <= due + _SOON):
            service, job = look.service, self.job
            self.rechecks.send(
                Recheck(
                    service.cluster, service.name, job.trigger, job.attempt, job.first_at, if_waiting=True
                ),
                delay,
            )
            record = replace(record, recheck_at=due)
        if record != (kept or look.record):
            self.records.write(look.service, record)

    def _look(self, service: Service, record: Record) -> Look:
        base = self.reads.revision(service.task_definition)
        queries = list(image_queries(service, base, self.policy))
        look = Look(
            now=self.now,
            trigger=self.job.trigger,
            policy=self.policy,
            service=service,
            base=base,
            record=record,
            images=self._images(queries),
            known_until=self.job.known_until,
        )
        if plain_tags(service, base, self.policy):
            look = self._resolved(look)
        if not look.history.unavailable and needs_history(look):
            look = replace(look, history=self._history(look))
        look = replace(look, baseline=self._baseline(look))
        return replace(look, pullable=self._pullable(look))

    def _images(self, queries: Sequence[ImageQuery]) -> QueryResults:
        """What an update would say of a pushed image is read meanwhile."""
        asks: list[Callable[[], Any]] = [partial(self.reads.images, it) for it in queries]
        trigger = self.job.trigger
        if isinstance(trigger, Push) and trigger.repository in {it for it, _ in queries} and not self.dry_run:
            asks.append(partial(self.reads.provenance, (trigger.repository, trigger.digest)))
        found = in_parallel(lambda ask: ask(), asks)
        return dict(zip(queries, found, strict=False))

    def _resolved(self, look: Look) -> Look:
        """What ECS made of plain tags. It may name the image of its platform where the tag names an index."""
        service = look.service
        try:
            target = self.ecs.targets([service.service_revision]).get(service.service_revision)
        except AwsError as error:
            return replace(look, history=History(unavailable=str(error)))
        if not target or target.task_definition != service.task_definition:
            return look
        resolved = {c.name: target.resolved.get(c.name, "") for c in look.base.containers}
        return replace(look, resolved={name: self._same(look, name, it) for name, it in resolved.items()})

    def _same(self, look: Look, name: str, digest: str) -> str:
        [container] = [c for c in look.base.containers if c.name == name]
        repository = container.image.repository
        queries = [(repository, container.tag), (repository, None)]
        images = (it for query in queries for it in look.images.get(query, ()) if it.tag == container.tag)
        may_be_index = (it for it in images if it.is_index or not it.media_types)
        indexes = [it.digest for it in may_be_index if digest and it.digest != digest]
        return next((it for it in indexes if self.ecr.contains(repository, it, digest)), digest)

    def _history(self, look: Look) -> History:
        """Looking back never blocks going forward: where ECS does not tell, that is said."""
        try:
            history = self.ecs.deployments(look.service)
            targets = targets_to_read(history, look.service, look.record)
            failures = failures_to_explain(history, look.record)
            return replace(
                history,
                was_read=True,
                targets=self._targets(look, targets),
                causes=self._causes(failures),
                waits_in=self._waits_in(look.service, history),
            )
        except AwsError as error:
            return History(unavailable=str(error))

    def _causes(self, failures: Sequence[str]) -> Mapping[str, str]:
        """They are told, and decide nothing."""
        with suppress(AwsError):
            return self.ecs.causes(failures) if failures else {}
        return {}

    def _targets(self, look: Look, arns: Sequence[str]) -> dict[str, Target]:
        """With the digests of indexes where ECS names one of their platforms."""
        found = dict(self.ecs.targets(arns)) if arns else {}
        plain = {c.name for c in look.base.containers if not c.image.digest}
        for arn, target in found.items():
            same = {n: self._same(look, n, it) for n, it in target.resolved.items() if n in plain}
            found[arn] = replace(target, resolved={**target.resolved, **same})
        return found

    def _waits_in(self, service: Service, history: History) -> str:
        """Rolling updates without hooks and bake time have no stage that matters."""
        newest = history.newest
        if not service.stages or not newest or not newest.under_way:
            return ""
        try:
            stage = self.ecs.stage(newest.arn)
        except AccessDenied:
            return ""
        except AwsError:
            return _STAGE_UNKNOWN
        return stage if stage in service.stages else ""

    def _baseline(self, look: Look) -> Revision | None:
        arn, _ = baseline_of(look)
        try:
            return None if arn == look.base.arn else self.reads.revision(arn)
        except AwsError:
            return None

    def _pullable(self, look: Look) -> frozenset[str]:
        return frozenset(
            digest for repository, digest in missing_tags(look) if self.ecr.has(repository, digest)
        )


def _recheck_in(look: Look, record: Record) -> timedelta | None:
    """Until the service must be looked at again though no event may tell; None where a sweep is enough."""
    remaining = (under_way_since(look) or look.now) + look.policy.stuck_after - look.now
    until_stuck = max(_SOON, remaining) if remaining > timedelta(0) else _WAIT
    if record.waits:
        return min(_WAIT, until_stuck)
    is_open = any(order.status in {Status.ORDERED, Status.STARTED} for order in record.orders)
    told = record.order and record.stuck == record.order.deployment
    return min(_LONGEST, until_stuck) if is_open and not told else None
