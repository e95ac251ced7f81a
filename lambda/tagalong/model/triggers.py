"""What sets the finder in motion: a push that ECR tells of, or a sweep."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tagalong.model.images import Repository, non_image_reason

# detail-type -> action-type. In a replica region nothing is pushed: ECR tells of the replication instead,
# with the account and region that the image arrived in.
_PUSHES = {"ECR Image Action": "PUSH", "ECR Replication Action": "REPLICATE"}


class UnreadableEventError(ValueError):
    """The event lacks a field that every event of its kind has."""


class IgnoreReason(StrEnum):
    NOT_A_PUSH = "not-a-push"
    PUSH_FAILED = "push-failed"
    UNTAGGED = "untagged"
    NOT_AN_IMAGE = "not-an-image"
    OUT_OF_SCOPE = "out-of-scope"


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that moves nothing, and why."""

    reason: IgnoreReason
    sentence: str


@dataclass(frozen=True, slots=True)
class Push:
    """A tag of a repository was pointed at a digest. A hint: what is deployed is what ECR says later."""

    event_id: str
    time: str  # ISO 8601, as the event says it
    repository: Repository
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Sweep:
    """Compare with ECR though nothing was pushed: every service, or those of a cluster or a repository."""

    event_id: str
    cluster: str | None = None
    repository: str | None = None


Cause = Push | Sweep


def cause_from(fields: Mapping[str, Any]) -> Cause:
    """What `dataclasses.asdict` made of a cause."""
    if "digest" not in fields:
        return Sweep(**fields)
    return Push(**{**fields, "repository": Repository(**fields["repository"])})


def parse_event(event: Mapping[str, Any], request_id: str) -> Cause | Ignored:
    """Read what the finder was invoked with: an event of ECR, or `{"sweep": {…}}`.

    Raises UnreadableEventError, naming what is missing or not understood.
    """
    if "sweep" not in event:
        return parse_push(event)
    try:
        return Sweep(request_id, **event["sweep"])
    except TypeError:
        raise UnreadableEventError("a sweep takes nothing, or 'cluster', or 'repository'") from None


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
        time=_text(event, "time"),
        repository=Repository(
            _text(event, "account"), _text(event, "region"), _text(detail, "repository-name")
        ),
        tag=_text(detail, "image-tag"),
        digest=_text(detail, "image-digest"),
    )


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
    if sentence := non_image_reason(str(tag), *media_types):
        return Ignored(IgnoreReason.NOT_AN_IMAGE, sentence)
    return None


def _text(mapping: Mapping[str, Any], field: str) -> str:
    value = mapping.get(field)
    if not isinstance(value, str) or not value:
        raise UnreadableEventError(f"the event has no '{field}'")
    return value
