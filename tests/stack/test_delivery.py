"""From EventBridge to the deployer and back from ECS, and the four ways to fail on the way."""

import json
from typing import Any

import pytest

from support.templates import ROOT, Synthesized, stack
from tagalong.model.rollouts import parse_deployment_event
from tagalong.model.triggers import Sweep, parse_event

REGISTRIES = ["111111111111", "222222222222"]
TAGGED_PUSHES = {
    "source": ["aws.ecr"],
    "detail-type": ["ECR Image Action", "ECR Replication Action"],
    "account": [{"Ref": "AWS::AccountId"}],
    "region": [{"Ref": "AWS::Region"}],
    "detail": {
        "action-type": ["PUSH", "REPLICATE"],
        "result": ["SUCCESS"],
        "image-tag": [{"anything-but": ""}],
    },
}


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def test_the_rule_matches_tagged_pushes_of_this_account_and_region_and_nothing_narrower(
    tagalong: Synthesized,
) -> None:
    rule = tagalong.rule("PushRule")

    assert rule["State"] == "ENABLED"
    assert rule["EventPattern"] == TAGGED_PUSHES


def test_named_registries_and_no_others_are_heard() -> None:
    pattern = stack(registries=REGISTRIES).rule("PushRule")["EventPattern"]

    assert pattern == TAGGED_PUSHES | {"account": REGISTRIES}


def test_a_sweep_is_due_every_hour(tagalong: Synthesized) -> None:
    rule = tagalong.rule("SweepRule")

    assert (rule["State"], rule["ScheduleExpression"]) == ("ENABLED", "rate(1 hour)")
    assert [json.loads(target["Input"]) for target in rule["Targets"]] == [{"sweep": {}}]


def test_the_configuration_says_how_often_a_sweep_is_due() -> None:
    assert stack(sweep="30 minutes").rule("SweepRule")["ScheduleExpression"] == "rate(30 minutes)"


def test_with_the_sweep_off_nothing_is_scheduled() -> None:
    rules = stack(sweep="off").resources("AWS::Events::Rule").values()

    assert not [rule for rule in rules if "ScheduleExpression" in rule]


def test_the_finder_understands_what_the_schedule_sends(tagalong: Synthesized) -> None:
    (target,) = tagalong.rule("SweepRule")["Targets"]

    assert parse_event(json.loads(target["Input"]), "request") == Sweep("request")


@pytest.mark.parametrize("rule", ["PushRule", "SweepRule"])
def test_what_eventbridge_cannot_deliver_becomes_a_dead_letter(tagalong: Synthesized, rule: str) -> None:
    (target,) = tagalong.rule(rule)["Targets"]

    assert "FinderFunction" in target["Arn"]["Fn::GetAtt"][0]
    assert "UndeliveredPushes" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert "RetryPolicy" not in target  # EventBridge's own: 24 hours, 185 times


