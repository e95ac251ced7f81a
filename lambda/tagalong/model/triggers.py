"""What makes tagalong check: a push, a sweep, or an event of a deployment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from tagalong.model.images import Repository, non_image_reason
from tagalong.model.plain import UnreadableError, parse_time

# detail-type -> action-type. In a replica region nothing is pushed: ECR tells of the replication instead,
# with the account and region that the image arrived in.
_PUSHES = {"ECR Image Action": "PUSH", "ECR Replication Action": "REPLICATE"}


DEPLOYMENT_EVENT = "ECS Deployment State Change"
_COMPLETED = "SERVICE_DEPLOYMENT_COMPLETED"


class UnreadableEventError(UnreadableError):
    """The event lacks a field that every event of its kind has."""


class IgnoreReason(StrEnum):
    NOT_A_PUSH = "not-a-push"
    PUSH_FAILED = "push-failed"
    UNTAGGED = "untagged"
    NOT_AN_IMAGE = "not-an-image"
    OUT_OF_SCOPE = "out-of-scope"
    UNDER_WAY = "under-way"


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that moves nothing, and why."""

    reason: IgnoreReason
    message: str


@dataclass(frozen=True, slots=True)
class Push:
    """A tag of a repository was pointed at a digest. A hint: what is deployed is what ECR says later."""

    event_id: str
    time: datetime  # as the event says it: to the second
    repository: Repository
    tag: str
    digest: str
    kind: Literal["push"] = "push"


@dataclass(frozen=True, slots=True)
class Sweep:
    """Compare with ECR though nothing was pushed: every service, or those of a cluster or a repository."""

    event_id: str
    cluster: str | None = None
    repository: str | None = None
    kind: Literal["sweep"] = "sweep"


@dataclass(frozen=True, slots=True)
class DeploymentEvent:
    """A deployment of a service started or ended. It decides nothing: it makes tagalong look."""

    event_id: str
    cluster: str  # name
    service: str  # name
    completed: bool = False  # or it began, or failed: then the service may name another revision now
    kind: Literal["deployment-event"] = "deployment-event"


Trigger = Push | Sweep | DeploymentEvent


def parse_event(event: Mapping[str, Any], request_id: str) -> Push | Sweep | Ignored:
    """Read what the finder was invoked with: an event of ECR, or `{"sweep": {…}}`.

    Raises UnreadableEventError, naming what is missing or not understood.
    """
    if "sweep" not in event:
        return parse_push(event)
    given = event["sweep"]
    if not isinstance(given, Mapping) or not given.keys() <= {"cluster", "repository"}:
        raise UnreadableEventError("a sweep takes nothing, or 'cluster', or 'repository'")
    return Sweep(request_id, **given)


def parse_push(event: Mapping[str, Any]) -> Push | Ignored:
    """Read an EventBridge event of ECR.

    The event may have come past the rule (a redrive, another bus, a person), so nothing that the rule
    promises is taken for granted. Raises UnreadableEventError, naming the field that is missing.
    """
    if (kind := _text(event, "detail-type")) not in _PUSHES:
        return Ignored(IgnoreReason.NOT_A_PUSH, f"'{kind}' tells of no push")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise UnreadableEventError("the event has no 'detail'")
    return _why_not(detail, _PUSHES[kind]) or Push(
        event_id=_text(event, "id"),
        time=_time(event),
        repository=Repository(
            _text(event, "account"), _text(event, "region"), _text(detail, "repository-name")
        ),
        tag=_text(detail, "image-tag"),
        digest=_text(detail, "image-digest"),
    )


def parse_deployment_event(event: Mapping[str, Any]) -> DeploymentEvent:
    """Read `ECS Deployment State Change`: its shape is in the ECS Developer Guide.

    The ARN of a service from before 2018 does not name the cluster; then `clusterArn` does. Raises
    UnreadableEventError.
    """
    try:
        [arn], detail = event["resources"], event["detail"]
        _, *cluster, service = str(arn).split("/")
        where = cluster or [str(detail["clusterArn"]).rpartition("/")[2]]
        completed = isinstance(detail, Mapping) and detail.get("eventName") == _COMPLETED
        return DeploymentEvent(_text(event, "id"), where[0], service, completed)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableEventError(f"not a '{DEPLOYMENT_EVENT}' event: {error!r}") from None


def _time(event: Mapping[str, Any]) -> datetime:
    try:
        return parse_time(_text(event, "time"))
    except ValueError as error:
        raise UnreadableEventError(f"the event has no readable 'time': {error}") from None


def _why_not(detail: Mapping[str, Any], wanted: str) -> Ignored | None:
    if (action := _text(detail, "action-type")) != wanted:
        return Ignored(IgnoreReason.NOT_A_PUSH, f"the action is {action}, not {wanted}")
    if (result := _text(detail, "result")) != "SUCCESS":
        return Ignored(IgnoreReason.PUSH_FAILED, f"the push ended with {result}")
    if not (tag := detail.get("image-tag")):
        return Ignored(
            IgnoreReason.UNTAGGED, "no tag was pushed: a child of an index, an attestation or a digest"
        )
    media_types = (str(detail.get(f"{kind}-media-type") or "") for kind in ("artifact", "manifest"))
    if message := non_image_reason(str(tag), *media_types):
        return Ignored(IgnoreReason.NOT_AN_IMAGE, message)
    return None


def _text(mapping: Mapping[str, Any], field: str) -> str:
    value = mapping.get(field)
    if not isinstance(value, str) or not value:
        raise UnreadableEventError(f"the event has no '{field}'")
    return value
