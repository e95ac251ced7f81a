"""As much of CloudWatch Logs Insights and of metric math as infra/dashboard.py asks for."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

Row = dict[str, Any]
Series = dict[int, float]  # by hour

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "ispresent": lambda value: value is not None,
    "coalesce": lambda *values: next((it for it in values if it is not None), None),
}


def rows(query: str, lines: Iterable[Row]) -> list[Row]:
    """What a query answers, of log lines with the oldest first."""
    found = [dict(line) for line in lines if "timestamp" in line]
    for command in query.split("| "):
        verb, _, rest = command.strip().partition(" ")
        found = _COMMANDS[verb](found, rest.strip())
    return found


def _filter(found: list[Row], condition: str) -> list[Row]:
    return [row for row in found if _value(re.sub(r"(?<![=!<>])=", "==", condition), row)]


def _fields(found: list[Row], rest: str) -> list[Row]:
    named = [it.split(" as ") for it in re.split(r", (?![^(]*\))", rest)]
    return [row | {name: _value(value, row) for value, name in named} for row in found]


def _stats(found: list[Row], rest: str) -> list[Row]:
    wanted, _, by = rest.partition(" by ")
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in found:
        groups[tuple(row.get(name) for name in by.split(", "))].append(row)
    answers = []
    for key, group in groups.items():
        answer = dict(zip(by.split(", "), key, strict=True))
        for which, field, name in re.findall(r"(\w+)\((\w+)\) as (\w+)", wanted):
            answer[name] = group[{"latest": -1, "earliest": 0}[which]].get(field)
        answers.append(answer)
    return answers


def _sort(found: list[Row], rest: str) -> list[Row]:
    field, order = rest.split()
    return sorted(found, key=lambda row: str(row[field]), reverse=order == "desc")


_COMMANDS: dict[str, Callable[[list[Row], str], list[Row]]] = {
    "SOURCE": lambda found, _: found,
    "filter": _filter,
    "fields": _fields,
    "stats": _stats,
    "sort": _sort,
    "limit": lambda found, number: found[: int(number)],
    "display": lambda found, names: [{name: row.get(name) for name in names.split(", ")} for row in found],
}


class _Present(dict[str, Any]):
    def __missing__(self, name: str) -> Any:
        return _FUNCTIONS.get(name)


def _value(expression: str, row: Row) -> Any:
    # A query that we wrote ourselves; its operators are Python's, but for one.
    return eval(expression, {"__builtins__": {}}, _Present(row))  # noqa: S307


def written(lines: Iterable[Row]) -> set[tuple[str, str, tuple[str, ...], str]]:
    """The metrics: namespace, name, dimensions, and the function that counted."""
    return {
        (it["Namespace"], metric["Name"], tuple(it["Dimensions"][0]), line["service"])
        for line in lines
        if "_aws" in line and "service" in line
        for it in line["_aws"]["CloudWatchMetrics"]
        for metric in it["Metrics"]
    }


def series(metrics: list[list[Any]], lines: Iterable[Row]) -> dict[str, tuple[str | None, Series]]:
    """The visible lines of a widget: label -> color and values."""
    written = [line for line in lines if "_aws" in line]
    ids, numbers = {}, count()
    for it in metrics:
        *what, options = it if isinstance(it[-1], dict) else [*it, {}]
        if what:
            options = {"id": next(numbers), **options}
            values = _aggregated(_of(what, written), options.get("stat", "Average"))
            ids[options["id"]] = (options, values)
    shown = {o["label"]: (o.get("color"), v) for o, v in ids.values() if o.get("visible", True)}
    for [options] in (it for it in metrics if len(it) == 1):
        shown |= _expression(options, {str(id_): values for id_, (_, values) in ids.items()}, written)
    return shown


def _expression(
    options: Row, ids: dict[str, Series], written: list[Row]
) -> dict[str, tuple[str | None, Series]]:
    if options["expression"].startswith("SEARCH"):
        found = sorted({(it["service"], it["reason"]) for it in written if "reason" in it})
        return {
            f"{service}: {reason}": (None, _skipped(service, reason, written)) for service, reason in found
        }
    used = [ids[it] for it in re.findall(r"FILL\((\w+), 0\)", options["expression"])]
    return {options["label"]: (options.get("color"), _filled(used))}


def _skipped(service: str, reason: str, written: list[Row]) -> Series:
    what = ["tagalong", "Skipped", "service", service, "reason", reason]
    return _aggregated(_of(what, written), "Sum")


def _filled(many: list[Series]) -> Series:
    return {hour: sum(it.get(hour, 0) for it in many) for hour in range(24)}


def _of(what: list[Any], written: list[Row]) -> list[tuple[int, list[float]]]:
    """A dimension is a name, or in the template the logical id that the name is in."""
    namespace, name, *pairs = what
    wanted = dict(zip(pairs[::2], pairs[1::2], strict=True))
    return [
        (line["_aws"]["Timestamp"] // 3_600_000 % 24, line[name])
        for line in written
        for it in line["_aws"]["CloudWatchMetrics"]
        if it["Namespace"] == namespace
        and set(it["Dimensions"][0]) == set(wanted)
        and any(metric["Name"] == name for metric in it["Metrics"])
        and all(line[key].lower() in json.dumps(value).lower() for key, value in wanted.items())
    ]


def _aggregated(points: list[tuple[int, list[float]]], statistic: str) -> Series:
    hours: dict[int, list[float]] = defaultdict(list)
    for hour, values in points:
        hours[hour] += values
    return {hour: _one(sorted(values), statistic) for hour, values in hours.items()}


def _one(values: list[float], statistic: str) -> float:
    if statistic.startswith("p"):
        return values[min(len(values) - 1, int(len(values) * float(statistic[1:]) / 100))]
    return {"Sum": sum(values), "Maximum": values[-1]}.get(statistic, sum(values) / len(values))
