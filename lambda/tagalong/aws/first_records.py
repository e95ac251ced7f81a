"""Records of version 0.1, read once: an upgrade adopts nothing anew."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from tagalong.model.plain import parse_time, read
from tagalong.model.record import Noted, Order, Record, Rejection, Status
from tagalong.model.revisions import Change
from tagalong.model.services import Service
from tagalong.model.triggers import Push, Sweep, Trigger

_REJECTED = "rejected "
_STATUSES = {
    "failed": Status.FAILED,
    "rolling-back": Status.ROLLED_BACK,
    "rolled-back": Status.ROLLED_BACK,
    "rollout-failed": Status.FAILED,
}

Item = Mapping[str, Any]


def from_version_1(items: Sequence[Item], service: Service, report: Callable[[str], None]) -> Record | None:
    """What a service's items of that version say; None where there are none of this service. What cannot be
    read is reported, and loses nothing else."""
    rollouts = [it for it in items if it["item"]["S"][:1].isdigit()]
    try:
        latest = json.loads(rollouts[0]["record"]["S"]) if rollouts else None
        if not latest or not _is_of(service, latest):
            return None
        containers = {name: _noted(it) for name, it in latest["deployed"].items()}
        orders = (_order(latest),) if latest["status"] == "started" else ()
        together = list(_of_latest(latest))
        known = {digest for rejection in together for digest in rejection.change.values()}
        alone = [it for it in _of_digests(items, containers, report) if known.isdisjoint(it.change.values())]
        return Record(service.created_at, containers, orders, (*together, *alone)[:20])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        report(f"its record of version 0.1 cannot be read and counts as none: {error!r}")
        return None


def _is_of(service: Service, latest: Mapping[str, Any]) -> bool:
    """Not of another one with this ARN, in another cluster or before it was deleted."""
    return bool(
        latest["cluster"] == service.cluster and parse_time(latest["started_at"]) >= service.created_at
    )


def _noted(deployed: Mapping[str, str]) -> Noted:
    at = parse_time(deployed["at"])
    return Noted(deployed["digest"], at, ordered_at=at)


def _order(latest: Mapping[str, Any]) -> Order:
    changes = read(tuple[Change, ...], latest["changes"])
    return Order(
        at=parse_time(latest["started_at"]),
        trigger=_trigger(latest["cause"]),
        base=latest["old_revision"],
        revision=latest["new_revision"],
        changes=changes,
        digests={name: it["digest"] for name, it in latest["deployed"].items()},
        change={it.container: it.digest for it in changes},
        baseline=latest["old_revision"],
        deployment=latest["deployment"],
        status=Status.STARTED,
    )


def _trigger(cause: Mapping[str, Any]) -> Trigger:
    trigger: Trigger = read(Push if "digest" in cause else Sweep, cause)
    return trigger


def _of_latest(latest: Mapping[str, Any]) -> Iterator[Rejection]:
    """What failed together is rejected together."""
    if status := _STATUSES.get(latest["status"]):
        change = {it["container"]: it["new_image"].rpartition("@")[2] for it in latest["changes"]}
        yield Rejection(change, parse_time(latest["started_at"]), status, latest.get("reason", ""))


def _of_digests(
    items: Sequence[Item], containers: Collection[str], report: Callable[[str], None]
) -> Iterator[Rejection]:
    """Of which container it was is not known; a digest of another repository never comes up in one."""
    for item in items:
        if not item["item"]["S"].startswith(_REJECTED):
            continue
        try:
            it = json.loads(item["record"]["S"])
            status = _STATUSES.get(it["reason"], Status.STOPPED)
            status = Status.STOPPED if it["reason"] == "rolled-back" else status  # a person put another back
            for name in containers:
                yield Rejection({name: it["digest"]}, parse_time(it["at"]), status, it["sentence"])
        except (KeyError, TypeError, ValueError) as error:
            report(f"a rejection of version 0.1 cannot be read: {error!r}")
