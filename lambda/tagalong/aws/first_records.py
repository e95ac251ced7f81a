"""Records of version 0.1, read once: an upgrade adopts nothing anew."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tagalong.model.plain import parse_time
from tagalong.model.record import Noted, Record, Rejection, Status
from tagalong.model.services import Service

_REJECTED = "rejected "
_REJECTING = {"failed", "rolling-back", "rolled-back"}


def from_version_1(items: Sequence[Mapping[str, Any]], service: Service) -> Record | None:
    """What a service's items of that version say; None where there are none of this service."""
    try:
        rollouts = [it for it in items if it["item"]["S"][:1].isdigit()]
        latest = json.loads(rollouts[0]["record"]["S"]) if rollouts else None
        if not latest or parse_time(latest["started_at"]) < service.created_at:
            return None
        deployed = latest["deployed"]
        containers = {
            name: Noted(it["digest"], parse_time(it["at"]), ordered_at=parse_time(it["at"]))
            for name, it in deployed.items()
        }
        rejections = [*_of_latest(latest), *_of_digests(items, deployed)]
        return Record(service.created_at, containers, rejections=tuple(rejections))
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _of_latest(latest: Mapping[str, Any]) -> list[Rejection]:
    """What failed together is rejected together."""
    if latest["status"] not in _REJECTING:
        return []
    change = {it["container"]: it["new_image"].rpartition("@")[2] for it in latest["changes"]}
    status = Status.FAILED if latest["status"] == "failed" else Status.ROLLED_BACK
    return [Rejection(change, parse_time(latest["started_at"]), status, latest.get("reason", ""))]


def _of_digests(items: Sequence[Mapping[str, Any]], deployed: Mapping[str, Any]) -> list[Rejection]:
    """What a person had replaced: the container is the one that it was deployed to."""
    found = [json.loads(it["record"]["S"]) for it in items if it["item"]["S"].startswith(_REJECTED)]
    return [
        Rejection({name: it["digest"]}, parse_time(it["at"]), Status.STOPPED, it["sentence"])
        for it in found
        if it["reason"] == "rolled-back"
        for name, known in deployed.items()
        if known["digest"] == it["digest"]
    ]
