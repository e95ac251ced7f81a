"""make bench: a line for each row, and all figures in benchmarks/results.json."""

import json
import platform
from collections.abc import Iterator
from pathlib import Path

from benchmarks import cold_start
from benchmarks.fleets import Fleet
from benchmarks.rows import DEFAULT_SHARE, LATENCY, Row, Table, measure
from benchmarks.sidecars import measure_with_a_small_push
from support.fake_aws import Json

_RESULTS = Path(__file__).parent / "results.json"
_ALL, _LONG = ("cold", "table", "warm"), ("cold", "warm")
# A fleet of 100 services has no 200 families. Of a push to very many the finder is a small part, so that
# it is not measured in all three ways.
_FLEETS = {
    Fleet(100, 100, 2, following=1): (_ALL, 1),
    Fleet(100, 100, 2, following=20): (_ALL, 1),
    Fleet(100, 100, 2, following=100): (_LONG, 8),
    Fleet(1000, 200, 5, following=1): (_ALL, 1),
    Fleet(1000, 200, 5, following=20): (_ALL, 1),
    Fleet(1000, 200, 5, following=200): (_LONG, 8),
    Fleet(5000, 1000, 10, following=1): (_ALL, 2),
    Fleet(5000, 1000, 10, following=20): (_ALL, 2),
    Fleet(5000, 1000, 10, following=200): (_LONG, 4),
}
_SIDECARS = {Fleet(500, 1, 1, following=1): 8, Fleet(1000, 1000, 5, following=1000): 10}
_HEAD = ("services", "families", "start", "share", "throttled", "wall s", "quota s", "bound s", "ratio")


def main() -> None:
    print("".join(f"{word:>10}" for word in _HEAD), flush=True)
    rows = [_printed(row) for row in _rows()]
    sidecars = [
        _printed(measure_with_a_small_push(Row(fleet, "warm", scale))) for fleet, scale in _SIDECARS.items()
    ]
    for sidecar in sidecars:
        print(f"{sidecar['following']} families: a small push took {sidecar['small_push_waited']:.0f} s")
    print(json.dumps(started := cold_start.measure(), indent=2))
    setting = {"latency": LATENCY, "python": platform.python_version()}
    results = {"setting": setting, "rows": rows, "sidecars": sidecars, "cold_start": started}
    _RESULTS.write_text(json.dumps(_rounded(results), indent=2) + "\n")


def _rows() -> Iterator[Json]:
    table: Table = {}
    for fleet, (starts, scale) in _FLEETS.items():
        for start in starts:
            result, table = measure(Row(fleet, start, scale), table)
            yield result
    fleet = Fleet(1000, 200, 5, following=200)
    yield measure(Row(fleet, "cold", 8, DEFAULT_SHARE), {})[0]


def _printed(row: Json) -> Json:
    words = (row["services"], row["following"], row["start"], row["share"], sum(row["throttled"].values()))
    seconds = (row["wall"], row["quota_bound"], row["bound"])
    cells = [*map(str, words), *(f"{value:.1f}" for value in seconds), f"{row['ratio']:.2f}"]
    missed = "" if row["in_goal"] else "  misses the goal"
    print("".join(f"{cell:>10}" for cell in cells) + missed, flush=True)
    return row


def _rounded(value: object) -> object:
    match value:
        case float():
            return round(value, 3)
        case dict():
            return {name: _rounded(it) for name, it in value.items()}
        case list():
            return [_rounded(it) for it in value]
    return value


if __name__ == "__main__":
    main()
