"""What a person sees first: what was deployed, and what needs attention and why."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.dashboard import HEALTHY, NOT_TO_BE_UPDATED
from support.drawing import draw, widgets
from support.insights import Row, rows, series, written
from support.templates import ROOT, Synthesized, stack
from tagalong.model.decisions import SkipReason

STATUSES = {"started", "completed", "failed", "rolled-back", "stopped", "replaced", "stuck", "not-started"}
RARE = {  # the day did not see them
    *(("ScanErrors", "finder"), ("WouldUpdate", "deployer")),
    *(("RolloutsFailed", "deployer"), ("RolloutsStopped", "deployer")),
}


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


def test_the_page_starts_with_what_is_then_what_needs_attention_then_what_happened(
    tagalong: Synthesized,
) -> None:
    titles = [it["properties"]["title"] for it in widgets(tagalong.template)]

    assert titles[:2] == ["What runs where", "Alarms"]
    assert titles[2].startswith("Services (last day")
    assert titles[3:5] == ["Needs attention", "Deployments"]


def test_what_runs_where_is_told_by_the_function_that_only_reads(tagalong: Synthesized) -> None:
    [shown] = [it for it in widgets(tagalong.template) if it["type"] == "custom"]

    assert (shown["y"], shown["width"]) == (0, 24)
    [function] = [
        id_ for id_, it in tagalong.resources("AWS::Lambda::Function").items() if ".page." in it["Handler"]
    ]
    assert shown["properties"]["endpoint"] == function


def test_it_shows_the_last_day(tagalong: Synthesized) -> None:
    body = str(tagalong.only("AWS::CloudWatch::Dashboard")["DashboardBody"])

    assert '"start":"-P1D"' in body
    assert widget(tagalong, "last day")["setPeriodToTimeRange"] is True


def test_it_shows_every_alarm(tagalong: Synthesized) -> None:
    assert set(widget(tagalong, "Alarms")["alarms"]) == set(tagalong.resources("AWS::CloudWatch::Alarm"))


def test_the_totals_count_what_happened_to_services(tagalong: Synthesized, day: list[Row]) -> None:
    counted = series(widget(tagalong, "last day")["metrics"], day)

    assert {label: sum(values.values()) for label, (_, values) in counted.items()} == {
        "updated": 6,
        "completed": 4,
        "failed": 0,
        "rolled back": 1,
        "stopped": 0,
        "stuck": 1,
        "replaced by a person": 1,
    }


def test_deployments_has_a_line_for_each_rollout_with_how_it_ended(
    tagalong: Synthesized, day: list[Row]
) -> None:
    deployments = rows(widget(tagalong, "Deployments")["query"], day)

    assert [(it["ecs_service"], it["new_revision"], it["state"], it["what"]) for it in deployments] == [
        ("web", "web:3", "completed", "web updated: c0 to web:prod"),
        ("feed", "feed:2", "stuck", "feed updated: c0 to feed:prod"),
        ("shop", "shop:2", "completed", "shop updated: c0 to shop:prod"),
        ("worker", "worker:2", "completed", "worker updated: c0 to worker:prod"),
        ("api", "api:2", "rolled-back", "api updated: c0 to api:prod"),
        ("web", "web:2", "completed", "web updated: c0 to web:prod"),
    ]
    assert all(it["ecs_says"].startswith("ECS deployment") for it in deployments)


def test_needs_attention_has_a_line_for_each_service_that_needs_a_person_with_the_reason_in_words(
    tagalong: Synthesized, day: list[Row]
) -> None:
    attention = rows(widget(tagalong, "Needs attention")["query"], day)

    assert {it["ecs_service"]: it["state"] for it in attention} == {
        "pay": "aws-error",
        "feed": "stuck",
        "batch": "misconfigured",
        "shop": "replaced-by-person",
        "api": "rolled-back",
    }
    why = {it["ecs_service"]: it["why"] for it in attention}
    assert "the service is unavailable" in why["pay"]
    assert "semverr:1.x" in why["batch"]


def _now(**fields: str) -> Row:
    return {"timestamp": "2026-11-22 23:59:00,000+0000", "cluster": "prod", "message": "it is so", **fields}


@pytest.mark.parametrize(
    "better",
    [
        {"decision": "skip", "reason": "up-to-date"},
        {"decision": "update", "reason": "new-digest"},
        *({"deployment_status": status} for status in ("started", "completed", "replaced", "not-started")),
    ],
    ids=lambda better: better.get("reason") or better["deployment_status"],
)
def test_a_service_leaves_needs_attention_when_its_last_line_says_that_all_is_well(
    tagalong: Synthesized, day: list[Row], better: dict[str, str]
) -> None:
    attention = rows(widget(tagalong, "Needs attention")["query"], [*day, _now(ecs_service="pay", **better)])

    assert "pay" not in {it["ecs_service"] for it in attention}


def test_a_service_that_is_not_to_be_updated_keeps_its_place_in_needs_attention(
    tagalong: Synthesized, day: list[Row]
) -> None:
    """A push of another tag of its repository says nothing about its failure."""
    other = _now(ecs_service="pay", decision="skip", reason="tag-not-followed")

    attention = rows(widget(tagalong, "Needs attention")["query"], [*day, other])

    assert {it["state"] for it in attention if it["ecs_service"] == "pay"} == {"aws-error"}


@pytest.mark.parametrize("title", ["Deployments", "Needs attention"])
def test_both_tables_are_empty_on_a_day_without_a_push(tagalong: Synthesized, title: str) -> None:
    assert not rows(widget(tagalong, title)["query"], [])


def test_the_words_that_the_dashboard_filters_are_words_of_the_lambda_code() -> None:
    assert set(NOT_TO_BE_UPDATED) <= set(SkipReason)
    assert set(HEALTHY) - {"new-digest", "drift-corrected"} <= {*SkipReason, *STATUSES}


def test_the_metrics_shown_are_metrics_that_the_functions_write(
    tagalong: Synthesized, day: list[Row]
) -> None:
    shown = {
        (name, service) for namespace, name, _, service, *_ in metrics(tagalong) if namespace == "tagalong"
    }
    seen = {
        (name, service)
        for space, name, by, service in written(day)
        if (space, by) == ("tagalong", ("service",))
    }

    assert shown - seen == RARE
    assert {it[2] for it in metrics(tagalong) if it[0] == "tagalong"} == {"service"}


def test_the_day_has_log_fields_and_metrics_that_the_lambda_code_writes(day: list[Row]) -> None:
    code = "".join(path.read_text() for path in (ROOT / "lambda/tagalong").rglob("*.py"))
    metrics = {name for _, name, *_ in written(day)} | {name for name, _ in RARE}
    fields = {name for line in day if "timestamp" in line for name in line}
    of_powertools = {"level", "message", "timestamp", "service"}

    assert not {name for name in metrics | (fields - of_powertools) if f'"{name}"' not in code}


def test_skipped_services_are_shown_for_every_reason(tagalong: Synthesized, day: list[Row]) -> None:
    ((search,),) = widget(tagalong, "by reason")["metrics"]
    (dimensions,) = {by for _, name, by, _ in written(day) if name == "Skipped" and "reason" in by}

    schema = ",".join(['"tagalong"', *sorted(dimensions)])
    assert search["expression"] == f"SEARCH('{{{schema}}} MetricName=\"Skipped\"', 'Sum')"


@pytest.mark.parametrize("title", ["last day", "Rollouts", "Deployer: services", "Finder", "Dead-letter"])
def test_a_widget_shows_zeros_when_nothing_happened(tagalong: Synthesized, title: str) -> None:
    shown = series(widget(tagalong, title)["metrics"], [])

    assert shown
    assert all(set(values.values()) == {0} for _, values in shown.values())


def test_no_expression_reads_the_other_metrics_of_its_widget(tagalong: Synthesized) -> None:
    assert "METRICS()" not in str(widgets(tagalong.template))


def test_failures_are_red_and_orange(tagalong: Synthesized, day: list[Row]) -> None:
    colors = {
        label: color for label, (color, _) in series(widget(tagalong, "Rollouts")["metrics"], day).items()
    }

    assert (colors["failed"], colors["rolled back"], colors["completed"]) == ("#d62728", "#ff7f0e", "#2ca02c")


def test_it_can_be_drawn(tagalong: Synthesized, day: list[Row], tmp_path: Path) -> None:
    """With --basetemp the picture is kept, to be looked at."""
    template, lines, out = (tmp_path / name for name in ("template.json", "lines.jsonl", "dashboard.svg"))
    template.write_text(json.dumps(tagalong.template))
    lines.write_text("\n".join(json.dumps(line) for line in day))
    draw(template, lines, out)

    picture = out.read_text()
    for it in ("Needs attention", "web:3", "rolled-back", "semverr:1.x", "JobFailed"):
        assert it in picture
