"""One update: a revision registered or reused, the service looked at once more, and told to run it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Any

from tagalong.decide import Verdict, eligibility
from tagalong.decide.look import Look
from tagalong.decide.outcomes import deployment_id
from tagalong.model.decisions import Skip, SkipReason, Update
from tagalong.model.record import Order, Record, Status, begin
from tagalong.model.revisions import Change, Revision, equivalent, family, pin, revision_number
from tagalong.model.services import Service, last_part
from tagalong.parallel import in_parallel
from tagalong.ports import AwsError, DeploymentRefused, EcsApi, OutOfTime, RecordTable

_TOO_MANY = "active deployments exist"


class ConcurrentDeploymentError(Exception):
    """Somebody deployed the service since it was read: read it again."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The service was told to run `revision`; in a dry run it would have been, and there is no order."""

    update: Update
    order: Order | None = None

    @property
    def service(self) -> Service:
        return self.update.service


@dataclass(frozen=True, slots=True)
class Rollout:
    """Carries out updates; services that change alike share one new revision."""

    ecs: EcsApi
    records: RecordTable
    keep: Callable[[Look, Record, Record | None], None]
    moved: Callable[[Look, Updated], None]
    registered: "Registered"
    latest: Callable[[str], Revision | None]

    def begin(self, look: Look, verdict: Verdict, update: Update) -> Iterator[Updated | Skip]:
        """The record comes first, so that a crash leaves no rollout that nobody knows of; and what is done is
        reported before it is kept, so that a crash reports it twice rather than never."""
        assert verdict.order  # noqa: S101 - an update has one
        revision = look.base.arn if update.force else self._register_or_reuse(look.base, update.changes)
        now = self._unchanged(look)
        if isinstance(now, Skip):
            yield now
            return
        order = replace(verdict.order, revision=revision)
        ordered = replace(verdict.record, orders=(order, *verdict.record.orders))
        self.records.write(look.service, ordered)
        try:
            begun = self.ecs.update(now, revision, force=update.force)
        except DeploymentRefused as refused:
            yield self._wait(look, verdict.record, ordered, str(refused))
            return
        except OutOfTime:
            self.records.write(look.service, verdict.record)
            raise
        except AwsError as error:
            told = replace(order, reason=str(error))
            tried = replace(ordered, orders=(told, *verdict.record.orders))
            self.records.write(look.service, tried if error.unanswered else verdict.record)
            raise
        if begun.replaced:
            yield self._put_back(look, verdict.record, ordered, begun.replaced)
            return
        order = replace(order, deployment=begun.deployment, status=Status.STARTED)
        yield (updated := Updated(update, order))
        keep = partial(self.keep, look, begin(ordered, order), ordered)
        in_parallel(lambda do: do(), [keep, partial(self.moved, look, updated)])

    def _unchanged(self, look: Look) -> Service | Skip:
        """The service, if it still is what was decided on; no older base goes over somebody's deployment."""
        service = look.service
        now = self.ecs.services(service.cluster, [service.name]).get(service.name)
        if not now or now.created_at != service.created_at:
            return Skip(service, SkipReason.SERVICE_DELETED, "the service was deleted meanwhile")
        if refused := eligibility.check(now, opt_in=look.policy.opt_in, now=look.now):
            return Skip(now, refused.reason, refused.message)
        if (now.task_definition, now.primary.id) != (service.task_definition, service.primary.id):
            runs = last_part(now.task_definition)
            raise ConcurrentDeploymentError(f"another deployment moved the service to {runs}")
        return now

    def _wait(self, look: Look, record: Record, ordered: Record, message: str) -> Skip:
        too_many = _TOO_MANY in message
        reason = SkipReason.TOO_MANY_DEPLOYMENTS if too_many else SkipReason.DEPLOYMENT_IN_PROGRESS
        known = replace(record, decision=look.record.decision)
        waiting = known.deciding(reason, message, look.now).waiting(reason, deployment_id(look), look.now)
        skip = Skip(look.service, reason, message, waits=True, news=waiting.decision != known.decision)
        self.keep(look, waiting, ordered)
        return skip

    def _put_back(self, look: Look, record: Record, ordered: Record, theirs: str) -> Skip:
        """Somebody deployed between our look and our update: theirs goes first, and ours waits."""
        self.ecs.put_back(look.service, theirs)
        name = last_part(theirs)
        return self._wait(look, record, ordered, f"{name} was deployed at the same moment and goes first")

    def _register_or_reuse(self, base: Revision, changes: tuple[Change, ...]) -> str:
        """A crash between register and update leaves a revision behind: use that, and make no twin."""
        with self.registered.lock:
            known = self.registered.revisions
            if (base.arn, changes) not in known:
                known[base.arn, changes] = self._register(base, pin(base.definition, changes))
            return known[base.arn, changes]

    def _register(self, base: Revision, definition: Mapping[str, Any]) -> str:
        twins = (
            newer.arn
            for newer in self._newer(base)
            if newer.active and not newer.unknown_fields and equivalent(newer.definition, definition)
        )
        try:
            return next(twins, None) or self.ecs.register(definition)
        except AwsError as error:
            self.registered.unanswered |= error.unanswered
            raise

    def _newer(self, base: Revision) -> Iterator[Revision]:
        """The latest as it was at the start of the batch: nobody else registers ours. But ECS may have what
        it did not answer."""
        ask = self.ecs.latest if self.registered.unanswered else self.latest
        latest = ask(family(base.arn))
        if latest and revision_number(latest.arn) > revision_number(base.arn):
            yield latest
            yield from self.ecs.between(base.arn, latest)


@dataclass(slots=True)
class Registered:
    """In one batch, of one family. ECS takes one registration of a family at a time."""

    revisions: dict[tuple[str, tuple[Change, ...]], str] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    unanswered: bool = False  # there may be one more
