"""The last day: when the last rollout of each service began, hour by hour, and what became of it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tagalong.model.page import Rollout, Tile
from tagalong.model.record import Status
from tagalong.model.states import Group
from tagalong.page.markup import Markup, el, join, literal
from tagalong.page.symbols import symbol

_HOURS = 24
_HOUR = timedelta(hours=1)
_WIDTH, _HEIGHT, _BAR, _BASE = 24, 92, 16, 72  # of one hour; of all; of a bar; where bars begin
_LABELS = 6  # hours between two of them
_MOST = 64  # the height of the highest bar
# Bad ones on top; each in the colour of what it means.
_KINDS = (
    ("completed", Group.IN_SYNC, {Status.COMPLETED}),
    ("under way", Group.MOVING, {Status.ORDERED, Status.STARTED, Status.NOT_STARTED}),
    ("replaced", Group.LEFT_ALONE, {Status.REPLACED}),
    ("failed, rolled back, stopped or stuck", Group.NEEDS_YOU,
     {Status.FAILED, Status.ROLLED_BACK, Status.STOPPED, Status.STUCK}),
)  # fmt: skip


def chart(tiles: Sequence[Tile], now: datetime, zone: timedelta) -> Markup:
    """Nothing where there was none."""
    first = _hour(now, zone) - (_HOURS - 1) * _HOUR
    rollouts = [it.rollout for it in tiles if it.rollout and it.rollout.at >= first - zone]
    if not rollouts:
        return join(
            _heading(0), el("p", "No service has begun a rollout in the last 24 hours.", class_="quiet")
        )
    hours = [_of_hour(rollouts, first - zone + n * _HOUR) for n in range(_HOURS)]
    scale = _MOST / max(map(len, hours))
    bars = [bar for n, some in enumerate(hours) for bar in _bars(n, some, scale, first + n * _HOUR)]
    label = ", ".join(f"{number} {word}" for word, _, number in _totals(rollouts) if number)
    return join(
        _heading(len(rollouts)),
        el(
            "svg",
            el("title", f"rollouts begun in the last 24 hours: {label}"),
            el("line", x1=0, x2=_HOURS * _WIDTH, y1=_BASE, y2=_BASE),
            *bars,
            *(_label(n, first) for n in range(_HOURS)),
            class_="chart",
            viewBox=f"0 0 {_HOURS * _WIDTH} {_HEIGHT}",
            role="img",
        ),
        el("div", *(_key(word, group, number) for word, group, number in _totals(rollouts)), class_="key"),
    )


def _heading(number: int) -> Markup:
    of = f"the last rollout of {number} services"
    return el("h2", "Last 24 hours ", el("span", of, class_="n") if number else "")


def _hour(at: datetime, zone: timedelta) -> datetime:
    return (at + zone).replace(minute=0, second=0, microsecond=0)


def _of_hour(rollouts: Sequence[Rollout], start: datetime) -> list[Rollout]:
    return [it for it in rollouts if start <= it.at < start + _HOUR]


def _bars(n: int, some: Sequence[Rollout], scale: float, hour: datetime) -> list[Markup]:
    drawn, top = [], float(_BASE)
    for word, group, statuses in _KINDS:
        if number := sum(it.status in statuses for it in some):
            height = max(2.0, number * scale)
            top -= height
            x = n * _WIDTH + (_WIDTH - _BAR) / 2
            title = el("title", f"{hour:%H:%M}: {number} {word}")
            size = {"x": f"{x:g}", "y": f"{top:.1f}", "width": f"{_BAR}", "height": f"{height:.1f}"}
            drawn.append(el("rect", title, class_=f"bar {group}", **size))
    return drawn


def _label(n: int, first: datetime) -> Markup:
    hour = first + n * _HOUR
    if hour.hour % _LABELS:
        return literal("")
    return el("text", f"{hour:%H:%M}", x=n * _WIDTH, y=_HEIGHT - 4)


def _totals(rollouts: Sequence[Rollout]) -> list[tuple[str, Group, int]]:
    return [(word, group, sum(it.status in statuses for it in rollouts)) for word, group, statuses in _KINDS]


def _key(word: str, group: Group, number: int) -> Markup:
    return el("span", symbol(group), f" {number} {word}") if number else literal("")
