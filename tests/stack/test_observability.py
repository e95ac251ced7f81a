"""Who hears of what: alarms, notices, logs."""

from typing import Any

import pytest

from support.day import written
from support.fake_aws import Json
from support.templates import Synthesized, stack


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


def test_each_of_the_four_dead_letter_queues_has_an_alarm_on_its_first_message(tagalong: Synthesized) -> None:
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
        ("PushNotDelivered", "UndeliveredPushes"),
        ("FinderFailed", "FailedPushes"),
        ("JobFailed", "FailedJobs"),
        ("OutcomeLost", "LostOutcomes"),
    ],
)
def test_each_alarm_watches_the_queue_that_it_speaks_of(tagalong: Synthesized, id_: str, queue: str) -> None:
    assert queue in alarm(tagalong, id_)["Dimensions"][0]["Value"]["Fn::GetAtt"][0]


def test_an_alarm_tells_of_jobs_that_wait_long_before_sqs_drops_them(tagalong: Synthesized) -> None:
    waiting = alarm(tagalong, "JobsWaiting")

    assert (waiting["MetricName"], waiting["Threshold"]) == ("ApproximateAgeOfOldestMessage", 3600)


def test_an_alarm_tells_of_the_first_rollout_that_failed_whoever_saw_it(
    tagalong: Synthesized, day: list[Json]
) -> None:
    failed = alarm(tagalong, "RolloutFailed")

    [dimension] = failed["Dimensions"]
    read = (failed["Namespace"], failed["MetricName"], (dimension["Name"],), dimension["Value"])
    assert read == ("tagalong", "RolloutsFailed", ("service",), "rollouts")
    assert read in written(day)
    assert (failed["Statistic"], failed["Threshold"], failed["ComparisonOperator"]) == (
        "Sum",
        0,
        "GreaterThanThreshold",
    )
    assert failed["TreatMissingData"] == "notBreaching"


def test_every_alarm_says_what_happened_and_where_to_look(tagalong: Synthesized) -> None:
    for alarm in tagalong.resources("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmDescription"].endswith(" What to do: docs/operations.md")


def alarm_topics(tagalong: Synthesized) -> list[str]:
    return [id_ for id_ in tagalong.resources("AWS::SNS::Topic") if "Notices" not in id_]


def test_alarms_are_mailed_to_the_configured_address() -> None:
    tagalong = stack(alarmEmail="ops@example.com")

    (topic,) = alarm_topics(tagalong)
    (subscription,) = tagalong.resources("AWS::SNS::Subscription").values()
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    assert subscription["TopicArn"] == {"Ref": topic}
    alarms = tagalong.resources("AWS::CloudWatch::Alarm").values()
    assert [alarm["AlarmActions"] for alarm in alarms] == [[{"Ref": topic}]] * 6


def test_the_alarms_of_this_account_may_publish_to_their_topic() -> None:
    policies = stack(alarmEmail="ops@example.com").resources("AWS::SNS::TopicPolicy").items()
    (policy,) = (it for id_, it in policies if "Notices" not in id_)

    (allowed,) = (it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow")
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_without_an_address_there_is_no_topic_for_alarms(tagalong: Synthesized) -> None:
    assert not alarm_topics(tagalong)


def test_there_is_always_a_topic_for_notices_and_nobody_on_it_unasked(tagalong: Synthesized) -> None:
    (topic,) = tagalong.resources("AWS::SNS::Topic")

    assert tagalong.template["Outputs"]["Topic"]["Value"] == {"Ref": topic}
    assert not tagalong.resources("AWS::SNS::Subscription")


def test_the_topic_for_notices_refuses_plain_http(tagalong: Synthesized) -> None:
    (statement,) = tagalong.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]

    assert (statement["Effect"], statement["Action"]) == ("Deny", "sns:Publish")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_each_function_logs_to_a_group_of_its_own_that_forgets_and_goes_with_the_stack() -> None:
    tagalong = stack(logRetentionDays=90)

    groups = tagalong.resources("AWS::Logs::LogGroup")
    services = ("finder", "deployer", "watcher")
    used = {tagalong.function(it)["LoggingConfig"]["LogGroup"]["Ref"] for it in services}
    assert used == set(groups)
    assert [group["RetentionInDays"] for group in groups.values()] == [90, 90, 90]
    assert {tagalong.template["Resources"][id_]["DeletionPolicy"] for id_ in groups} == {"Delete"}


@pytest.mark.parametrize("service", ["finder", "deployer", "watcher"])
def test_no_two_functions_share_a_role(tagalong: Synthesized, service: str) -> None:
    functions = [tagalong.function(it) for it in ("finder", "deployer", "watcher") if it != service]

    assert tagalong.function(service)["Role"] not in [it["Role"] for it in functions]
