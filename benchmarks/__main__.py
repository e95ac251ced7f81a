"""make bench: a line for each figure that must hold, and all of them in benchmarks/results.json."""

import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import cold_start
from benchmarks.figures import FIGURES, Figure
from benchmarks.region import LATENCY
from support.fake_aws import Json
from support.strict_proxy.quotas import QUOTAS
from tagalong.aws.rate_limit import AT_ONCE, PARTS

_RESULTS = Path(__file__).parent / "results.json"
_ZIPPED = 2_600_000  # bytes


def main() -> int:
    """Name figures by a part of their names to measure only those; then results.json stays as it is."""
    setting = _setting()
    print(f"{setting['latency'] * 1000:.0f} ms a call, published quotas of ECS, share 1")
    print(f"of each quota all that are at work may use together: {setting['parts']}")
    chosen = sys.argv[1:]
    figures = []
    for measure in FIGURES:
        what = getattr(measure, "func", measure).__name__
        name = f"{what} {getattr(measure, 'args', '')} {getattr(measure, 'keywords', '')}"
        if not chosen or any(word in name for word in chosen):
            figures.append(_printed(measure()))
    if not chosen:
        figures += [_printed(it) for it in _starts()]
        results = {"setting": setting, "figures": [_written(it) for it in figures]}
        _RESULTS.write_text(json.dumps(_rounded(results), indent=2) + "\n")
    return 0 if all(it.passes for it in figures) else 1


def _setting() -> Json:
    """The sum of all that are at work, of each quota, is at most the share."""
    categories = {category for part in PARTS.values() for category in part}
    parts = {
        category: round(sum(AT_ONCE[name] * part.get(category, 0) for name, part in PARTS.items()), 3)
        for category in sorted(categories)
    }
    quotas = {action: f"{it.burst}, {it.per_second}/s" for action, it in QUOTAS.items()}
    return {"latency": LATENCY, "python": platform.python_version(), "parts": parts, "quotas": quotas}


def _starts() -> list[Figure]:
    started = cold_start.measure()
    ratios = {name: float(it) for name, it in started["ratios"].items()}
    return [
        Figure("cold start beside a bare function", ratios, dict.fromkeys(ratios, cold_start.GOAL), started),
        Figure("asset, bytes zipped", {"zipped": started["bytes"]["zipped"]}, {"zipped": _ZIPPED}),
    ]


def _printed(figure: Figure) -> Figure:
    measured = ", ".join(f"{what} {_short(it)}" for what, it in figure.measured.items())
    must = ", ".join(f"{what} <= {_short(it)}" for what, it in figure.must.items())
    print(f"{'pass' if figure.passes else 'MISS'}  {figure.name}: {measured}; must: {must}", flush=True)
    return figure


def _short(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.2f}"


def _written(figure: Figure) -> Json:
    return {"passes": figure.passes, **asdict(figure)}


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
    sys.exit(main())
