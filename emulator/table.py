"""A table that fits the terminal: names stay whole, sentences wrap, and a narrow one gets fewer columns."""

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.table import Table

_NARROWEST = 13  # of a column of sentences: no word of ours is longer
_FRAME = 3  # a line and a space on both sides


class Row(NamedTuple):
    cells: tuple[str, ...]
    style: str


class Column(NamedTuple):
    heading: str
    is_names: bool = True
    rank: int = 0
    """where there is no room for all, the highest is left out first, and 0 never"""


def table(columns: Sequence[Column], rows: Sequence[Row], width: int) -> Table:
    """As many of the columns as are readable in that width."""
    needed = [_needed(column, [row.cells[n] for row in rows]) for n, column in enumerate(columns)]
    shown = _fitting(columns, needed, width)
    drawn = Table(show_lines=True)
    for n in shown:
        drawn.add_column(columns[n].heading, no_wrap=columns[n].is_names, min_width=needed[n])
    for row in rows:
        drawn.add_row(*(row.cells[n] for n in shown), style=row.style)
    return drawn


def _needed(column: Column, cells: Sequence[str]) -> int:
    lines = [column.heading, *(line for cell in cells for line in cell.splitlines())]
    return max(map(cell_len, lines)) if column.is_names else _NARROWEST


def _fitting(columns: Sequence[Column], needed: Sequence[int], width: int) -> list[int]:
    """The numbers of the columns that fit; those that are never left out stay even if they do not."""
    shown = [*range(len(columns))]
    for n in sorted(shown, key=lambda n: -columns[n].rank):
        if columns[n].rank and sum(needed[n] + _FRAME for n in shown) + 1 > width:
            shown.remove(n)
    return shown
