"""Pushes from one account to another: who may send, who may receive, and what happens on the way."""

import re
from typing import Any

import pytest

from support.templates import Synthesized, arn, registry_stack, stack

WORKLOADS = ("333333333333", "444444444444")


@pytest.fixture(scope="module")
def registry() -> Synthesized:
    return registry_stack(*WORKLOADS)


def bus(account: str) -> dict[str, str]:
    return arn("events", "event-bus/default", account)


def targets(registry: Synthesized) -> list[dict[str, Any]]:
    return [it for rule in registry.resources("AWS::Events::Rule").values() for it in rule["Targets"]]


def test_the_named_registries_and_no_others_may_forward_events_of_ecr_to_the_default_bus() -> None:
    policy = stack(registryAccounts=["111111111111", "222222222222"]).only("AWS::Events::EventBusPolicy")

    statement = policy["Statement"]
    assert policy["EventBusName"] == "default"
    assert policy["StatementId"] == statement["Sid"]
    assert re.findall(r"\d{12}", str(statement["Principal"])) == ["111111111111", "222222222222"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Resource"] == arn("events", "event-bus/default")
    assert statement["Condition"] == {
        "ForAllValues:StringEquals": {"events:source": "aws.ecr"},
        "Null": {"events:source": "false"},  # or an event without a source would pass
        "BoolIfExists": {"events:eventBusInvocation": "true"},  # by a rule, not by a call of PutEvents
    }


def test_with_no_registry_named_nobody_else_may_write_to_the_bus() -> None:
    assert not stack().resources("AWS::Events::EventBusPolicy")


def test_every_workload_account_gets_the_pushes_that_its_own_push_rule_matches(
    registry: Synthesized,
) -> None:
    rules = registry.resources("AWS::Events::Rule").values()

    assert [target["Arn"] for target in targets(registry)] == [bus(account) for account in WORKLOADS]
    assert all(rule["EventPattern"] == stack().rule("PushRule")["EventPattern"] for rule in rules)


def test_no_rule_has_more_targets_than_eventbridge_takes() -> None:
    many = registry_stack(*(f"{number:012}" for number in range(20)))

    rules = many.resources("AWS::Events::Rule").values()
    assert len(rules) == 20
    assert all(len(rule["Targets"]) <= 5 for rule in rules)


def test_another_account_changes_nothing_for_the_others(registry: Synthesized) -> None:
    more = registry_stack("222222222222", *WORKLOADS).resources("AWS::Events::Rule")

    assert registry.resources("AWS::Events::Rule").items() <= more.items()


def test_the_role_may_put_events_on_those_buses_and_nothing_else(registry: Synthesized) -> None:
    (role,) = registry.resources("AWS::IAM::Role")
    policy = registry.only("AWS::IAM::Policy")

    (statement,) = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Resource"] == [bus(account) for account in WORKLOADS]
    assert {target["RoleArn"]["Fn::GetAtt"][0] for target in targets(registry)} == {role}
    assert policy["Roles"] == [{"Ref": role}]


def test_only_eventbridge_takes_the_role(registry: Synthesized) -> None:
    (statement,) = registry.only("AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Principal"] == {"Service": "events.amazonaws.com"}


def test_a_push_that_cannot_be_forwarded_becomes_a_dead_letter_with_an_alarm(
    registry: Synthesized,
) -> None:
    (queue,) = registry.resources("AWS::SQS::Queue")
    alarm = registry.only("AWS::CloudWatch::Alarm")

    assert {it["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0] for it in targets(registry)} == {queue}
    assert alarm["Dimensions"][0]["Value"]["Fn::GetAtt"] == [queue, "QueueName"]
    assert (alarm["MetricName"], alarm["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert alarm["AlarmDescription"].endswith(" What to do: docs/operations.md#forwardingfailed")


def test_each_rule_may_write_to_the_dead_letter_queue(registry: Synthesized) -> None:
    statements = registry.only("AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]

    allowed = [it for it in statements if it["Effect"] == "Allow"]
    rules = {it["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0] for it in allowed}
    assert rules == set(registry.resources("AWS::Events::Rule"))


def test_the_alarm_is_mailed_to_the_configured_address() -> None:
    registry = registry_stack(*WORKLOADS, email="ops@example.com")

    assert registry.only("AWS::SNS::Subscription")["Endpoint"] == "ops@example.com"
    assert len(registry.only("AWS::CloudWatch::Alarm")["AlarmActions"]) == 1


def test_the_stack_says_what_it_is_and_where_its_dead_letters_are(registry: Synthesized) -> None:
    assert "Forwards" in registry.template["Description"]
    assert set(registry.template["Outputs"]) == {"ForwardingDlqUrl"}
