"""What a person sees first: what moved, what is stuck, and why. Read from a day of real log lines."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.dashboard import GOING_WELL, LEFT_ALONE
from support.day import written
from support.drawing import draw, widgets
from support.fake_aws import Json
from support.insights import rows, series
from support.templates import ROOT, Synthesized, stack
from tagalong.model.decisions import SkipReason, UpdateReason
from tagalong.model.rollouts import Status


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def widget(tagalong: Synthesized, title: str) -> dict[str, Any]:
    (found,) = (it["properties"] for it in widgets(tagalong.template) if title in it["properties"]["title"])
    return dict(found)


def metrics(tagalong: Synthesized) -> list[list[Any]]:
    """The plain ones: namespace, name, dimensions."""
    shown = [it for one in widgets(tagalong.template) for it in one["properties"].get("metrics", [])]
    return [it for it in shown if len(it) > 1]


def test_it_reads_from_top_to_bottom_what_moved_what_is_stuck_and_how_it_went(tagalong: Synthesized) -> None:
    titles = [it["properties"]["title"] for it in widgets(tagalong.template)]

    assert titles[0].startswith("Services: the last day")
    assert titles[1:4] == ["Alarms", "What moved", "What is stuck, and why"]


def test_it_shows_the_last_day(tagalong: Synthesized) -> None:
    body = str(tagalong.only("AWS::CloudWatch::Dashboard")["DashboardBody"])

    assert '"start":"-P1D"' in body
    assert widget(tagalong, "the last day")["setPeriodToTimeRange"] is True


def test_it_shows_every_alarm(tagalong: Synthesized) -> None:
    assert set(widget(tagalong, "Alarms")["alarms"]) == set(tagalong.resources("AWS::CloudWatch::Alarm"))


def test_it_counts_what_became_of_services(tagalong: Synthesized, day: list[Json]) -> None:
    counted = series(widget(tagalong, "the last day")["metrics"], day)

    assert {label: sum(values.values()) for label, (_, values) in counted.items()} == {
        "moved": 5,
        "completed": 4,
        "failed": 1,
        "rolled back": 1,
        "held: put back by a person": 1,
    }


def test_what_moved_is_a_line_for_each_rollout_with_how_it_ended(
    tagalong: Synthesized, day: list[Json]
) -> None:
    moved = rows(widget(tagalong, "What moved")["query"], day)

    assert [(it["ecs_service"], it["new_revision"], it["state"], it["what"]) for it in moved] == [
        ("web", "web:3", "completed", "web moves: c0 to web:prod"),
        ("shop", "shop:2", "completed", "shop moves: c0 to shop:prod"),
        ("worker", "worker:2", "completed", "worker moves: c0 to worker:prod"),
        ("api", "api:2", "rolled-back", "api moves: c0 to api:prod"),
        ("web", "web:2", "completed", "web moves: c0 to web:prod"),
    ]
    assert all(it["ecs_says"].startswith("ECS deployment") for it in moved)


def test_what_is_stuck_is_a_line_for_each_service_that_needs_a_person_with_the_reason_in_words(
    tagalong: Synthesized, day: list[Json]
) -> None:
    stuck = rows(widget(tagalong, "What is stuck")["query"], day)

    assert {it["ecs_service"]: it["state"] for it in stuck} == {
        "pay": "aws-error",
        "batch": "misconfigured",
        "shop": "rolled-back",
        "api": "rollout-failed",
    }
    why = {it["ecs_service"]: it["why"] for it in stuck}
    assert "the service has 5 active deployments" in why["pay"]
    assert "semverr:1.x" in why["batch"]


def test_what_is_stuck_no_more_is_not_shown(tagalong: Synthesized, day: list[Json]) -> None:
    later = {"timestamp": "2026-11-22 23:59:00,000+0000", "cluster": "prod", "message": "pay is up to date"}
    now = {**later, "ecs_service": "pay", "decision": "skip", "reason": "up-to-date"}

    stuck = rows(widget(tagalong, "What is stuck")["query"], [*day, now])

    assert "pay" not in {it["ecs_service"] for it in stuck}


def test_on_a_day_without_a_push_nothing_moved_and_nothing_is_stuck(tagalong: Synthesized) -> None:
    for title in ("What moved", "What is stuck"):
        assert not rows(widget(tagalong, title)["query"], [])


def test_the_reasons_that_are_no_news_are_ones_that_the_lambda_code_gives() -> None:
    assert set(LEFT_ALONE) <= set(SkipReason)
    assert set(GOING_WELL) <= {*SkipReason, *UpdateReason, *Status}


def test_it_reads_metrics_that_the_functions_write_with_the_dimension_that_they_give(
    tagalong: Synthesized, day: list[Json]
) -> None:
    read = {
        (name, service) for namespace, name, _, service, *_ in metrics(tagalong) if namespace == "tagalong"
    }
    code = "".join(path.read_text() for path in (ROOT / "lambda/tagalong/reporting").glob("*.py"))

    seen = {
        (name, service)
        for space, name, by, service in written(day)
        if (space, by) == ("tagalong", ("service",))
    }
    rare = {("Ignored", "finder"), ("WouldUpdate", "deployer")}  # this day did not see them
    assert read - seen == rare
    assert {name for name, _ in rare} <= set(re.findall(r'"([A-Z]\w+)"', code))
    assert {it[2] for it in metrics(tagalong) if it[0] == "tagalong"} == {"service"}


def test_it_finds_the_skips_of_every_reason(tagalong: Synthesized, day: list[Json]) -> None:
    ((search,),) = widget(tagalong, "by reason")["metrics"]
    (dimensions,) = {by for _, name, by, _ in written(day) if name == "Skipped" and "reason" in by}

    schema = ",".join(["tagalong", *sorted(dimensions)])
    assert search["expression"] == f"SEARCH('{{{schema}}} MetricName=\"Skipped\"', 'Sum')"


@pytest.mark.parametrize(
    "title", ["the last day", "Rollouts", "deployer decided", "finder found", "dead letters"]
)
def test_where_nothing_happened_it_shows_zeros(tagalong: Synthesized, title: str) -> None:
    shown = series(widget(tagalong, title)["metrics"], [])

    assert shown
    assert all(set(values.values()) == {0} for _, values in shown.values())


def test_no_expression_reads_the_other_metrics_of_its_widget(tagalong: Synthesized) -> None:
    assert "METRICS()" not in str(widgets(tagalong.template))


def test_failures_are_red_and_orange(tagalong: Synthesized, day: list[Json]) -> None:
    colors = {
        label: color for label, (color, _) in series(widget(tagalong, "Rollouts")["metrics"], day).items()
    }

    assert (colors["failed"], colors["rolled back"], colors["completed"]) == ("#d62728", "#ff7f0e", "#2ca02c")


def test_it_can_be_drawn(tagalong: Synthesized, day: list[Json], tmp_path: Path) -> None:
    """With --basetemp the picture is kept, to be looked at."""
    template, lines, out = (tmp_path / name for name in ("template.json", "lines.jsonl", "dashboard.svg"))
    template.write_text(json.dumps(tagalong.template))
    lines.write_text("\n".join(json.dumps(line) for line in day))
    draw(template, lines, out)

    picture = out.read_text()
    for it in ("What is stuck, and why", "web:3", "rolled-back", "semverr:1.x", "JobFailed"):
        assert it in picture