def test_eventbridge_may_write_to_its_dead_letter_queue(tagalong: Synthesized) -> None:
    policies = tagalong.resources("AWS::SQS::QueuePolicy").items()
    (policy,) = (it for id_, it in policies if "UndeliveredPushes" in id_)

    allowed = [it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow"]
    rules = {it["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] for it in allowed}
    assert rules == {id_ for id_ in tagalong.resources("AWS::Events::Rule") if "Finder" in id_}
    assert all(it["Principal"] == {"Service": "events.amazonaws.com"} for it in allowed)


@pytest.mark.parametrize(("function", "queue"), [("Finder", "FailedPushes"), ("Watcher", "LostOutcomes")])
def test_an_event_that_a_function_cannot_handle_is_tried_three_times_then_becomes_a_dead_letter(
    tagalong: Synthesized, function: str, queue: str
) -> None:
    invokes = tagalong.resources("AWS::Lambda::EventInvokeConfig").items()
    (invoke,) = (it for id_, it in invokes if f"Tagalong{function}" in id_)

    assert f"{function}Function" in invoke["FunctionName"]["Ref"]
    assert invoke["MaximumRetryAttempts"] == 2
    assert queue in invoke["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]


def matches(pattern: Any, event: Any) -> bool:
    """As EventBridge does it, for patterns of plain values."""
    if isinstance(pattern, dict):
        return all(matches(it, event.get(key)) for key, it in pattern.items())
    return event in pattern


RECORDED = [
    json.loads(path.read_text()) for path in sorted((ROOT / "tests/support/events").glob("deployment-*.json"))
]


@pytest.mark.parametrize("event", RECORDED, ids=lambda event: event["detail"]["reason"])
def test_the_watcher_hears_what_ecs_tells_of_deployments_and_understands_it(
    tagalong: Synthesized, event: dict[str, Any]
) -> None:
    rule = tagalong.rule("DeploymentRule")

    assert (rule["State"], matches(rule["EventPattern"], event)) == ("ENABLED", True)
    assert parse_deployment_event(event).name == event["detail"]["eventName"]


@pytest.mark.parametrize("event", ["service-action", "push"])
def test_the_watcher_hears_nothing_else(tagalong: Synthesized, event: str) -> None:
    recorded = json.loads((ROOT / f"tests/support/events/{event}.json").read_text())

    assert not matches(tagalong.rule("DeploymentRule")["EventPattern"], recorded)


def test_what_the_watcher_is_not_told_becomes_a_dead_letter(tagalong: Synthesized) -> None:
    (target,) = tagalong.rule("DeploymentRule")["Targets"]
    policies = tagalong.resources("AWS::SQS::QueuePolicy").items()
    (policy,) = (it for id_, it in policies if "LostOutcomes" in id_)

    (allowed,) = (it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow")
    assert "WatcherFunction" in target["Arn"]["Fn::GetAtt"][0]
    assert "LostOutcomes" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert "DeploymentRule" in allowed["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0]


def test_jobs_are_queued_in_order_within_a_family_and_become_dead_letters(tagalong: Synthesized) -> None:
    (jobs,) = (it for it in tagalong.resources("AWS::SQS::Queue").values() if "RedrivePolicy" in it)

    assert jobs["FifoQueue"] is True
    assert jobs["ContentBasedDeduplication"] is False
    assert (jobs["DeduplicationScope"], jobs["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")
    assert jobs["RedrivePolicy"]["maxReceiveCount"] == 20
    assert "FailedJobs" in jobs["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]


def test_a_job_is_not_handed_out_again_while_the_deployer_works(tagalong: Synthesized) -> None:
    (jobs,) = (it for it in tagalong.resources("AWS::SQS::Queue").values() if "RedrivePolicy" in it)

    assert jobs["VisibilityTimeout"] == 6 * tagalong.function("deployer")["Timeout"]


def test_the_deployer_takes_batches_and_gives_back_single_messages(tagalong: Synthesized) -> None:
    source = tagalong.only("AWS::Lambda::EventSourceMapping")

    assert source["BatchSize"] == 10
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_a_dead_letter_outlives_the_message_it_was(tagalong: Synthesized) -> None:
    queues = tagalong.resources("AWS::SQS::Queue").values()

    days = {"RedrivePolicy" in queue: queue["MessageRetentionPeriod"] / 86_400 for queue in queues}
    assert days == {True: 4, False: 14}


def test_every_queue_is_encrypted_and_refuses_plain_http(tagalong: Synthesized) -> None:
    queues, policies = tagalong.resources("AWS::SQS::Queue"), tagalong.resources("AWS::SQS::QueuePolicy")

    assert all(queue["SqsManagedSseEnabled"] for queue in queues.values())
    refusing = {
        queue["Ref"]
        for policy in policies.values()
        for queue in policy["Queues"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Deny"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert refusing == set(queues)


@pytest.mark.parametrize("service", ["finder", "deployer", "watcher"])
def test_the_functions_run_on_arm_with_the_newest_python(tagalong: Synthesized, service: str) -> None:
    function = tagalong.function(service)

    assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])


@pytest.mark.parametrize("module", ["known", "records"])
def test_the_table_has_the_keys_that_the_lambda_code_writes(tagalong: Synthesized, module: str) -> None:
    code = (ROOT / f"lambda/tagalong/aws/{module}.py").read_text()
    table = tagalong.only("AWS::DynamoDB::Table")

    assert [(it["AttributeName"], it["KeyType"]) for it in table["KeySchema"]] == [
        ("subject", "HASH"),
        ("item", "RANGE"),
    ]
    assert {it["AttributeType"] for it in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert '"subject": {' in code
    assert '"item": ' in code
    assert "expires" in code
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_records_can_be_had_back_and_go_with_the_stack(tagalong: Synthesized) -> None:
    (table,) = (it for it in tagalong.template["Resources"].values() if it["Type"] == "AWS::DynamoDB::Table")

    assert table["DeletionPolicy"] == "Delete"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
