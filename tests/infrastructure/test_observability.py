"""Who hears of what: alarms, logs, the dashboard."""

import json
import re
from typing import Any

import pytest

from infrastructure.templates import ROOT, Synthesized, stack
from tagalong import reporting
from tagalong.decisions import Service, Skip, SkipReason


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def dead_letter_queues(tagalong: Synthesized) -> set[str]:
    queues = tagalong.resources("AWS::SQS::Queue").items()
    return {id_ for id_, queue in queues if "RedrivePolicy" not in queue}


def test_each_of_the_three_dead_letter_queues_has_an_alarm_on_its_first_message(
    tagalong: Synthesized,
) -> None:
    alarms = [it for it in tagalong.resources("AWS::CloudWatch::Alarm").values() if it["Threshold"] == 0]

    watched = {alarm["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for alarm in alarms}
    assert len(watched) == 3
    assert watched == dead_letter_queues(tagalong)
    assert {alarm["MetricName"] for alarm in alarms} == {"ApproximateNumberOfMessagesVisible"}
    assert {alarm["ComparisonOperator"] for alarm in alarms} == {"GreaterThanThreshold"}


def test_an_alarm_tells_of_jobs_that_wait_long_before_sqs_drops_them(tagalong: Synthesized) -> None:
    alarms = tagalong.resources("AWS::CloudWatch::Alarm").values()
    (waiting,) = (it for it in alarms if it["MetricName"] == "ApproximateAgeOfOldestMessage")

    assert waiting["Threshold"] == 3600


def test_every_alarm_says_what_happened_and_where_to_look(tagalong: Synthesized) -> None:
    for alarm in tagalong.resources("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmDescription"].endswith(" What to do: docs/operations.md")


def test_alarms_are_mailed_to_the_configured_address() -> None:
    tagalong = stack(alarmEmail="ops@example.com")

    (topic,) = tagalong.resources("AWS::SNS::Topic")
    (subscription,) = tagalong.resources("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    alarms = tagalong.resources("AWS::CloudWatch::Alarm").values()
    assert [alarm["AlarmActions"] for alarm in alarms] == [[{"Ref": topic}]] * 4


def test_the_alarms_of_this_account_may_publish_to_the_topic() -> None:
    (policy,) = stack(alarmEmail="ops@example.com").resources("AWS::SNS::TopicPolicy").values()

    (allowed,) = (it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow")
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_without_an_address_there_is_no_topic(tagalong: Synthesized) -> None:
    assert not tagalong.resources("AWS::SNS::Topic")


def test_each_function_logs_to_a_group_of_its_own_that_forgets_and_goes_with_the_stack() -> None:
    tagalong = stack(logRetentionDays=90)

    groups = tagalong.resources("AWS::Logs::LogGroup")
    used = {tagalong.function(it)["LoggingConfig"]["LogGroup"]["Ref"] for it in ("finder", "deployer")}
    assert used == set(groups)
    assert [group["RetentionInDays"] for group in groups.values()] == [90, 90]
    assert {tagalong.template["Resources"][id_]["DeletionPolicy"] for id_ in groups} == {"Delete"}


def widgets(tagalong: Synthesized) -> list[dict[str, Any]]:
    (dashboard,) = tagalong.resources("AWS::CloudWatch::Dashboard").values()
    _, parts = dashboard["DashboardBody"]["Fn::Join"]
    body = "".join(part if isinstance(part, str) else "token" for part in parts)
    return [widget["properties"] for widget in json.loads(body)["widgets"]]


def log_query(tagalong: Synthesized, title: str) -> str:
    (query,) = (it["query"] for it in widgets(tagalong) if "query" in it and it["title"] == title)
    return str(query)


@pytest.fixture
def of_a_skip(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What the Lambda code writes when it leaves a service alone: a metric and a log line."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "finder")
    reporting.report(Skip(Service("prod", "web", "web:1"), SkipReason.OTHER_TAG, "it follows 'prod'"))
    reporting.metrics.clear_metrics()
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_dashboard_shows_metrics_that_the_lambda_code_writes(tagalong: Synthesized) -> None:
    code = (ROOT / "lambda/tagalong/reporting.py").read_text()
    metrics = [metric for widget in widgets(tagalong) for metric in widget.get("metrics", [])]

    shown = {name for namespace, name, *_ in (it for it in metrics if len(it) > 1) if namespace == "tagalong"}
    assert {"Updated", "Skipped", "Failed", "Causes", "Jobs", "ServicesSeen"} <= shown
    assert shown <= set(re.findall(r'"([A-Z]\w+)"', code))


def test_the_dashboard_lists_the_decisions_of_both_functions(tagalong: Synthesized) -> None:
    query = log_query(tagalong, "Decisions in the last day")

    assert query.count("SOURCE") == 2
    assert "fields @timestamp, cluster, ecs_service, decision, reason, message" in query
    assert "filter ispresent(decision)" in query


def test_the_dashboard_finds_the_skips_of_every_reason(
    tagalong: Synthesized, of_a_skip: list[dict[str, Any]]
) -> None:
    metrics = [metric for widget in widgets(tagalong) for metric in widget.get("metrics", [])]
    (search,) = (it[0]["expression"] for it in metrics if len(it) == 1)

    (written,) = (it["_aws"]["CloudWatchMetrics"][0] for it in of_a_skip if "_aws" in it)
    (dimensions,) = written["Dimensions"]
    schema = ",".join([written["Namespace"], *dimensions])
    assert search == f"SEARCH('{{{schema}}} MetricName=\"{written['Metrics'][0]['Name']}\"', 'Sum')"


def test_the_dashboard_tells_in_words_why_a_service_did_not_move(
    tagalong: Synthesized, of_a_skip: list[dict[str, Any]]
) -> None:
    query = log_query(tagalong, "Why did my service not move? The last answer")

    (line,) = (it for it in of_a_skip if "_aws" not in it)
    assert query.count("SOURCE") == 2
    assert 'filter decision in ["skip", "fail"]' in query
    assert "latest(message) as why by cluster, ecs_service, reason" in query
    assert {"decision", "message", "cluster", "ecs_service", "reason"} <= set(line)
