"""`tagalong history`: the deployments of one service, by tagalong and by everybody else."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from tagalong.model.provenance import short_commit
from tagalong.model.services import last_part
from tagalong.ports import AwsError

from .fleet import Fleet
from .past import OTHERS, Past, past
from .render import Screen, image, span

if TYPE_CHECKING:
    from tagalong.model.record import Order


def history(fleet: Fleet, screen: Screen, name: str, *, limit: int) -> int:
    with screen.progress("reading deployments …"):
        service = fleet.find(name)
        orders: tuple[Order, ...] = ()
        unread = ""
        try:
            orders = fleet.records.read(service).orders
        except AwsError as error:
            unread = f"which deployments were tagalong's is not known in full: {error}"
        found, missing = past(fleet, service, orders, limit)
        now = fleet.account.now()
    screen.data(
        {
            "cluster": last_part(service.cluster),
            "service": service.name,
            "deployments": [_data(it) for it in found],
            "unknown": missing or unread or None,
        }
    )
    rows = [cells for it in found for cells in _cells(it, screen, now)]
    if rows:
        screen.table(("WHEN", "WHAT", "IMAGE", "COMMIT", "BY", "RESULT"), rows, indent=0)
    else:
        screen.say(f"ECS lists no deployment of {service.key}: it keeps those of the last 90 days.")
    if missing or unread:
        screen.say(missing or unread)
    return 1 if missing and not found else 0


def _cells(it: Past, screen: Screen, now: datetime) -> list[tuple[str, ...]]:
    """One line, one more for each further image."""
    end = it.deployment.finished_at
    took = f", {span(end - it.deployment.created_at)}" if end else ""
    moved = f"{it.before} → {it.revision}" if it.before and it.before != it.revision else it.revision
    first, *rest = [(image(each.tag, each.digest), short_commit(each.commit)) for each in it.images] or [
        ("", "")
    ]
    when = screen.when(it.deployment.created_at, now)
    line = (when, moved or "unknown", *first, it.by, f"{it.result}{took}")
    return [line, *(("", "", *more, "", "") for more in rest)]


def _data(it: Past) -> dict[str, Any]:
    return {
        "deployment": it.deployment.id,
        "started": it.deployment.created_at,
        "ended": it.deployment.finished_at,
        "result": it.result,
        "reason": it.reason or None,
        "from": it.before or None,
        "to": it.revision or None,
        "by": it.by,
        "ours": it.by != OTHERS,
        "images": [
            {
                "container": each.container,
                "repository": each.repository.name,
                "tag": each.tag,
                "digest": each.digest,
                "commit": each.commit or None,
            }
            for each in it.images
        ],
    }
