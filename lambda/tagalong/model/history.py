"""The deployments of one service, as ECS tells them: the only source of what became of a rollout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tagalong.model.images import ImageReference
from tagalong.model.services import last_part

_UNDER_WAY = {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"}
_ENDED_BADLY = {"ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"}


@dataclass(frozen=True, slots=True)
class Deployment:
    """One of ListServiceDeployments."""

    arn: str
    status: str
    created_at: datetime
    service_revision: str  # ARN of its target
    reason: str = ""
    finished_at: datetime | None = None

    @property
    def number(self) -> str:
        return last_part(self.service_revision)

    @property
    def id(self) -> str:
        return f"ecs-svc/{self.number}"

    @property
    def under_way(self) -> bool:
        return self.status in _UNDER_WAY

    @property
    def rolling_back(self) -> bool:
        return self.under_way and self.status.startswith("ROLLBACK")

    @property
    def successful(self) -> bool:
        return self.status == "SUCCESSFUL"

    @property
    def ended_badly(self) -> bool:
        """Also of one that a newer deployment replaced, which is no failure."""
        return self.status in _ENDED_BADLY


@dataclass(frozen=True, slots=True)
class Target:
    """A service revision: what a deployment brings."""

    task_definition: str  # ARN
    images: Mapping[str, str] = field(default_factory=dict)  # container -> the text of its image
    resolved: Mapping[str, str] = field(default_factory=dict)  # container -> the digest that ECS resolved

    def named(self, container: str) -> str:
        """The digest that its owner wrote; "" for a plain tag and for another registry."""
        reference = ImageReference.parse(self.images.get(container, ""))
        return (reference and reference.digest) or ""

    def pins(self, container: str, digest: str) -> bool:
        """Whether it names this digest, and no tag beside it."""
        reference = ImageReference.parse(self.images.get(container, ""))
        return bool(reference and reference.digest == digest and not reference.tag)

    def digest(self, container: str) -> str:
        return self.named(container) or self.resolved.get(container, "")


@dataclass(frozen=True, slots=True)
class History:
    """Without anything: it was not asked for, since nothing depends on it."""

    deployments: tuple[Deployment, ...] = ()  # newest first
    targets: Mapping[str, Target] = field(default_factory=dict)  # by the ARN of the service revision
    causes: Mapping[str, str] = field(default_factory=dict)  # ARN of a failed deployment -> why, as ECS says
    waits_in: str = ""  # the lifecycle stage of the newest, where it waits for hooks or bakes
    was_read: bool = False
    unavailable: str = ""  # why ECS could not be asked

    @property
    def newest(self) -> Deployment | None:
        return next(iter(self.deployments), None)

    @property
    def under_way(self) -> Deployment | None:
        """Only the newest can be."""
        return self.newest if self.newest and self.newest.under_way else None

    @property
    def last_successful(self) -> Deployment | None:
        return next((it for it in self.deployments if it.successful), None)

    def find(self, id_: str) -> Deployment | None:
        """The deployment with the id `ecs-svc/N`."""
        return next((it for it in self.deployments if last_part(id_) == it.number), None)

    def target(self, deployment: Deployment | None) -> Target | None:
        return self.targets.get(deployment.service_revision) if deployment else None

    def failed(self, deployment: Deployment) -> bool:
        """Or was stopped by a person."""
        return deployment.ended_badly and not self.replaced(deployment)

    def replaced(self, deployment: Deployment) -> bool:
        """STOPPED because a newer one came, not because it failed or somebody stopped it."""
        end = deployment.finished_at
        newer = (it for it in self.deployments if it.created_at > deployment.created_at)
        return deployment.status == "STOPPED" and any(not end or it.created_at <= end for it in newer)
