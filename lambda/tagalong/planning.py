"""What to do with one service, and why: a decision is data, and nothing here can act."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tagalong.images import Repository, Scope
from tagalong.pushes import Push
from tagalong.revisions import Change, Container, Revision

Digests = Mapping[tuple[Repository, str], str | None]
"""(repository, tag) -> the digest that ECR says now, None where ECR has no such tag."""


class SkipReason(StrEnum):
    """Each is explained, with its remedy, in docs/operations.md."""

    UP_TO_DATE = "up-to-date"
    OTHER_TAG = "other-tag"
    PINNED_BY_OWNER = "pinned-by-owner"
    OUT_OF_SCOPE = "out-of-scope"
    TAG_NOT_FOUND = "tag-not-found"
    UNKNOWN_FIELD = "unknown-field"
    CODE_DEPLOY_CONTROLLER = "code-deploy-controller"
    EXTERNAL_CONTROLLER = "external-controller"
    EXPRESS_MODE = "express-mode"
    SERVICE_NOT_ACTIVE = "service-not-active"
    SERVICE_GONE = "service-gone"


@dataclass(frozen=True, slots=True)
class Service:
    """An ECS service as DescribeServices says it is now."""

    cluster: str  # ARN
    name: str
    revision: str  # ARN of the task definition that it runs; "" when ECS names none
    status: str = "ACTIVE"
    controller: str = "ECS"
    managed_by: str = "CUSTOMER"  # ECS: Express Mode


@dataclass(frozen=True, slots=True)
class Update:
    """Move the service to a revision that differs from the one it runs by these changes."""

    service: Service
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave the service as it is."""

    service: Service
    reason: SkipReason
    sentence: str


Decision = Update | Skip


def refusal(service: Service) -> Skip | None:
    """Why this service can never be updated by UpdateService, whatever it runs."""
    if service.status != "ACTIVE":
        return Skip(service, SkipReason.SERVICE_NOT_ACTIVE, f"the service is {service.status}, not ACTIVE")
    if service.managed_by == "ECS":
        return Skip(
            service, SkipReason.EXPRESS_MODE, "ECS Express Mode manages the service and deploys it itself"
        )
    if service.controller == "CODE_DEPLOY":
        return Skip(
            service,
            SkipReason.CODE_DEPLOY_CONTROLLER,
            "CodeDeploy deploys the service: ECS lets nobody else change its task definition",
        )
    if service.controller != "ECS":
        return Skip(
            service,
            SkipReason.EXTERNAL_CONTROLLER,
            f"deployment controller {service.controller} deploys the service through task sets",
        )
    return None


def relevance(service: Service, containers: Iterable[Container], push: Push) -> Skip | bool:
    """Whether a push could move a service: True, False (it does not use the repository), or why not."""
    using = [c for c in containers if c.image.repository == push.repository]
    if not using:
        return False
    if any(container.tag == push.tag for container in using):
        return True
    tags = sorted({container.tag for container in using if container.tag})
    if not tags:
        return _pinned_by_owner(service, using)
    return Skip(service, SkipReason.OTHER_TAG, f"it follows {_quoted(tags)}, not '{push.tag}'")


def followed(revision: Revision, scope: Scope) -> set[tuple[Repository, str]]:
    """What must be asked of ECR before deciding."""
    return {(c.image.repository, c.tag) for c in _ours(revision, scope) if c.tag}


def decide(service: Service, revision: Revision, scope: Scope, digests: Digests) -> Decision:
    """The rule `track`: each followed container runs what its tag points at now."""
    if not (ours := _ours(revision, scope)):
        return Skip(service, SkipReason.OUT_OF_SCOPE, "no container uses a repository in scope")
    following = [(container, container.tag) for container in ours if container.tag]
    if not following:
        return _pinned_by_owner(service, ours)
    if lost := sorted({tag for c, tag in following if not digests[c.image.repository, tag]}):
        return Skip(service, SkipReason.TAG_NOT_FOUND, f"ECR has no image tagged {_quoted(lost)}")
    changes = tuple(
        _change(container, tag, digest)
        for container, tag in following
        if (digest := digests[container.image.repository, tag]) and digest != container.image.digest
    )
    if not changes:
        return Skip(service, SkipReason.UP_TO_DATE, "it runs what its tag points at")
    if revision.unknown_fields:
        fields = _quoted(revision.unknown_fields)
        return Skip(
            service, SkipReason.UNKNOWN_FIELD, f"a copy would lose {fields}, which this SDK cannot read"
        )
    return Update(service, changes)


def _ours(revision: Revision, scope: Scope) -> list[Container]:
    return [c for c in revision.containers if scope.covers(c.image.repository)]


def _change(container: Container, tag: str, digest: str) -> Change:
    image = container.image
    return Change(container.name, image.repository, tag, image.text, image.pinned(digest))


def _pinned_by_owner(service: Service, containers: Iterable[Container]) -> Skip:
    names = _quoted(sorted(container.name for container in containers))
    return Skip(service, SkipReason.PINNED_BY_OWNER, f"its owner pinned {names} by digest")


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
