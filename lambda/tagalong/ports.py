"""What the use cases need of AWS, and what AWS may answer instead."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tagalong.jobs import Services
from tagalong.model.decisions import Service, Skip
from tagalong.model.images import Image, Repository
from tagalong.model.revisions import Container, Revision
from tagalong.model.rollouts import Fate, Rejection, Rollout, Standing


class AwsError(Exception):
    """AWS refused or did not answer. Says the action, the code and the message; never a request's content."""


class Fates(Protocol):
    """ECS, as far as it is asked what became of a deployment. May raise AwsError."""

    def fate(self, service: Service, rollout: Rollout) -> Fate | None:
        """Of the last deployment of the rollout's new revision; None if ECS does not tell."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What ECS began when a service was told to run a revision."""

    id: str
    replaced: str | None  # the revision that somebody else deployed since the service was read


class Fleet(Fates, Protocol):
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

    def update(self, service: Service, revision: str) -> Deployment:
        """Tell the service to run the revision."""


class Registry(Protocol):
    """ECR, as far as the deployer needs it. Every method may raise AwsError."""

    def images(self, repository: Repository, tag: str | None) -> tuple[Image, ...]:
        """What has this tag now, or all images, once for each of their tags; nothing where there is none."""

    def contains(self, repository: Repository, index: str, digest: str) -> bool:
        """Whether the index is of several platforms, and the digest is that of one of them."""


class Records(Protocol):
    """What is remembered of services. Every method may raise AwsError."""

    def standing(self, service: str) -> Standing:
        """Of the service with this ARN."""

    def keep(self, rollout: Rollout) -> None:
        """As the latest of its service, or in place of what was kept of it."""

    def archive(self, rollout: Rollout) -> None:
        """It is no longer the latest: keep it as long as the history goes back."""

    def reject(self, service: str, rejection: Rejection) -> None: ...


class Inventory(Protocol):
    """The services in scope and the images of their revisions."""

    def services_in(self, clusters: Sequence[str]) -> Iterable[Service]:
        """All services of these clusters; of every cluster for `*`."""

    def containers(self, revisions: Iterable[str]) -> Mapping[str, Sequence[Container]]:
        """Of each revision, and perhaps of others, the containers with images in private ECR repositories."""


class Tags(Protocol):
    """ECR, as far as the finder needs it."""

    def tagged(self, repository: Repository) -> Collection[str] | None:
        """The digests that have a tag; None if ECR does not tell."""
