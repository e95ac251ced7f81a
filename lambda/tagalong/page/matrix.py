"""Images down, services across: how far each image that several services follow has come."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tagalong.model.images import short_digest
from tagalong.model.page import Tile
from tagalong.model.states import Group, Line
from tagalong.page.markup import Markup, el, literal
from tagalong.page.symbols import symbol

_FEW, _IMAGES, _SQUARES = 2, 15, 60


@dataclass(frozen=True, slots=True)
class _Cell:
    tile: Tile
    line: Line


def matrix(tiles: Sequence[Tile]) -> Markup:
    """Those that most services follow; nothing where none has several."""
    shared = [(image, cells) for image, cells in _by_image(tiles).items() if len(cells) >= _FEW]
    shown = sorted(shared, key=lambda it: (-_wrong(it[1]), -len(it[1]), it[0]))[:_IMAGES]
    if not shown:
        return literal("")
    number = f"{len(shared)} that several services follow" + (
        f", {len(shown)} shown" if len(shown) < len(shared) else ""
    )
    rows = [cell for image, cells in shown for cell in _row(image, cells)]
    return el(
        "section",
        el("h2", "Images ", el("span", number, class_="n")),
        el("div", *rows, class_="images"),
    )


def _by_image(tiles: Sequence[Tile]) -> Mapping[str, list[_Cell]]:
    found: dict[str, list[_Cell]] = {}
    for tile in tiles:
        for line in tile.lines:
            found.setdefault(line.follows, []).append(_Cell(tile, line))
    return found


def _wrong(cells: Sequence[_Cell]) -> int:
    return sum(it.tile.needs_a_person for it in cells)


def _row(image: str, cells: Sequence[_Cell]) -> list[Markup]:
    worst_first = sorted(cells, key=lambda it: list(Group).index(it.tile.group))
    squares = [_square(it) for it in worst_first[:_SQUARES]]
    more = el("span", f"and {len(cells) - _SQUARES} more", class_="quiet") if len(cells) > _SQUARES else ""
    return [
        el("div", el("code", image)),
        el("div", *squares, more, class_="squares", role="img", aria_label=_spread(cells)),
        el("div", _spread(cells), class_="all"),
    ]


def _square(it: _Cell) -> Markup:
    runs = short_digest(it.line.runs) or "an unknown image"
    return symbol(it.tile.group, f"{it.tile.key}: {it.tile.reason}, runs {runs}")


def _spread(cells: Sequence[_Cell]) -> str:
    """`7 of 9 on 8f2e01bd`"""
    wanted = Counter(it.line.wants for it in cells if it.line.wants)
    if not wanted:
        return f"{len(cells)} services"
    [(digest, _)] = wanted.most_common(1)
    running = sum(it.line.runs == digest for it in cells)
    return f"{running} of {len(cells)} on {short_digest(digest)}"
