"""ECR events: which of them say that a tag now points at a deployable image."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tagalong.images import Repository

# Tags that cosign and the OCI referrers fallback write beside an image.
_REFERRER_TAG = re.compile(r"sha256-[0-9a-f]{64}(\..+)?")

# What is known not to run as a container. Anything else, also a type not yet invented, counts as an image.
_NOT_IMAGES = re.compile(
    r"""application/vnd\.cncf\.(helm|notary|oras|openpolicyagent|flux)\..*
       |application/vnd\.buildkit\.cacheconfig\..*
       |application/vnd\.dev\.(cosign|sigstore)\..*
       |application/vnd\.in-toto.*
       |application/vnd\.amazon\.soci\..*
       |application/vnd\.oci\.artifact\..*
       |application/vnd\.oci\.empty\..*
       |application/(vnd\.cyclonedx|spdx).*
       |text/(sbom|spdx).*""",
    re.VERBOSE,
)


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


def parse_push(event: Mapping[str, Any]) -> Push | Ignored:
    """Read an EventBridge event of ECR.

    The event may have come past the rule (a redrive, another bus, a person), so nothing that the rule
    promises is taken for granted. Raises UnreadableEventError, naming the field that is missing.
    """
    if (kind := _text(event, "detail-type")) != "ECR Image Action":
        return Ignored(IgnoreReason.NOT_A_PUSH, f"'{kind}' is not an 'ECR Image Action'")
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise UnreadableEventError("the event has no 'detail'")
    return _why_not(detail) or Push(
        event_id=_text(event, "id"),
        time=_text(event, "time"),
        repository=Repository(
            _text(event, "account"), _text(event, "region"), _text(detail, "repository-name")
        ),
        tag=_text(detail, "image-tag"),
        digest=_text(detail, "image-digest"),
    )


def _why_not(detail: Mapping[str, Any]) -> Ignored | None:
    if (action := _text(detail, "action-type")) != "PUSH":
        return Ignored(IgnoreReason.NOT_A_PUSH, f"the action is {action}, not PUSH")
    if (result := _text(detail, "result")) != "SUCCESS":
        return Ignored(IgnoreReason.PUSH_FAILED, f"the push ended with {result}")
    if not (tag := detail.get("image-tag")):
        return Ignored(
            IgnoreReason.UNTAGGED, "no tag was pushed: a child of an index, an attestation or a digest"
        )
    if _REFERRER_TAG.fullmatch(str(tag)):
        return Ignored(IgnoreReason.NOT_AN_IMAGE, f"tag '{tag}' marks a signature or attestation")
    for field in ("artifact-media-type", "manifest-media-type"):
        if _NOT_IMAGES.fullmatch(str(detail.get(field) or "")):
            return Ignored(IgnoreReason.NOT_AN_IMAGE, f"'{detail[field]}' does not run as a container")
    return None


def _text(mapping: Mapping[str, Any], field: str) -> str:
    value = mapping.get(field)
    if not isinstance(value, str) or not value:
        raise UnreadableEventError(f"the event has no '{field}'")
    return value
