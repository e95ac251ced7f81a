"""A picture of the CloudWatch dashboard: python -m support.drawing TEMPLATE.json LINES.jsonl OUT.svg

LINES are log lines of one day as the functions write them, the embedded metrics among them.
docs/dashboard.svg is drawn from tests/support/day.jsonl.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import shorten
from typing import Any
from xml.sax.saxutils import escape

from support.insights import Row, rows, series

UNIT = 50  # of the grid of 24 columns, in pixels
GRAY, DARK = "#687078", "#16191f"
_ALARMS_IN_A_ROW = 5
COLORS = ("#1f77b4", "#9467bd", "#17becf", "#8c564b", "#e377c2", "#bcbd22", "#ff7f0e", "#7f7f7f")


def widgets(template: Row) -> list[Row]:
    """A reference becomes the logical id."""
    (dashboard,) = (it for it in template["Resources"].values() if it["Type"] == "AWS::CloudWatch::Dashboard")
    parts = dashboard["Properties"]["DashboardBody"]["Fn::Join"][1]
    body = "".join(it if isinstance(it, str) else _logical_id(it) for it in parts)
    found: list[Row] = json.loads(body)["widgets"]
    return found


def _logical_id(reference: Row) -> str:
    (it,) = reference.values()
    return it if isinstance(it, str) else str(it[0])


def _svg(template: Row, lines: list[Row]) -> str:
    shown = widgets(template)
    height = max(it["y"] + it["height"] for it in shown) * UNIT
    drawn = "\n".join(part for it in shown for part in _widget(it, lines))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {24 * UNIT} {height}" font-family="sans-serif"'
        f' font-size="11"><rect width="100%" height="100%" fill="#f2f3f3"/>\n{drawn}\n</svg>\n'
    )


def _widget(it: Row, lines: list[Row]) -> Iterator[str]:
    shown, (width, height) = it["properties"], (it["width"] * UNIT - 8, it["height"] * UNIT - 8)
    yield f'<g transform="translate({it["x"] * UNIT + 4} {it["y"] * UNIT + 4})">'
    yield f'<rect width="{width}" height="{height}" fill="#fff" stroke="#d5dbdb"/>'
    yield _text(10, 18, shown["title"], DARK, 'font-weight="bold" font-size="13"')
    if it["type"] == "alarm":
        yield from _alarms(shown["alarms"], width, lines)
    elif it["type"] == "log":
        yield from _table(rows(shown["query"], lines), width)
    elif it["type"] == "custom":
        yield _text(10, 60, "the page: docs/images/page-light.png", GRAY, 'font-size="13"')
    elif shown["view"] == "singleValue":
        yield from _values(shown["metrics"], width, lines)
    else:
        yield from _graph(shown, width, height, lines)
    yield "</g>"


def _values(metrics: list[Any], width: int, lines: list[Row]) -> Iterator[str]:
    shown = series(metrics, lines)
    for number, (label, (color, values)) in enumerate(shown.items()):
        x = 10 + number * width / len(shown)
        yield _text(x, 85, f"{sum(values.values()):.0f}", color or DARK, 'font-size="40"')
        yield _text(x, 115, label, GRAY, 'font-size="13"')


def _alarms(alarms: list[str], width: int, lines: list[Row]) -> Iterator[str]:
    ringing = {line["alarm"] for line in lines if "alarm" in line}
    each = (width - 10) / _ALARMS_IN_A_ROW
    for number, alarm in enumerate(alarms):
        row, column = divmod(number, _ALARMS_IN_A_ROW)
        name, x, y = alarm.removeprefix("TagalongAlarms")[:-8], 10 + column * each, 35 + row * 50
        color = "#d62728" if name in ringing else "#2ca02c"
        yield f'<rect x="{x}" y="{y}" width="{each - 12}" height="40" fill="{color}"/>'
        yield _text(x + 10, y + 25, name, "#fff", 'font-size="13"')


def _table(found: list[Row], width: int) -> Iterator[str]:
    names = list(found[0]) if found else []
    room = {name: max(len(name), *(len(str(row[name])) for row in found)) + 2 for name in names}
    room = {name: min(it, 60) for name, it in room.items()}
    if names:
        room[names[-1]] = max(20, int(width / 6.1) - sum(room.values()) + room[names[-1]])
    for line, row in enumerate([{name: name for name in names}, *found[:8]]):
        x = 10.0
        for name in names:
            cell = shorten(str(row[name]), room[name], placeholder="…")
            yield _text(x, 42 + line * 24, cell, DARK if line else GRAY)
            x += room[name] * 6.1
    if not names:
        yield _text(10, 42, "No data found for this time range", GRAY)


def _graph(shown: Row, width: int, height: int, lines: list[Row]) -> Iterator[str]:
    drawn, bottom, right = series(shown["metrics"], lines), height - 60, width - 20
    top = max((value for _, values in drawn.values() for value in values.values()), default=0) or 1
    yield _text(10, 36, shown.get("yAxis", {}).get("left", {}).get("label", ""), GRAY)
    yield f'<path d="M45 45V{bottom}H{right}" fill="none" stroke="#d5dbdb"/>'
    yield _text(10, 50, f"{top:.4g}", GRAY) + _text(10, bottom, "0", GRAY)
    for hour in (6, 12, 18):
        yield _text(35 + hour * (right - 45) / 24, bottom + 14, f"{hour:02}:00", GRAY)
    legend = 10.0
    for number, (label, (color, values)) in enumerate(drawn.items()):
        stroke = color or COLORS[number % len(COLORS)]
        points = [
            (45 + hour * (right - 45) / 24, bottom - value / top * (bottom - 45))
            for hour, value in sorted(values.items())
        ]
        path = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{stroke}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.0f}" cy="{y:.0f}" r="2" fill="{stroke}"/>' for x, y in points)
        yield _text(
            legend % (width - 100), height - 30 + 16 * (legend // (width - 100)), f"■ {label}", stroke
        )
        legend += 24 + len(label) * 6.2


def _text(x: float, y: float, text: str, color: str, more: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{color}" {more}>{escape(text)}</text>'


def draw(template: Path, lines: Path, out: Path) -> None:
    recorded = [json.loads(line) for line in lines.read_text().splitlines()]
    out.write_text(_svg(json.loads(template.read_text()), recorded))


if __name__ == "__main__":
    draw(*map(Path, sys.argv[1:]))
