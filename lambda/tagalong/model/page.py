"""What the page shows: the same from a look at the fleet and from what is remembered of it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from tagalong.model.record import Status
from tagalong.model.states import ATTENTION, Group, Line, next_command


@dataclass(frozen=True, slots=True)
class Rollout:
    """The last one of a service."""

    at: datetime
    status: Status


@dataclass(frozen=True, slots=True)
class Tile:
    """One service."""

    key: str  # cluster/name
    group: Group
    reason: str
    message: str
    since: datetime | None = None
    lines: tuple[Line, ...] = ()
    rollout: Rollout | None = None

    @property
    def next(self) -> str:
        return next_command(self.reason, self.key)

    @property
    def needs_a_person(self) -> bool:
        return self.group in ATTENTION


@dataclass(frozen=True)
class Page:
    """`where`: stack, account, Region. `notes`: what whoever looks must know of it all, such as its age."""

    where: tuple[str, ...]
    now: datetime
    tiles: tuple[Tile, ...]
    notes: tuple[str, ...] = ()

    @cached_property
    def worst_first(self) -> tuple[Tile, ...]:
        return tuple(sorted(self.tiles, key=lambda it: (list(Group).index(it.group), it.key)))

    @property
    def counts(self) -> Mapping[Group, int]:
        found = Counter(it.group for it in self.tiles)
        return {group: found[group] for group in Group}
