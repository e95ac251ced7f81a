"""Alarms, notifications and logs."""

import json
import re
from typing import Any

import pytest

from support.templates import Synthesized, stack

SERVICES = ("finder", "deployer", "page")


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def dead_letter_queues(tagalong: Synthesized) -> set[str]:
    queues = tagalong.resources("AWS::SQS::Queue").items()
    return {id_ for id_, queue in queues if "RedrivePolicy" not in queue}


def alarm(tagalong: Synthesized, id_: str) -> dict[str, Any]:
    alarms = tagalong.resources("AWS::CloudWatch::Alarm").items()
    (found,) = (it for name, it in alarms if f"Alarms{id_}" in name)
    return dict(found)


def test_each_of_the_four_dead_letter_queues_has_an_alarm_on_its_first_message(
    tagalong: Synthesized,
) -> None:
    alarms = tagalong.resources("AWS::CloudWatch::Alarm").values()
    on_dead_letters = [it for it in alarms if it.get("MetricName") == "ApproximateNumberOfMessagesVisible"]

    watched = {it["Dimensions"][0]["Value"]["Fn::GetAtt"][0] for it in on_dead_letters}
    assert len(watched) == 4
    assert watched == dead_letter_queues(tagalong)
    assert {(it["Threshold"], it["ComparisonOperator"]) for it in on_dead_letters} == {
        (0, "GreaterThanThreshold")
    }


@pytest.mark.parametrize(
    ("id_", "queue"),
    [
        ("PushNotDelivered", "FinderPushRuleDlq"),
        ("FinderFailed", "FinderDlq"),
        ("JobFailed", "DeployerJobDlq"),
        ("RecheckFailed", "RechecksDlq"),
        ("JobQueueStalled", "DeployerJobs"),
        ("RecheckQueueStalled", "RechecksQueue"),
    ],
)
def test_each_alarm_watches_the_queue_that_its_name_says(tagalong: Synthesized, id_: str, queue: str) -> None:
    assert queue in alarm(tagalong, id_)["Dimensions"][0]["Value"]["Fn::GetAtt"][0]


@pytest.mark.parametrize(("id_", "hours"), [("JobQueueStalled", 1), ("RecheckQueueStalled", 3)])
def test_an_alarm_warns_of_a_stalled_queue_long_before_sqs_drops_its_messages(
    tagalong: Synthesized, id_: str, hours: int
) -> None:
    stalled = alarm(tagalong, id_)

    assert (stalled["MetricName"], stalled["Threshold"]) == ("ApproximateAgeOfOldestMessage", hours * 3600)


def test_a_recheck_that_fails_is_a_dead_letter_before_its_queue_counts_as_stalled(
    tagalong: Synthesized,
) -> None:
    queues = tagalong.resources("AWS::SQS::Queue").items()
    (queue,) = (it for id_, it in queues if "RechecksQueue" in id_)

    tried = queue["VisibilityTimeout"] * queue["RedrivePolicy"]["maxReceiveCount"]
    assert tried < alarm(tagalong, "RecheckQueueStalled")["Threshold"]


@pytest.mark.parametrize(
    ("id_", "service", "metric"),
    [
        ("RolloutFailed", "deployer", "RolloutsFailed"),
        ("RolloutRolledBack", "deployer", "RolloutsRolledBack"),
        ("DeploymentStuck", "deployer", "DeploymentsStuck"),
        ("ScanIncomplete", "finder", "ScanErrors"),
    ],
)
def test_an_alarm_goes_off_at_the_first_count_of_its_metric(
    tagalong: Synthesized, id_: str, service: str, metric: str
) -> None:
    found = alarm(tagalong, id_)

    assert (found["Namespace"], found["MetricName"], found["Statistic"]) == ("tagalong", metric, "Sum")
    assert found["Dimensions"] == [{"Name": "service", "Value": service}]
    assert (found["Threshold"], found["ComparisonOperator"]) == (0, "GreaterThanThreshold")
    assert found["TreatMissingData"] == "notBreaching"


def test_every_alarm_says_what_happened_and_where_to_look(tagalong: Synthesized) -> None:
    for id_, alarm in tagalong.resources("AWS::CloudWatch::Alarm").items():
        *_, last = alarm["AlarmDescription"]["Fn::Join"][1]
        heading = last.removeprefix(" What to do: docs/operations.md#")
        assert heading in id_.lower(), last


def test_every_alarm_links_to_the_dashboard_in_the_console_of_its_partition(tagalong: Synthesized) -> None:
    [name] = [it["DashboardName"] for it in tagalong.resources("AWS::CloudWatch::Dashboard").values()]
    for alarm in tagalong.resources("AWS::CloudWatch::Alarm").values():
        said = json.dumps(alarm["AlarmDescription"])
        assert "Which and why: https://" in said
        assert {"console.amazonaws.cn", "console.aws.amazon.com"} <= set(re.findall(r"console[\w.-]+", said))
        assert json.dumps(name["Fn::Join"][1])[1:-1] in said


def alarm_topics(tagalong: Synthesized) -> list[str]:
    return [id_ for id_ in tagalong.resources("AWS::SNS::Topic") if "Notices" not in id_]


def test_alarms_are_mailed_to_the_configured_address() -> None:
    tagalong = stack(alarmEmail="ops@example.com")

    (topic,) = alarm_topics(tagalong)
    (subscription,) = tagalong.resources("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    assert subscription["TopicArn"] == {"Ref": topic}
    alarms = tagalong.resources("AWS::CloudWatch::Alarm").values()
    assert [alarm["AlarmActions"] for alarm in alarms] == [[{"Ref": topic}]] * 10


def test_the_alarms_of_this_account_may_publish_to_their_topic() -> None:
    policies = stack(alarmEmail="ops@example.com").resources("AWS::SNS::TopicPolicy").items()
    (policy,) = (it for id_, it in policies if "Notices" not in id_)

    (allowed,) = (it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow")
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_without_an_address_there_is_no_topic_for_alarms(tagalong: Synthesized) -> None:
    assert not alarm_topics(tagalong)


def test_the_topic_for_notifications_exists_without_subscriptions(tagalong: Synthesized) -> None:
    (topic,) = tagalong.resources("AWS::SNS::Topic")

    assert tagalong.template["Outputs"]["NotificationTopicArn"]["Value"] == {"Ref": topic}
    assert not tagalong.resources("AWS::SNS::Subscription")


def test_the_topic_for_notifications_refuses_plain_http(tagalong: Synthesized) -> None:
    (statement,) = tagalong.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]

    assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_each_function_logs_to_a_group_of_its_own_that_forgets_and_goes_with_the_stack() -> None:
    tagalong = stack(logRetentionDays=90)

    groups = tagalong.resources("AWS::Logs::LogGroup")
    used = {tagalong.function(it)["LoggingConfig"]["LogGroup"]["Ref"] for it in SERVICES}
    assert used == set(groups)
    assert [group["RetentionInDays"] for group in groups.values()] == [90, 90, 90]
    assert {tagalong.template["Resources"][id_]["DeletionPolicy"] for id_ in groups} == {"Delete"}


def test_the_functions_do_not_share_a_role(tagalong: Synthesized) -> None:
    roles = [str(tagalong.function(it)["Role"]) for it in SERVICES]

    assert len(set(roles)) == len(SERVICES)
