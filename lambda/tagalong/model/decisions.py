"""What was decided for one service, and why: data, and nothing here can act."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tagalong.model.revisions import Change
from tagalong.model.services import Service


class SkipReason(StrEnum):
    """Each is explained, with its remedy, in docs/operations.md."""

    UP_TO_DATE = "up-to-date"
    TAG_NOT_FOLLOWED = "tag-not-followed"
    PINNED_BY_DIGEST = "pinned-by-digest"
    PINNED_BY_RULE = "pinned-by-rule"
    OUT_OF_SCOPE = "out-of-scope"
    NOT_OPTED_IN = "not-opted-in"
    OPTED_OUT = "opted-out"
    ON_HOLD = "on-hold"
    ADOPTED = "adopted"
    ROLLED_BACK = "rolled-back"
    DEPLOYMENT_FAILED = "deployment-failed"
    STOPPED_BY_PERSON = "stopped-by-person"
    REPLACED_BY_PERSON = "replaced-by-person"
    DEPLOYMENT_IN_PROGRESS = "deployment-in-progress"
    TOO_MANY_DEPLOYMENTS = "too-many-deployments"
    STUCK = "stuck"
    HISTORY_UNAVAILABLE = "history-unavailable"
    MISCONFIGURED = "misconfigured"
    TAG_NOT_FOUND = "tag-not-found"
    NOT_AN_IMAGE = "not-an-image"
    RUNNING_VERSION_UNKNOWN = "running-version-unknown"
    UNKNOWN_FIELD = "unknown-field"
    CODE_DEPLOY_CONTROLLER = "code-deploy-controller"
    EXTERNAL_CONTROLLER = "external-controller"
    EXPRESS_MODE = "express-mode"
    SERVICE_NOT_ACTIVE = "service-not-active"
    SERVICE_DELETED = "service-deleted"


class UpdateReason(StrEnum):
    NEW_DIGEST = "new-digest"
    DRIFT_CORRECTED = "drift-corrected"  # somebody had put the plain tag back


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason that something is left alone, in a word and in a sentence."""

    reason: SkipReason
    message: str


@dataclass(frozen=True, slots=True)
class Update:
    """Move the service to a revision that differs from the one it names by these changes."""

    service: Service
    changes: tuple[Change, ...]
    reason: UpdateReason = UpdateReason.NEW_DIGEST
    unchanged: tuple[str, ...] = ()  # why other containers stay as they are
    force: bool = False  # the revision stays: ECS is to resolve its tags anew


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave the service as it is."""

    service: Service
    reason: SkipReason
    message: str
    running_images: Mapping[str, str] = field(default_factory=dict)  # container -> image, where certain
    waits: bool = False  # for something that ends: looked at again soon
    news: bool = False  # the last look decided otherwise


Decision = Update | Skip
