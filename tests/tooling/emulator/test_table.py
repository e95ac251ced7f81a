"""The table of the demo is readable in every terminal."""

import io

import pytest
from rich.console import Console

from emulator.table import Column, Row, table

COLUMNS = (
    Column("service"),
    Column("ran", rank=2),
    Column("runs now"),
    Column("why", is_names=False, rank=1),
)
SERVICE, RAN, RUNS = "production\nweb-eu", "web:1\nplatform/proxy:stable", "web:2\nplatform/proxy@c4e4dd90"
WHY = "CodeDeploy deploys it, and ECS lets nobody else change its task definition"
ROWS = [Row((SERVICE, RAN, RUNS, WHY), "green"), Row((SERVICE, RAN, "the same", "its tag moved"), "dim")]
ALL_NAMES = 10 + 21 + 23 + 13 + 4 * 3 + 1


def drawn(width: int) -> str:
    output = io.StringIO()
    Console(file=output, width=width).print(table(COLUMNS, ROWS, width))
    return output.getvalue()


@pytest.mark.parametrize("width", range(ALL_NAMES, 140))
def test_a_terminal_of_80_columns_and_more_shows_every_name_and_every_word(width: int) -> None:
    text = drawn(width)

    assert max(map(len, text.splitlines())) <= width
    assert all(word in text for cell in (SERVICE, RAN, RUNS, WHY) for word in cell.split())


@pytest.mark.parametrize(
    ("width", "lacks"),
    [(ALL_NAMES, ()), (ALL_NAMES - 1, ("ran",)), (56, ("ran",)), (55, ("ran", "why")), (40, ("ran", "why"))],
)
def test_a_narrow_terminal_shows_fewer_columns_and_no_name_in_two_parts(
    width: int, lacks: tuple[str, ...]
) -> None:
    text = drawn(width)

    assert [column.heading for column in COLUMNS if f" {column.heading} " not in text] == list(lacks)
    assert max(map(len, text.splitlines())) <= width
    assert all(name in text for name in (*SERVICE.split(), *RUNS.split()))


def test_80_columns_are_enough_for_all_of_it() -> None:
    assert ALL_NAMES <= 80
