"""For people: tables of 80 columns, ages, digests. Foreign text comes out as one harmless line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import compress, zip_longest
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from tagalong.messages.text import age, neutral
from tagalong.model.images import short_digest

_WIDEST = 24
_NARROW = 8  # a commit, an age: never folded
_TWO_MINUTES = 120


@dataclass(frozen=True)
class Screen:
    """Where a command writes; `json` says that a program reads it."""

    json: bool = False
    utc: bool = False

    @cached_property
    def out(self) -> Console:
        return Console(markup=False, highlight=False, emoji=False)

    @cached_property
    def err(self) -> Console:
        """For what is no result: progress and errors."""
        return Console(stderr=True, markup=False, highlight=False, emoji=False)

    def say(self, text: str = "", style: str = "") -> None:
        if not self.json:
            self.out.print(Text(neutral(text), style=style))

    def address(self, what: str, url: str) -> None:
        """Of ours: `say` would take a link apart."""
        if not self.json:
            self.out.print(Text(f"{what} {url}"), soft_wrap=True)

    def detail(self, text: str, indent: int = 4, style: str = "") -> None:
        """Wrapped, below what it explains."""
        if not self.json:
            self.out.print(Padding(Text(neutral(text), style=style), (0, 0, 0, indent)))

    def table(
        self,
        headings: Sequence[str],
        rows: Iterable[Sequence[str]],
        indent: int = 2,
        widths: Sequence[int] | None = None,
    ) -> None:
        """Of the given widths, so that several are aligned, or as wide as what is in it: an empty column
        is left out."""
        if self.json:
            return
        lines = [tuple(row) for row in rows]
        if not widths:
            filled = [max(map(len, column)) for column in zip(*lines, strict=True)]
            headings, *lines = [tuple(compress(row, filled)) for row in (headings, *lines)]
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=any(headings))
        for column in zip_longest(headings, widths or (), zip(*lines, strict=True)):
            heading, width, cells = column
            narrow = max(map(len, cells or ()), default=0) <= _NARROW
            table.add_column(heading, overflow="fold", header_style="dim", min_width=width, no_wrap=narrow)
        for row in lines:
            table.add_row(*(Text(neutral(cell)) for cell in row))
        self.out.print(Padding(table, (0, 0, 0, indent)))

    def data(self, value: Mapping[str, Any]) -> None:
        """JSON: control characters in it are escaped."""
        if self.json:
            print(json.dumps(value, indent=2, default=_plain), flush=True)

    def clear(self) -> None:
        """The terminal; nothing where there is none."""
        self.out.clear()

    def note(self, text: str) -> None:
        """Of what goes on: no result."""
        self.err.print(Text(neutral(text), style="dim"))

    def progress(self, what: str) -> Status:
        return self.err.status(Text(what))

    def when(self, at: datetime | None, now: datetime) -> str:
        """How long ago; with --utc, when."""
        if at is None:
            return ""
        return f"{at:%m-%d %H:%M}Z" if self.utc else age(now - at)


def widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Of the columns, so that they have room beside each other."""
    return [min(_WIDEST, max(map(len, column))) for column in zip(*rows, strict=True)]


def span(time: timedelta) -> str:
    """How long something took."""
    seconds = max(0, int(time.total_seconds()))
    return f"{seconds} s" if seconds < _TWO_MINUTES else age(time)


def image(tag: str, digest: str) -> str:
    """`prod@43ea22d3`"""
    short = short_digest(digest)
    return f"{tag}@{short}" if tag and short else tag or short or "unknown"


def short(digest: str) -> str:
    return short_digest(digest) or "unknown"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _plain(value: object) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
