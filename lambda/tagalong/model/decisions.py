"""What was decided for one service, and why: data, and nothing here can act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tagalong.model.revisions import Change


class SkipReason(StrEnum):
    """Each is explained, with its remedy, in docs/operations.md."""

    UP_TO_DATE = "up-to-date"
    TAG_NOT_FOLLOWED = "tag-not-followed"
    PINNED_BY_DIGEST = "pinned-by-digest"
    PINNED_BY_RULE = "pinned-by-rule"
    OUT_OF_SCOPE = "out-of-scope"
    NOT_ENABLED = "not-enabled"
    DISABLED = "disabled"
    ON_HOLD = "on-hold"
    ROLLOUT_FAILED = "rollout-failed"
    ROLLED_BACK = "rolled-back"
    ROLLBACK_IN_PROGRESS = "rollback-in-progress"
    MISCONFIGURED = "misconfigured"
    TAG_NOT_FOUND = "tag-not-found"
    RUNNING_VERSION_UNKNOWN = "running-version-unknown"
    NOT_AN_IMAGE = "not-an-image"
    UNKNOWN_FIELD = "unknown-field"
    CODE_DEPLOY_CONTROLLER = "code-deploy-controller"
    EXTERNAL_CONTROLLER = "external-controller"
    EXPRESS_MODE = "express-mode"
    SERVICE_NOT_ACTIVE = "service-not-active"
    SERVICE_GONE = "service-gone"


class UpdateReason(StrEnum):
    NEW_DIGEST = "new-digest"
    RE_PINNED = "re-pinned"  # somebody had put the plain tag back


@dataclass(frozen=True, slots=True)
class PutBack:
    """Somebody put another image in place of the one that tagalong had deployed, and that is to stay."""

    container: str
    digest: str  # that is deployed no more
    image: str  # that runs now
    sentence: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something is left alone: a reason for programs, a message for people."""

    reason: SkipReason
    message: str
    put_back: PutBack | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """An ECS service as DescribeServices says it is now."""

    cluster: str  # ARN
    name: str
    revision: str  # ARN of the task definition that it runs; "" when ECS names none
    status: str = "ACTIVE"
    arn: str = ""
    controller: str = "ECS"
    managed_by: str = "CUSTOMER"  # ECS: Express Mode
    tags: Mapping[str, str] = field(default_factory=dict)
    service_revisions: tuple[str, ...] = ()  # ARNs: what its deployments resolved
    deployments: frozenset[str] = field(default=frozenset(), compare=False)  # ids: a moment's state
    primary: str = field(default="", compare=False)  # the id of the deployment that it is to run
    deploying: bool = field(default=False, compare=False)  # its revision, and that goes well so far
    rolling_back: bool = field(default=False, compare=False)
    untold: str = field(
        default="", compare=False
    )  # ARN of a service deployment that must be asked how it goes


@dataclass(frozen=True, slots=True)
class Update:
    """Move the service to a revision that differs from the one it runs by these changes."""

    service: Service
    changes: tuple[Change, ...]
    reason: UpdateReason = UpdateReason.NEW_DIGEST
    left: tuple[str, ...] = ()  # why other containers stay as they are


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave the service as it is."""

    service: Service
    reason: SkipReason
    sentence: str
    put_back: tuple[PutBack, ...] = ()
    runs: Mapping[str, str] = field(
        default_factory=dict
    )  # container -> image, where it is certain and pinned


Decision = Update | Skip
