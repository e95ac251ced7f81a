"""The deployer's use case: one family, read again, decided on what ECR says now, and only then written."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Protocol

from tagalong.decisions import Decision, Service, Skip, Update
from tagalong.images import Image, Repository
from tagalong.jobs import Services
from tagalong.planning import Policy, Runs, decide, questions, refusal
from tagalong.revisions import Change, Container, Revision, pin, same


class AwsError(Exception):
    """AWS refused or did not answer. Says the action, the code and the message; never a request's content."""


class Fleet(Protocol):
    """ECS, as far as the deployer needs it. Every method may raise AwsError."""

    def services(self, wanted: Services) -> Iterable[Service | Skip]:
        """The named services as they are now; a Skip for each that is gone."""

    def revision(self, arn: str) -> Revision: ...

    def resolved(self, service: Service) -> Mapping[str, str]:
        """container -> the digest that ECS resolved its tag to, as far as ECS tells."""

    def newer(self, base: str) -> Iterable[Revision]:
        """Revisions of the same family registered after this one, newest first; only the last few."""

    def register(self, definition: Mapping[str, Any]) -> str:
        """Register a revision and return its ARN. Not idempotent: never repeat it without asking `newer`."""

    def update(self, service: Service, revision: str) -> str | None:
        """Tell the service to run the revision; answers what somebody else deployed since it was read."""


class Registry(Protocol):
    """ECR, as far as the deployer needs it. Every method may raise AwsError."""

    def images(self, repository: Repository, tag: str | None) -> tuple[Image, ...]:
        """What has this tag now, or all images, once for each of their tags; nothing where there is none."""

    def contains(self, repository: Repository, index: str, digest: str) -> bool:
        """Whether the index is of several platforms, and the digest is that of one of them."""


@dataclass(frozen=True, slots=True)
class Updated:
    """The service was told to run `revision`; in a dry run it would have been, and `revision` is None."""

    update: Update
    revision: str | None

    @property
    def service(self) -> Service:
        return self.update.service


@dataclass(frozen=True, slots=True)
class Failed:
    """AWS stood in the way; the job will come back."""

    service: Service
    error: AwsError


Outcome = Updated | Skip | Failed


@dataclass(frozen=True, slots=True)
class Deployer:
    """Moves the services of one job to what their tags point at now."""

    fleet: Fleet
    registry: Registry
    policy: Policy
    dry_run: bool
    sweep: bool
    now: datetime
    time_left: Callable[[], bool]  # False when the function is about to be stopped

    def deploy(self, wanted: Services) -> Iterator[Outcome]:
        """One outcome for each service, as it happens. A failing service does not stop the others."""
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

    def _look(self, wanted: Services) -> Iterator[Service | Skip | Failed]:
        for cluster, names in wanted.items():
            try:
                yield from list(self.fleet.services({cluster: names}))
            except AwsError as error:
                yield from (Failed(Service(cluster, name, ""), error) for name in names)

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
                yield decision
            else:
                updates.setdefault(decision.changes, []).append(decision)
        for changes, together in updates.items():
            yield from self._roll_out(revision, changes, together)

    def _decide(self, revision: Revision, services: Sequence[Service]) -> list[Decision]:
        asked = {question for s in services for question in questions(s, revision, self.policy)}
        answers = {question: self.registry.images(*question) for question in asked}
        return [decide(service, revision, self.policy, answers, self._runs(service)) for service in services]

    def _runs(self, service: Service) -> Runs:
        """Asks ECS, but only for a service with a container that is not pinned.

        Where ECS does not tell, a push moves the service and a sweep leaves it: the image may run already.
        """
        resolved = cache(lambda: self.fleet.resolved(service))

        def runs(container: Container, image: Image) -> bool:
            if not (digest := resolved().get(container.name)):
                return self.sweep
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
        if refused := refusal(now, self.policy, self.now):
            return refused
        if now.revision != update.service.revision:
            raise AwsError(f"it was deployed meanwhile, and runs {now.revision.rpartition('/')[2]}")
        if theirs := self.fleet.update(now, revision):
            return self._make_good(replace(now, revision=theirs))
        return Updated(update, revision)

    def _make_good(self, service: Service) -> Outcome:
        """Somebody deployed between our look and our update: build on what is theirs and was replaced."""
        theirs = self.fleet.revision(service.revision)
        [decision] = self._decide(theirs, [service])
        changes = decision.changes if isinstance(decision, Update) else ()
        revision = self._revision(theirs, changes) if changes else theirs.arn
        self.fleet.update(service, revision)
        return Updated(Update(service, changes), revision)

    def _revision(self, base: Revision, changes: tuple[Change, ...]) -> str:
        """A crash between register and update leaves a revision behind: use that, and make no twin."""
        definition = pin(base.definition, changes)
        for newer in self.fleet.newer(base.arn):
            if newer.active and not newer.unknown_fields and same(newer.definition, definition):
                return newer.arn
        return self.fleet.register(definition)
