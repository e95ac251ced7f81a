"""The deployer's use case: one family, read again, decided on what ECR says now, and only then written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tagalong.images import Repository, Scope
from tagalong.jobs import Services
from tagalong.planning import Decision, Service, Skip, Update, decide, followed, refusal
from tagalong.revisions import Change, Revision, pin, same


class AwsError(Exception):
    """AWS refused or did not answer. Says the action, the code and the message; never a request's content."""


class Fleet(Protocol):
    """ECS, as far as the deployer needs it. Every method may raise AwsError."""

    def services(self, wanted: Services) -> Iterable[Service | Skip]:
        """The named services as they are now; a Skip for each that is gone."""

    def revision(self, arn: str) -> Revision: ...

    def newer(self, base: str) -> Iterable[Revision]:
        """Revisions of the same family registered after this one, newest first; only the last few."""

    def register(self, definition: Mapping[str, Any]) -> str:
        """Register a revision and return its ARN. Not idempotent: never repeat it without asking `newer`."""

    def update(self, service: Service, revision: str) -> None: ...


class Registry(Protocol):
    """ECR, as far as the deployer needs it."""

    def digest(self, repository: Repository, tag: str) -> str | None:
        """What the tag points at now; None where there is no such image. May raise AwsError."""


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
    """Moves the services of one family to what their tags point at now."""

    fleet: Fleet
    registry: Registry
    scope: Scope
    dry_run: bool

    def deploy(self, wanted: Services) -> Iterator[Outcome]:
        """One outcome for each service, as it happens. A failing service does not stop the others."""
        bases: dict[str, list[Service]] = {}
        for service in self.fleet.services(wanted):
            if isinstance(service, Skip):
                yield service
            elif refused := refusal(service):
                yield refused
            else:
                bases.setdefault(service.revision, []).append(service)
        for base, services in bases.items():
            yield from self._move(base, services)

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
        digests = {
            (repository, tag): self.registry.digest(repository, tag)
            for repository, tag in followed(revision, self.scope)
        }
        return [decide(service, revision, self.scope, digests) for service in services]

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
                self.fleet.update(update.service, revision)
                yield Updated(update, revision)
            except AwsError as error:
                yield Failed(update.service, error)

    def _revision(self, base: Revision, changes: tuple[Change, ...]) -> str:
        """A crash between register and update leaves a revision behind: use that, and make no twin."""
        definition = pin(base.definition, changes)
        for newer in self.fleet.newer(base.arn):
            if newer.active and not newer.unknown_fields and same(newer.definition, definition):
                return newer.arn
        return self.fleet.register(definition)
