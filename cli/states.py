"""What a person sees of one service: pure functions from what the core decided."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tagalong.deploy import Failed
from tagalong.model.decisions import Update
from tagalong.model.page import Rollout, Tile
from tagalong.model.services import EPOCH, Service, last_part
from tagalong.model.states import DUE, ERROR, Group, Line, group_of, next_command

from .fleet import Seen


@dataclass(frozen=True, slots=True)
class State:
    service: Service
    group: Group
    reason: str
    message: str
    since: datetime | None
    lines: tuple[Line, ...]

    @property
    def key(self) -> str:
        return self.service.key

    @property
    def next(self) -> str:
        """The command that a person may want now; "" where there is none."""
        return next_command(self.reason, self.key)


def state(seen: Seen) -> State:
    lines = seen.verdict.record.lines if seen.verdict else ()
    match seen.decision:
        case Failed(error=error):
            return State(seen.service, Group.NEEDS_YOU, ERROR, str(error) or repr(error), None, lines)
        case Update() as update:
            moves = ", ".join(f"{it.container} to {it.repository.name}:{it.tag}" for it in update.changes)
            return State(seen.service, Group.MOVING, DUE, f"moves next: {moves}", None, lines)
        case skip:
            group = group_of(skip.reason)
            return State(seen.service, group, str(skip.reason), skip.message, _since(seen, group), lines)


def tile(seen: Seen) -> Tile:
    """For the page."""
    it = state(seen)
    order = seen.verdict.record.order if seen.verdict else None
    rollout = Rollout(order.at, order.status) if order else None
    return Tile(it.key, it.group, it.reason, it.message, it.since, it.lines, rollout)


def in_order(states: Sequence[State]) -> list[State]:
    """The most urgent first."""
    return sorted(states, key=lambda it: (list(Group).index(it.group), it.key))


def _since(seen: Seen, group: Group) -> datetime | None:
    """Of what runs well: when its deployment began; else since when it is decided so."""
    primary = seen.service.primary
    if group in {Group.IN_SYNC, Group.MOVING, Group.STUCK}:
        return primary.created_at if primary.created_at > EPOCH else None
    decided = seen.look.record.decision if seen.look else None
    return decided.at if decided and decided.reason == getattr(seen.decision, "reason", "") else None


def revision(service: Service) -> str:
    return last_part(service.task_definition)
