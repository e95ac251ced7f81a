"""The page from what is remembered: the index says who there is, the records what was decided last."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from tagalong.decide import eligibility
from tagalong.messages.text import age
from tagalong.model.decisions import SkipReason
from tagalong.model.index import Completeness, Row
from tagalong.model.page import Rollout, Tile
from tagalong.model.record import Record
from tagalong.model.services import EPOCH
from tagalong.model.states import UNDECIDED, Group, group_of

_PINNED = "no container of it follows a tag"
_UNDECIDED = "tagalong has decided nothing about it yet"


def tiles(
    rows: Iterable[Row], records: Mapping[str, Record], *, opt_in: bool, now: datetime
) -> tuple[Tile, ...]:
    """One for each service. `records`: by key (`cluster/name`)."""
    services: dict[str, list[Row]] = {}
    for row in rows:
        services.setdefault(row.service.key, []).append(row)
    return tuple(
        _tile(key, uses, records.get(key), now, opt_in=opt_in) for key, uses in sorted(services.items())
    )


def notes(complete: Completeness, now: datetime) -> tuple[str, ...]:
    """How old what is shown may be."""
    if not complete.clusters:
        return ("no sweep has read the fleet yet",)
    oldest = min(complete.clusters.values())
    if oldest == EPOCH:
        return ("some clusters were not read yet",)
    return (f"last sweep {age(max(timedelta(), now - oldest))} ago",)


def _tile(key: str, rows: list[Row], record: Record | None, now: datetime, *, opt_in: bool) -> Tile:
    refused = eligibility.check(rows[0].service, opt_in=opt_in, now=now)
    order = record.order if record else None
    rollout = Rollout(order.at, order.status) if order else None
    lines = record.lines if record else ()
    if refused:
        return Tile(key, group_of(refused.reason), str(refused.reason), refused.message, None, lines, rollout)
    if record and (last := record.decision):
        return Tile(key, group_of(last.reason), last.reason, last.message, last.at, lines, rollout)
    if any(container.tag for row in rows for container in row.containers):
        return Tile(key, group_of(UNDECIDED), UNDECIDED, _UNDECIDED, None, lines, rollout)
    return Tile(key, Group.LEFT_ALONE, str(SkipReason.PINNED_BY_DIGEST), _PINNED, None, lines, rollout)
