"""What became of a rollout: one service on its way to a new revision, and what ECS says of it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from tagalong.images import Repository
from tagalong.pushes import Cause, UnreadableEventError, cause_from
from tagalong.revisions import Change

DEPLOYMENT_EVENT = "ECS Deployment State Change"


class Status(StrEnum):
    STARTING = "starting"  # written before UpdateService: after a crash nobody knows more
    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"
    REPLACED = "replaced"  # another deployment came before this one was completed


REJECTING = frozenset({Status.FAILED, Status.ROLLING_BACK, Status.ROLLED_BACK})
_ENDS = REJECTING | {Status.COMPLETED, Status.REPLACED}
_NEXT = {  # what failed may be rolled back; nothing goes back to where it was
    Status.STARTING: _ENDS | {Status.STARTED},
    Status.STARTED: _ENDS,
    Status.FAILED: {Status.ROLLING_BACK, Status.ROLLED_BACK},
    Status.ROLLING_BACK: {Status.ROLLED_BACK},
}


@dataclass(frozen=True, slots=True)
class Deployed:
    """What tagalong put into a container last, and when (ISO 8601)."""

    digest: str
    at: str


@dataclass(frozen=True, slots=True)
class Rollout:
    """One service that tagalong moves to a new revision. Times are ISO 8601, UTC."""

    service: str  # ARN
    cluster: str  # ARN
    name: str
    started_at: str
    old_revision: str
    new_revision: str
    changes: tuple[Change, ...]
    cause: Cause
    deployed: Mapping[str, Deployed]  # by container; also those that earlier rollouts moved
    deployment: str = ""  # the id that ECS gave it: `ecs-svc/…`
    status: Status = Status.STARTING
    before: Status = Status.STARTING  # what it was before that
    reason: str = ""
    ended_at: str = ""

    @property
    def is_open(self) -> bool:
        """Whether ECS may still say more of it."""
        return self.status in _NEXT

    @property
    def has_just_failed(self) -> bool:
        """ECS tells that it failed and then that it is rolled back, or only the latter."""
        return self.status in REJECTING and self.before not in REJECTING

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        fields = json.loads(text)
        parsed = {
            "changes": tuple(
                Change(**{**change, "repository": Repository(**change["repository"])})
                for change in fields["changes"]
            ),
            "cause": cause_from(fields["cause"]),
            "deployed": {name: Deployed(**it) for name, it in fields["deployed"].items()},
            "status": Status(fields["status"]),
            "before": Status(fields["before"]),
        }
        return cls(**{**fields, **parsed})

    def became(self, status: Status, reason: str, at: str) -> "Rollout":
        """The same as it was where that cannot be: events come twice and in any order."""
        if status not in _NEXT.get(self.status, ()):
            return self
        ended_at = at if status in _ENDS else ""
        why = self.reason if self.status in REJECTING else reason  # of a failure the first reason says most
        return replace(self, status=status, before=self.status, reason=why, ended_at=ended_at)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A digest that is not deployed to a service again, unless a person says so."""

    digest: str
    at: str  # ISO 8601
    reason: str  # a SkipReason
    sentence: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What is remembered of a service."""

    latest: Rollout | None = None
    rejections: Mapping[str, Rejection] = field(default_factory=dict)  # by digest

    @property
    def deployed(self) -> Mapping[str, Deployed]:
        """A rollout that was never begun deployed nothing; what it says of those before it stays true."""
        if not self.latest:
            return {}
        if self.latest.status is not Status.STARTING:
            return self.latest.deployed
        return {name: it for name, it in self.latest.deployed.items() if it.at != self.latest.started_at}


@dataclass(frozen=True, slots=True)
class Fate:
    """What ECS says of the deployment of a revision, when it is asked."""

    status: Status
    reason: str
    at: str  # ISO 8601


@dataclass(frozen=True, slots=True)
class DeploymentEvent:
    """`ECS Deployment State Change`: which service and deployment, and what happened."""

    service: str  # ARN
    deployment: str
    name: str
    reason: str
    time: str


def parse_deployment_event(event: Mapping[str, Any]) -> DeploymentEvent:
    """Raises UnreadableEventError. Its shape is in the ECS Developer Guide."""
    try:
        [service], detail = event["resources"], event["detail"]
        return DeploymentEvent(
            service, detail["deploymentId"], detail["eventName"], detail.get("reason", ""), event["time"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableEventError(f"not a '{DEPLOYMENT_EVENT}' event: {error!r}") from None


def after(rollout: Rollout, event: DeploymentEvent) -> Rollout:
    """What the rollout is after an event of its service."""
    status = _status(event, ours=event.deployment == rollout.deployment, failed=rollout.status in REJECTING)
    return rollout.became(status, event.reason, event.time) if status else rollout


def _status(event: DeploymentEvent, *, ours: bool, failed: bool) -> Status | None:
    match event.name:
        case "SERVICE_DEPLOYMENT_COMPLETED" if ours:
            return Status.COMPLETED
        case "SERVICE_DEPLOYMENT_COMPLETED" if failed:
            return Status.ROLLED_BACK
        case "SERVICE_DEPLOYMENT_FAILED" if ours:
            return Status.FAILED
        case "SERVICE_DEPLOYMENT_IN_PROGRESS" if "rolling back" in event.reason and (ours or failed):
            return Status.ROLLING_BACK
    return None


def rejected(rollout: Rollout) -> Iterator[Rejection]:
    """What must not be deployed again after this. Nobody knows which of several images was to blame."""
    if rollout.status in REJECTING:
        for change in rollout.changes:
            what = "was rolled back" if rollout.status is Status.ROLLED_BACK else "failed"
            sentence = f"the rollout of {change.tag} ({short(change.digest)}) {what}: {rollout.reason}"
            yield Rejection(change.digest, rollout.ended_at, "rollout-failed", sentence)


def short(digest: str) -> str:
    """Eight characters are enough for a person to know a digest by."""
    return digest.removeprefix("sha256:")[:8]
