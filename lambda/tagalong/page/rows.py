"""A card for each service that needs a person, a row for each other one; more than a hundred are folded."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tagalong.messages.text import age
from tagalong.model.images import short_digest
from tagalong.model.page import Tile
from tagalong.model.provenance import short_commit
from tagalong.model.states import WORDS, Group, Line
from tagalong.page.markup import Markup, el, join, literal
from tagalong.page.symbols import named

MOST = 100
_HEADINGS = ("Service", "State", "Follows", "Runs", "Wants", "Since", "Why")

Button = Callable[[Tile], Markup]


@dataclass(frozen=True, slots=True)
class Times:
    """Ages, and when that was where the viewer is."""

    now: datetime
    zone: timedelta

    def since(self, at: datetime | None) -> Markup:
        if not at:
            return literal("")
        title = f"{at + self.zone:%Y-%m-%d %H:%M}"
        return el("time", age(self.now - at), title=title, datetime=f"{at:%FT%TZ}")


def cards(tiles: Sequence[Tile], times: Times, button: Button) -> Markup:
    shown, more = tiles[:MOST], tiles[MOST:]
    return join(
        el("ul", *(_card(it, times, button) for it in shown), class_="cards"), _folded(more, times, button)
    )


def table(tiles: Sequence[Tile], times: Times, button: Button, most: int) -> Markup:
    if not tiles:
        return literal("")
    shown, more = tiles[:most], tiles[most:]
    return join(_table(shown, times, button) if shown else "", _folded(more, times, button))


def _card(it: Tile, times: Times, button: Button) -> Markup:
    since = times.since(it.since)
    top = (
        el("span", it.key, class_="name"),
        named(it.group),
        el("span", it.reason, literal(" · ") if since else "", since, class_="quiet"),
    )
    do = (el("code", it.next, class_="cmd", tabindex=0) if it.next else "", button(it))
    return el(
        "li",
        el("div", *top, class_="top"),
        *(el("p", el("code", _sentence(line))) for line in it.lines),
        el("p", it.message),
        el("div", *do, class_="do") if any(do) else "",
        class_=f"card {it.group}",
    )


def _sentence(line: Line) -> str:
    runs = f"{line.follows} · runs {_runs(line)}"
    return f"{runs}, wants {_digest(line.wants)}" if line.differs else runs


def _table(tiles: Sequence[Tile], times: Times, button: Button) -> Markup:
    head = el("tr", *(el("th", it, scope="col") for it in _HEADINGS))
    return el("table", el("thead", head), el("tbody", *(_row(it, times, button) for it in tiles)))


def _row(it: Tile, times: Times, button: Button) -> Markup:
    cells = (
        ("name", join(it.key)),
        ("", named(it.group)),
        ("follows", _each(it, lambda line: line.follows)),
        ("mono", _each(it, _runs)),
        ("mono", _each(it, lambda line: _digest(line.wants) if line.differs else "")),
        ("since", times.since(it.since)),
        ("why", join(*_why(it), button(it))),
    )
    written = zip(_HEADINGS, cells, strict=True)
    return el("tr", *(_cell(of, name, text) for of, (name, text) in written))


def _cell(of: str, name: str, text: Markup) -> Markup:
    return el("td", el("div", text) if text else "", class_=name or None, data_of=of)


def _why(it: Tile) -> tuple[str, ...]:
    """That all is well is said by the state."""
    return () if it.group is Group.IN_SYNC else (f"{it.reason}: {it.message} ",)


def _each(it: Tile, of: Callable[[Line], str]) -> Markup:
    """One line for each container."""
    found = [of(line) for line in it.lines]
    return join(*(el("div", el("code", text)) for text in found if text)) if any(found) else literal("")


def _runs(line: Line) -> str:
    return f"{_digest(line.runs)} (commit {short_commit(line.commit)})" if line.commit else _digest(line.runs)


def _digest(digest: str) -> str:
    return short_digest(digest) or "unknown"


def _folded(tiles: Sequence[Tile], times: Times, button: Button) -> Markup:
    if not tiles:
        return literal("")
    counts = Counter(it.group for it in tiles)
    numbers = ", ".join(f"{counts[it]} {WORDS[it]}" for it in Group if counts[it])
    return el("details", el("summary", f"{len(tiles)} more: {numbers}"), _table(tiles, times, button))
