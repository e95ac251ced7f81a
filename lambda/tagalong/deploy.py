"""The deployer's use case: one family, read again, decided on what ECR says now, and only then written."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache

from tagalong import watching
from tagalong.decide.planning import Known, Policy, Runs, decide, questions, refusal
from tagalong.jobs import Services
from tagalong.model.decisions import Decision, Service, Skip, Update
from tagalong.model.images import Image
from tagalong.model.revisions import Change, Container, Revision, pin, same
from tagalong.model.rollouts import Deployed, Rollout, Standing, Status
from tagalong.model.triggers import Cause, Sweep
from tagalong.ports import AwsError, Fleet, Records, Registry


@dataclass(frozen=True, slots=True)
class Updated:
    """The service was told to run `revision`; in a dry run it would have been, and `revision` is None."""

    update: Update
    revision: str | None
    rollout: Rollout | None = None

    @property
    def service(self) -> Service:
        return self.update.service


@dataclass(frozen=True, slots=True)
class Failed:
    """AWS stood in the way; the job will come back."""

    service: Service
    error: AwsError


@dataclass(frozen=True, slots=True)
class Ended:
    """A rollout that was begun earlier was found to have gone on."""

    service: Service
    rollout: Rollout


Outcome = Updated | Skip | Failed | Ended


@dataclass(frozen=True, slots=True)
class Deployer:
    """Moves the services of one job to what their tags point at now."""

    fleet: Fleet
    registry: Registry
    records: Records
    policy: Policy
    cause: Cause
    dry_run: bool
    now: datetime
    time_left: Callable[[], bool]  # False when the function is about to be stopped
    _standings: dict[str, Standing] = field(default_factory=dict)  # service ARN -> as it was before the job

    def deploy(self, wanted: Services) -> Iterator[Outcome]:
        """Outcomes of each service, as they happen. A failing service does not stop the others."""
        bases: dict[str, list[Service]] = {}
        for service in self._look(wanted):
            if not isinstance(service, Service):
                yield service
            elif refused := refusal(service, self.policy, self.now):
                yield refused
            else:
                bases.setdefault(service.revision, []).append(service)
        for base, services in bases.items():
            yield from self._move(base, services)

    def _look(self, wanted: Services) -> Iterator[Service | Skip | Failed | Ended]:
        for cluster, names in wanted.items():
            try:
                found = list(self.fleet.services({cluster: names}))
            except AwsError as error:
                yield from (Failed(Service(cluster, name, ""), error) for name in names)
                continue
            for service in found:
                yield from [service] if isinstance(service, Skip) else self._remember(service)

    def _remember(self, service: Service) -> Iterator[Service | Failed | Ended]:
        if service.status != "ACTIVE":  # ECS tells nothing of its deployments any more
            yield service
            return
        try:
            sweep = isinstance(self.cause, Sweep)
            standing, ended = watching.looked(self.records, self.fleet, service, thoroughly=sweep)
            self._standings[service.arn] = standing
            if ended:
                yield Ended(service, ended)
                self.records.keep(ended)
        except AwsError as error:
            yield Failed(service, error)
            return
        yield self._with_rollback(service)

    def _with_rollback(self, service: Service) -> Service:
        """Also by what is remembered. A deployment of ours beside one that failed is no rollback of that."""
        if not (latest := self._standings[service.arn].latest):
            return service
        ours = service.primary == latest.deployment and not service.untold
        remembered = latest.status is Status.ROLLING_BACK
        return replace(service, rolling_back=remembered or (service.rolling_back and not ours))

    def _move(self, base: str, services: Sequence[Service]) -> Iterator[Outcome]:
        try:
            revision = self.fleet.revision(base)
            decisions = self._decide(revision, services)
        except AwsError as error:
            yield from (Failed(service, error) for service in services)
            return
        updates: dict[tuple[Change, ...], list[Update]] = {}
        for decision in decisions:
            if isinstance(decision, Skip):
                yield self._leave(decision)
            else:
                updates.setdefault(decision.changes, []).append(decision)
        for changes, together in updates.items():
            yield from self._roll_out(revision, changes, together)

    def _leave(self, skip: Skip) -> Skip | Failed:
        try:
            watching.remember(self.records, skip, self.now)
        except AwsError as error:
            return Failed(skip.service, error)
        return skip

    def _decide(self, revision: Revision, services: Sequence[Service]) -> list[Decision]:
        asked = {question for s in services for question in questions(s, revision, self.policy)}
        answers = {question: self.registry.images(*question) for question in asked}
        return [
            decide(s, revision, self.policy, Known(answers, self._runs(s), self._standings[s.arn]))
            for s in services
        ]

    def _runs(self, service: Service) -> Runs:
        """Asks ECS, but only for a service with a container that is not pinned.

        Where ECS does not tell, a push moves the service and a sweep leaves it: the image may run already.
        """
        resolved = cache(lambda: self.fleet.resolved(service))

        def runs(container: Container, image: Image) -> bool:
            if not (digest := resolved().get(container.name)):
                return isinstance(self.cause, Sweep)
            # ECS may name the image of its platform where the tag names an index.
            return digest == image.digest or self.registry.contains(
                container.image.repository, image.digest, digest
            )

        return runs

    def _roll_out(
        self, base: Revision, changes: tuple[Change, ...], updates: Sequence[Update]
    ) -> Iterator[Outcome]:
        """Services that change alike share one new revision."""
        if self.dry_run:
            yield from (Updated(update, None) for update in updates)
            return
        try:
            revision = self._revision(base, changes)
        except AwsError as error:
            yield from (Failed(update.service, error) for update in updates)
            return
        for update in updates:
            try:
                yield self._update(update, revision)
            except AwsError as error:
                yield Failed(update.service, error)

    def _update(self, update: Update, revision: str) -> Outcome:
        """Put no older base over a deployment of somebody else: look before, and look what was replaced."""
        if not self.time_left():
            raise AwsError("the function's time is up; the next invocation goes on")
        [now] = self.fleet.services({update.service.cluster: (update.service.name,)})
        if isinstance(now, Skip):
            return now
        if refused := refusal(self._with_rollback(now), self.policy, self.now):
            return refused
        if now.revision != update.service.revision:
            raise AwsError(f"it was deployed meanwhile, and runs {now.revision.rpartition('/')[2]}")
        rollout, replaced = self._start(now, update.changes, revision)
        if replaced:
            return self._make_good(replace(now, revision=replaced), rollout)
        return Updated(update, revision, rollout)

    def _make_good(self, service: Service, rollout: Rollout) -> Outcome:
        """Somebody deployed between our look and our update: build on what is theirs and was replaced."""
        theirs = self.fleet.revision(service.revision)
        [decision] = self._decide(theirs, [service])
        if isinstance(decision, Update) and decision.changes:
            revision = self._revision(theirs, decision.changes)
            return Updated(decision, revision, self._start(service, decision.changes, revision)[0])
        self.fleet.update(service, theirs.arn)
        self.records.keep(rollout.became(Status.REPLACED, "somebody deployed meanwhile", self._at))
        return Updated(Update(service, ()), theirs.arn)

    def _start(
        self, service: Service, changes: tuple[Change, ...], revision: str
    ) -> tuple[Rollout, str | None]:
        """The record comes first: of a rollout that ends badly, it is known even after a crash."""
        before = self._standings[service.arn]
        rollout = self._rollout(service, changes, revision, before)
        self.records.keep(rollout)
        deployment = self.fleet.update(service, revision)
        rollout = replace(rollout, status=Status.STARTED, deployment=deployment.id)
        self.records.keep(rollout)
        if before.latest:
            self.records.archive(before.latest.superseded(self._at))
        return rollout, deployment.replaced

    def _rollout(
        self, service: Service, changes: tuple[Change, ...], revision: str, before: Standing
    ) -> Rollout:
        moved = {change.container: Deployed(change.digest, self._at) for change in changes}
        return Rollout(
            service=service.arn,
            cluster=service.cluster,
            name=service.name,
            started_at=self._at,
            old_revision=service.revision,
            new_revision=revision,
            changes=changes,
            cause=self.cause,
            deployed={**before.deployed, **moved},
        )

    @property
    def _at(self) -> str:
        return self.now.isoformat()

    def _revision(self, base: Revision, changes: tuple[Change, ...]) -> str:
        """A crash between register and update leaves a revision behind: use that, and make no twin."""
        definition = pin(base.definition, changes)
        for newer in self.fleet.newer(base.arn):
            if newer.active and not newer.unknown_fields and same(newer.definition, definition):
                return newer.arn
        return self.fleet.register(definition)
