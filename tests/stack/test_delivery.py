"""From EventBridge to the finder and the deployer, and the four ways to fail on the way."""

import json
import re
from typing import Any

import pytest

from support.templates import ROOT, Synthesized, stack, variables
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


def test_the_rule_matches_pushes_to_the_named_registries_only() -> None:
    pattern = stack(registryAccounts=REGISTRIES).rule("PushRule")["EventPattern"]

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
    assert "PushRuleDlq" in target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert "RetryPolicy" not in target  # EventBridge's own: 24 hours, 185 times


def test_eventbridge_may_write_to_its_dead_letter_queue(tagalong: Synthesized) -> None:
    policies = tagalong.resources("AWS::SQS::QueuePolicy").items()
    (policy,) = (it for id_, it in policies if "PushRuleDlq" in id_)

    allowed = [it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow"]
    rules = {it["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] for it in allowed}
    assert rules == {id_ for id_ in tagalong.resources("AWS::Events::Rule") if "Finder" in id_}
    assert all(it["Principal"] == {"Service": "events.amazonaws.com"} for it in allowed)


def test_an_event_that_the_finder_cannot_handle_is_tried_three_times_then_becomes_a_dead_letter(
    tagalong: Synthesized,
) -> None:
    invoke = tagalong.only("AWS::Lambda::EventInvokeConfig")

    assert "FinderFunction" in invoke["FunctionName"]["Ref"]
    assert invoke["MaximumRetryAttempts"] == 2
    assert "FinderDlq" in invoke["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]


def matches(pattern: Any, event: Any) -> bool:
    """As EventBridge does it, for patterns of plain values, in the account and Region of the event."""
    if isinstance(pattern, dict):
        return all(matches(it, event.get(key)) for key, it in pattern.items())
    here = [{"Ref": "AWS::AccountId"}, {"Ref": "AWS::Region"}]
    return event in pattern or pattern[0] in here


DEPLOYMENT_EVENTS = [
    json.loads(path.read_text()) for path in sorted((ROOT / "tests/support/events").glob("deployment-*.json"))
]


@pytest.mark.parametrize("event", DEPLOYMENT_EVENTS, ids=lambda event: event["detail"]["reason"])
def test_deployment_events_match_the_rule_whether_or_not_they_name_their_cluster(
    tagalong: Synthesized, event: dict[str, Any]
) -> None:
    rule = tagalong.rule("DeploymentRule")
    named = event["detail"] | {"clusterArn": "arn:aws:ecs:us-west-2:111122223333:cluster/default"}

    assert rule["State"] == "ENABLED"
    assert matches(rule["EventPattern"], event)
    assert matches(rule["EventPattern"], event | {"detail": named})


@pytest.mark.parametrize("event", ["service-action", "push"])
def test_other_events_do_not_match_the_deployment_rule(tagalong: Synthesized, event: str) -> None:
    recorded = json.loads((ROOT / f"tests/support/events/{event}.json").read_text())

    assert not matches(tagalong.rule("DeploymentRule")["EventPattern"], recorded)


def test_deployment_events_of_other_accounts_and_regions_do_not_match_the_rule(tagalong: Synthesized) -> None:
    pattern = tagalong.rule("DeploymentRule")["EventPattern"]

    assert pattern["account"] == [{"Ref": "AWS::AccountId"}]
    assert pattern["region"] == [{"Ref": "AWS::Region"}]


def test_deployment_events_go_to_the_recheck_queue_or_to_its_dead_letter_queue(tagalong: Synthesized) -> None:
    (target,) = tagalong.rule("DeploymentRule")["Targets"]

    assert target["Arn"]["Fn::GetAtt"][0] == queue_id(tagalong, "RechecksQueue")
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] == queue_id(tagalong, "RechecksDlq")


@pytest.mark.parametrize("id_", ["RechecksQueue", "RechecksDlq"])
def test_the_deployment_rule_and_no_other_may_write_to_both(tagalong: Synthesized, id_: str) -> None:
    policies = tagalong.resources("AWS::SQS::QueuePolicy").items()
    (policy,) = (it for name, it in policies if id_ in name)

    (allowed,) = (it for it in policy["PolicyDocument"]["Statement"] if it["Effect"] == "Allow")
    (rule,) = (id_ for id_ in tagalong.resources("AWS::Events::Rule") if "DeploymentRule" in id_)
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert "sqs:SendMessage" in allowed["Action"]
    assert allowed["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] == rule


def queue_id(tagalong: Synthesized, id_: str) -> str:
    (found,) = (name for name in tagalong.resources("AWS::SQS::Queue") if id_ in name)
    return found


def queue(tagalong: Synthesized, id_: str) -> dict[str, Any]:
    return dict(tagalong.resources("AWS::SQS::Queue")[queue_id(tagalong, id_)])


def mapping(tagalong: Synthesized, service: str) -> dict[str, Any]:
    """What invokes this function for the messages of a queue."""
    (function,) = (
        id_
        for id_, it in tagalong.resources("AWS::Lambda::Function").items()
        if variables(it)["POWERTOOLS_SERVICE_NAME"] == service
    )
    mappings = tagalong.resources("AWS::Lambda::EventSourceMapping").values()
    (found,) = (it for it in mappings if it["FunctionName"] == {"Ref": function})
    return dict(found)


def test_jobs_are_queued_in_order_within_a_family(tagalong: Synthesized) -> None:
    jobs = queue(tagalong, "DeployerJobs")

    assert jobs["FifoQueue"] is True
    assert jobs["ContentBasedDeduplication"] is False
    assert (jobs["DeduplicationScope"], jobs["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")


def test_rechecks_can_be_delayed_one_by_one(tagalong: Synthesized) -> None:
    """SQS takes a delay for a single message on a standard queue only."""
    assert "FifoQueue" not in queue(tagalong, "RechecksQueue")


@pytest.mark.parametrize(
    ("id_", "dlq", "receives"), [("DeployerJobs", "JobDlq", 100), ("RechecksQueue", "RechecksDlq", 5)]
)
def test_a_message_that_is_received_too_often_becomes_a_dead_letter(
    tagalong: Synthesized, id_: str, dlq: str, receives: int
) -> None:
    policy = queue(tagalong, id_)["RedrivePolicy"]

    assert policy["maxReceiveCount"] == receives
    assert policy["deadLetterTargetArn"]["Fn::GetAtt"][0] == queue_id(tagalong, dlq)


def test_the_deployer_gives_a_job_up_long_before_sqs_does(tagalong: Synthesized) -> None:
    attempts = int(variables(tagalong.function("deployer"))["TAGALONG_MAX_ATTEMPTS"])

    assert attempts == 10
    assert attempts < queue(tagalong, "DeployerJobs")["RedrivePolicy"]["maxReceiveCount"]


@pytest.mark.parametrize(("id_", "service"), [("DeployerJobs", "deployer"), ("RechecksQueue", "finder")])
def test_a_message_is_not_handed_out_again_while_the_function_works(
    tagalong: Synthesized, id_: str, service: str
) -> None:
    assert queue(tagalong, id_)["VisibilityTimeout"] == 6 * tagalong.function(service)["Timeout"]


@pytest.mark.parametrize(
    ("service", "id_", "batch", "window"),
    [("deployer", "DeployerJobs", 10, None), ("finder", "RechecksQueue", 50, 5)],
)
def test_both_functions_take_batches_and_give_back_single_messages(
    tagalong: Synthesized, service: str, id_: str, batch: int, window: int | None
) -> None:
    source = mapping(tagalong, service)

    assert source["EventSourceArn"]["Fn::GetAtt"][0] == queue_id(tagalong, id_)
    assert (source["BatchSize"], source.get("MaximumBatchingWindowInSeconds")) == (batch, window)
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_a_dead_letter_outlives_the_message_it_was(tagalong: Synthesized) -> None:
    queues = tagalong.resources("AWS::SQS::Queue").values()

    days = {("RedrivePolicy" in it, it["MessageRetentionPeriod"] / 86_400) for it in queues}
    assert days == {(True, 4), (False, 14)}


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


@pytest.mark.parametrize("service", ["finder", "deployer"])
def test_the_functions_run_on_arm_with_the_newest_python(tagalong: Synthesized, service: str) -> None:
    function = tagalong.function(service)

    assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])


def test_the_table_has_the_keys_that_the_lambda_code_writes(tagalong: Synthesized) -> None:
    code = "".join(path.read_text() for path in (ROOT / "lambda/tagalong/aws").glob("*.py"))
    table = tagalong.only("AWS::DynamoDB::Table")

    assert [(it["AttributeName"], it["KeyType"]) for it in table["KeySchema"]] == [
        ("subject", "HASH"),
        ("item", "RANGE"),
    ]
    assert {it["AttributeType"] for it in table["AttributeDefinitions"]} == {"S"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert {'"subject"', '"item"', '"expires"'} <= set(re.findall(r'"\w+"', code))
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_the_table_can_be_restored_and_is_deleted_with_the_stack(tagalong: Synthesized) -> None:
    (table,) = (it for it in tagalong.template["Resources"].values() if it["Type"] == "AWS::DynamoDB::Table")

    assert table["DeletionPolicy"] == "Delete"
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("AWS::DynamoDB::Table", "TagalongRecordsBBEA7A52"),
        ("AWS::SNS::Topic", "TagalongNoticesTopic78BFD10C"),
        ("AWS::SQS::Queue", "TagalongDeployerJobsAE9F5FD3"),
    ],
)
def test_an_upgrade_from_version_0_1_keeps_records_subscriptions_and_jobs(
    tagalong: Synthesized, kind: str, id_: str
) -> None:
    """Under another logical id CloudFormation would make a new one and delete the old one."""
    assert id_ in tagalong.resources(kind)
