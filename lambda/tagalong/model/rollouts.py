"""What became of a rollout: one service on its way to a new revision, and what ECS says of it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from tagalong.model.images import Repository
from tagalong.model.images import short_digest as short
from tagalong.model.revisions import Change
from tagalong.model.triggers import Cause, UnreadableEventError, cause_from

DEPLOYMENT_EVENT = "ECS Deployment State Change"


# What ECS says of a rollback: aws-facts, "Service deployment state change events".
_ROLLBACK = re.compile(r"rolling back to deploymentId (\S+?)\.?$")


_SECONDS = len("2026-11-23T12:00:00")


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
_OPEN = frozenset({Status.STARTED, Status.FAILED, Status.ROLLING_BACK})
_NEXT = {
    Status.STARTING: _ENDS | {Status.STARTED},
    Status.STARTED: _ENDS,
    Status.FAILED: {Status.ROLLING_BACK, Status.ROLLED_BACK, Status.COMPLETED},  # deployed again by a person
    Status.ROLLING_BACK: {Status.ROLLED_BACK, Status.FAILED, Status.REPLACED},
    Status.REPLACED: {Status.FAILED, Status.ROLLING_BACK, Status.ROLLED_BACK},  # it had failed before that
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
    rollback: str = ""  # the id of the deployment that ECS rolls it back with
    status: Status = Status.STARTING
    before: Status = Status.STARTING  # what it was before that
    reason: str = ""
    ended_at: str = ""

    @property
    def is_open(self) -> bool:
        """Whether ECS may still say more of it."""
        return self.status in _OPEN

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
        # Of a failure the first reason says most, and its time counts.
        known = self.status in REJECTING and status in REJECTING
        ended_at = (self.ended_at if known else at) if status in _ENDS else ""
        why = self.reason if known else reason
        return replace(self, status=status, before=self.status, reason=why, ended_at=ended_at)

    def superseded(self, at: str) -> "Rollout":
        """As it is kept when another rollout of the service has begun."""
        if self.status in {Status.STARTING, Status.STARTED}:
            return self.became(Status.REPLACED, "another rollout began", at)
        return self


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
    intent: Rollout | None = (
        None  # the one that was to begin last: only a crash leaves it newer than the latest
    )
    earlier: tuple[Rollout, ...] = ()  # some of those before the latest
    rejections: Mapping[str, Rejection] = field(default_factory=dict)  # by digest

    @property
    def deployed(self) -> Mapping[str, Deployed]:
        return self.latest.deployed if self.latest else {}

    @property
    def unconfirmed(self) -> Rollout | None:
        """What was to begin, and nobody knows whether it did."""
        is_new = self.intent and (not self.latest or self.intent.started_at > self.latest.started_at)
        return self.intent if is_new else None

    @property
    def is_open(self) -> bool:
        return bool(self.unconfirmed or (self.latest and self.latest.is_open))

    def about(self, event: "DeploymentEvent") -> Rollout | None:
        """The rollout with this deployment, or with it for its rollback.

        Else the latest, of whose rollback nobody may have heard yet, if it had begun by then.
        """
        rollouts = [it for it in (self.latest, *self.earlier) if it]
        known = (it for it in rollouts if event.deployment in {it.deployment, it.rollback})
        # To the second, as ECS tells the time.
        latest = (it for it in rollouts[:1] if event.time[:_SECONDS] >= it.started_at[:_SECONDS])
        return next(known, next(latest, None))


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
    if not (status := _status(rollout, event)):
        return rollout
    rollback = _ROLLBACK.search(event.reason)
    after_it = rollout.became(status, event.reason, event.time)
    return replace(after_it, rollback=rollback[1]) if rollback and after_it != rollout else after_it


def calls_for_a_look(rollout: Rollout, event: DeploymentEvent) -> bool:
    """Whether the deployer is to look at the service: its rollback has ended, so that it may be moved again,
    or ECS must be asked, because after a failure something was completed that nobody announced."""
    ended = rollout.status is Status.ROLLED_BACK and event.deployment == rollout.rollback
    completed = event.name == "SERVICE_DEPLOYMENT_COMPLETED"
    return completed and (ended or rollout.status in {Status.FAILED, Status.ROLLING_BACK})


def _status(rollout: Rollout, event: DeploymentEvent) -> Status | None:
    ours, failed = event.deployment == rollout.deployment, rollout.status in REJECTING
    match event.name:
        case "SERVICE_DEPLOYMENT_COMPLETED" if ours and not failed:
            return Status.COMPLETED
        case "SERVICE_DEPLOYMENT_COMPLETED" if event.deployment == rollout.rollback:
            return Status.ROLLED_BACK
        case "SERVICE_DEPLOYMENT_FAILED" if ours and not failed:
            return Status.FAILED
        case "SERVICE_DEPLOYMENT_IN_PROGRESS" if _ROLLBACK.search(event.reason) and (ours or failed):
            return Status.ROLLING_BACK
    return None


def rejected(rollout: Rollout) -> Iterator[Rejection]:
    """What must not be deployed again after this. Nobody knows which of several images was to blame."""
    if rollout.status in REJECTING:
        for change in rollout.changes:
            what = "was rolled back" if rollout.status is Status.ROLLED_BACK else "failed"
            sentence = f"the rollout of {change.tag} ({short(change.digest)}) {what}: {rollout.reason}"
            yield Rejection(change.digest, rollout.ended_at, "rollout-failed", sentence)
