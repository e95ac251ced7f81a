"""What the flow needs of AWS, and what AWS may answer instead."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from tagalong.jobs import Deferred, Job, Message, Recheck
from tagalong.model.history import History, Target
from tagalong.model.images import Repository, Scope, TaggedImage
from tagalong.model.index import Completeness, Row
from tagalong.model.provenance import Provenance
from tagalong.model.record import Record
from tagalong.model.revisions import Container, Revision
from tagalong.model.services import Service


class AwsError(Exception):
    """An AWS call failed or timed out. The message holds the action, error code and error text, never request
    values. The job is tried again."""

    def __init__(self, message: str, *, unanswered: bool = False) -> None:
        super().__init__(message)
        self.unanswered = unanswered  # the call may have been carried out


class AccessDenied(AwsError):  # noqa: N818 - what AWS says
    """It will be refused again until somebody changes a policy."""


class OutOfTime(Exception):  # noqa: N818 - what it says
    """The invocation ends too soon for one more call, and it was not made: what is left goes back."""


class DeploymentRefused(AwsError):  # noqa: N818 - what ECS says
    """ECS takes no new deployment of the service until another has ended: wait, and do not count it."""


@dataclass(frozen=True, slots=True)
class Begun:
    """What ECS began when a service was told to run a revision."""

    deployment: str  # ecs-svc/N
    replaced: str = ""  # the revision that somebody else deployed since the service was read


ImagesOf = Mapping[str, TaggedImage]
"""tag, or digest -> the image; one that has no tag is under its digest with an empty tag"""


class EcsApi(Protocol):
    """ECS, as far as the deployer needs it. Every method may raise AwsError."""

    def services(self, cluster: str, names: Sequence[str]) -> Mapping[str, Service]:
        """By name, as they are now; those that are gone are missing."""

    def revision(self, arn: str) -> Revision: ...

    def targets(self, service_revisions: Sequence[str]) -> Mapping[str, Target]:
        """By the ARN of the service revision, at most 20; those that ECS does not know are missing."""

    def deployments(self, service: Service) -> History:
        """The newest 100 deployments of the service, with nothing else read."""

    def causes(self, deployments: Sequence[str]) -> Mapping[str, str]:
        """Why these service deployments failed; those that a person stopped are missing."""

    def stage(self, deployment: str) -> str:
        """The lifecycle stage that a service deployment is in; "" where it has none."""

    def latest(self, family: str) -> Revision | None:
        """The latest active one; None where there is none."""

    def between(self, base: str, latest: Revision) -> Iterable[Revision]:
        """Revisions that were registered after the base and before the latest, newest first; the last few."""

    def register(self, definition: Mapping[str, Any]) -> str:
        """Register a revision and return its ARN. Not idempotent: never repeat it without asking `newer`."""

    def update(self, service: Service, revision: str, *, force: bool = False) -> Begun:
        """Tell the service to run the revision; with `force`, to deploy the one that it has anew. Raises
        DeploymentRefused too."""

    def put_back(self, service: Service, revision: str) -> None:
        """As `update`, however little time is left."""


class EcrApi(Protocol):
    """ECR, as far as the deployer needs it. Every method may raise AwsError."""

    def images(self, repository: Repository, tag: str | None) -> tuple[TaggedImage, ...]:
        """What has this tag now, or all images, once for each of their tags; nothing where there is none."""

    def contains(self, repository: Repository, index: str, digest: str) -> bool:
        """Whether the index is of several platforms, and the digest is that of one of them."""

    def has(self, repository: Repository, digest: str) -> bool:
        """Whether the image can still be pulled."""

    def provenance(self, repository: Repository, digest: str) -> Provenance:
        """What the image says of its origin; nothing where it cannot be read. Raises no AwsError."""


Named = Mapping[str, Record | None]
"""name of a service -> its record, None if it cannot be read; where there is none, it is missing"""


class RecordTable(Protocol):
    """What is remembered of services. Every method may raise AwsError."""

    def named(self, cluster: str, names: Sequence[str]) -> Named:
        """What is remembered under these names of services."""

    def read(self, service: Service, named: Named | None = None) -> Record:
        """A new one where there is none, where it is of another service of that name, or unreadable. `named`:
        what was read of it already."""

    def write(self, service: Service, record: Record) -> None: ...


class Records(Protocol):
    """What is remembered of services, as far as the finder needs it. Every method may raise AwsError."""

    def read_all(self, services: Sequence[Service]) -> Mapping[str, Record]:
        """By key (`cluster/name`); where there is none, or none that can be read, it is missing."""

    def need_look(self, keys: Collection[str]) -> Mapping[str, bool]:
        """Service (`cluster/name`) -> whether a rollout of it is open, or it waits for something; those of
        which nothing is remembered are missing."""


class Moved(Protocol):
    def moved(self, service: Service, revision: Revision, scope: Scope, at: datetime) -> None:
        """Index what the service names now. May raise AwsError."""


class RecheckQueue(Protocol):
    def send(self, recheck: Recheck | Deferred, delay: timedelta) -> None: ...


class JobQueue(Protocol):
    def send(self, messages: Iterable[Message]) -> None: ...


class DeadLetterQueue(Protocol):
    def put(self, job: Job) -> None:
        """One service that was given up; the job says why. Given back to the job queue it is tried anew."""

    def put_unreadable(self, body: str, reason: str) -> None: ...


class Inventory(Protocol):
    """The services in scope and the images of their revisions."""

    def clusters(self, named: Sequence[str]) -> Sequence[str]:
        """Their names or ARNs; every cluster for `*`."""

    def service_names(self, cluster: str) -> Sequence[str]:
        """All of them, sorted; none where there is no such cluster."""

    def named(self, cluster: str, names: Sequence[str]) -> Mapping[str, Service]:
        """By name, as they are now; those that are gone are missing."""

    def targets(self, service_revisions: Sequence[str]) -> Mapping[str, Target]:
        """By ARN, as far as ECS tells."""

    def containers(self, revisions: Iterable[str]) -> Mapping[str, Sequence[Container] | AwsError]:
        """Of each revision, the containers with images in private ECR repositories."""


class ServiceIndex(Protocol):
    """Who uses which repository. Every method may raise AwsError."""

    def complete(self) -> Completeness: ...

    def note(self, complete: Completeness) -> None: ...

    def rows(self, repository: Repository) -> Sequence[Row]: ...

    def all_rows(self) -> Sequence[Row]: ...

    def write(self, puts: Iterable[Row], deletes: Iterable[Row], read_at: datetime) -> None:
        """Rows of services that were read at that time; what was read later stays as it is."""

    def lease(self, holder: str, kind: str, now: datetime, until: datetime) -> str:
        """Take the lease of the one full read, or keep it, and answer ""; or the kind of who holds it."""

    def release(self, holder: str) -> None: ...


class Tags(Protocol):
    """ECR, as far as the finder needs it. Every method may raise AwsError."""

    def lookup(self, repository: Repository, tags: Collection[str], digests: Collection[str]) -> ImagesOf:
        """What these tags and digests name now: one call for a hundred of them."""

    def images(self, repository: Repository, tag: str | None) -> tuple[TaggedImage, ...]: ...
