"""Least privilege: what each role may do, and what it may not."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore import xform_name
from botocore.session import Session

from support.templates import ROOT, Synthesized, arn, listed, stack
from tagalong.decide import eligibility as consent
from tagalong.model.services import Service

WRITES = {"ecs:RegisterTaskDefinition", "ecs:TagResource", "ecs:UpdateService", "iam:PassRole"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READS = {
    *("ecs:DescribeServices", "ecs:DescribeTaskDefinition", "ecs:DescribeServiceRevisions"),
    *("ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments"),
    *("ecr:DescribeImages", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    *("dynamodb:BatchGetItem", "dynamodb:Query"),
}
REMEMBERS_AND_NOTIFIES = {"dynamodb:PutItem", "sns:Publish", "events:PutEvents"}
PUBLISHES = {"ssm:PutParameter", "ssm:GetParameters"}
OF_QUEUES = {
    *("sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"),
    *("sqs:GetQueueAttributes", "sqs:GetQueueUrl"),
}
SERVICES = ["finder", "deployer", "page"]
ONLY_TAGALONG = {
    "ForAllValues:StringEquals": {"events:source": "tagalong"},
    "Null": {"events:source": "false"},
}


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def test_the_finder_reads_ecs_and_its_queue_and_cannot_write_to_ecs(tagalong: Synthesized) -> None:
    assert tagalong.actions("finder") == LOGS | OF_QUEUES | {
        "ecr:DescribeImages",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeServiceRevisions",
        *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
        *("dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"),
    }


def test_the_page_only_reads_what_is_remembered(tagalong: Synthesized) -> None:
    reads = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}

    assert tagalong.actions("page") == LOGS | reads


def test_the_deployer_does_no_more_than_its_job(tagalong: Synthesized) -> None:
    assert tagalong.actions("deployer") == LOGS | OF_QUEUES | READS | WRITES | REMEMBERS_AND_NOTIFIES


def test_a_dry_run_reads_as_always_and_has_no_permission_to_write_but_to_its_own_queues_and_log() -> None:
    dry = stack(dryRun=True, publishParameters=True)

    assert dry.actions("deployer") == (LOGS | OF_QUEUES | READS) - {"ecr:GetDownloadUrlForLayer"}


def test_a_dry_run_has_no_permission_on_the_notification_topic() -> None:
    assert "Notices" not in str(stack(dryRun=True).statements("deployer"))


def test_notifications_go_to_one_topic_and_carry_no_source_but_tagalong(tagalong: Synthesized) -> None:
    (topic,) = tagalong.resources("AWS::SNS::Topic")
    put_events = tagalong.permission("deployer", "events:PutEvents")

    assert tagalong.permission("deployer", "sns:Publish")["Resource"] == {"Ref": topic}
    assert put_events["Resource"] == arn("events", "event-bus/default")
    assert put_events["Condition"] == ONLY_TAGALONG


def test_images_are_published_only_if_configured_and_only_as_parameters_of_tagalong(
    tagalong: Synthesized,
) -> None:
    publishing = stack(publishParameters=True)

    for action in PUBLISHES:
        assert publishing.permission("deployer", action)["Resource"] == arn("ssm", "parameter/tagalong/*")
    assert publishing.actions("deployer") - tagalong.actions("deployer") == PUBLISHES


@pytest.mark.parametrize("service", SERVICES)
def test_each_function_has_access_to_one_table(tagalong: Synthesized, service: str) -> None:
    (table,) = tagalong.resources("AWS::DynamoDB::Table")
    on_tables = [it["Resource"] for it in tagalong.statements(service) if "dynamodb:" in str(it["Action"])]

    assert on_tables
    assert all(it == {"Fn::GetAtt": [table, "Arn"]} for it in on_tables)


def test_deployments_are_read_only_in_the_named_clusters() -> None:
    tagalong = stack(clusters=["prod"])

    for action in ("ecs:ListServiceDeployments", "ecs:DescribeServiceDeployments"):
        assert tagalong.permission("deployer", action)["Resource"] == arn("ecs", "service*/prod/*")


def test_only_the_deployer_passes_roles_and_only_to_ecs_tasks(tagalong: Synthesized) -> None:
    permission = tagalong.permission("deployer", "iam:PassRole")

    assert "iam:PassRole" not in tagalong.actions("finder")
    assert permission["Condition"] == {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}


def test_the_configuration_says_which_roles_may_be_passed() -> None:
    permission = stack(taskRolePaths=["/ecs/", "/team/a/"]).permission("deployer", "iam:PassRole")

    paths = ("ecs/*", "team/a/*")
    assert permission["Resource"] == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{path}"} for path in paths
    ]


@pytest.mark.parametrize(
    ("keys", "roles"),
    [
        ({"taskRoles": ["web-*"]}, ["web-*"]),
        ({"taskRoles": ["web", "team/api-?"], "taskRolePaths": ["/"]}, ["team/api-?", "web"]),
        ({"taskRoles": "web", "taskRolePaths": ["/", "/ecs/"]}, ["ecs/*", "web"]),
        ({"taskRoles": []}, ["*"]),
    ],
)
def test_roles_that_are_named_narrow_what_a_path_could_not(keys: dict[str, Any], roles: list[str]) -> None:
    permission = stack(**keys).permission("deployer", "iam:PassRole")

    assert sorted(listed(permission["Resource"]), key=str) == [
        {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"} for name in roles
    ]


def test_a_role_may_be_named_by_its_arn() -> None:
    role = "arn:aws-cn:iam::111122223333:role/team/web-*"

    assert stack(taskRoles=[role]).permission("deployer", "iam:PassRole")["Resource"] == {"Fn::Sub": role}


@pytest.mark.parametrize("keys", [{}, {"mode": "force"}, {"selection": "opt-in"}])
def test_infrastructure_roles_are_passed_to_ecs_only_where_they_are_named(keys: dict[str, Any]) -> None:
    named = stack(**keys, infrastructureRoles=["ecsInfrastructureRole"])

    assert "ecs.amazonaws.com" not in str(stack(**keys).statements("deployer"))
    to_ecs = {"StringEquals": {"iam:PassedToService": "ecs.amazonaws.com"}}
    (passed,) = (it for it in named.statements("deployer") if it.get("Condition") == to_ecs)
    assert passed["Action"] == "iam:PassRole"
    assert "role/ecsInfrastructureRole" in str(passed["Resource"])


def test_a_dry_run_passes_no_infrastructure_role() -> None:
    assert "iam:PassRole" not in stack(dryRun=True, infrastructureRoles=["a"]).actions("deployer")


def test_tags_are_written_only_on_a_revision_that_is_being_registered(tagalong: Synthesized) -> None:
    permission = tagalong.permission("deployer", "ecs:TagResource")

    assert permission["Condition"] == {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}
    assert permission["Resource"] == arn("ecs", "task-definition/*:*")


def test_named_clusters_are_all_that_is_read_and_updated() -> None:
    tagalong = stack(clusters=["prod", "staging"])

    services = [arn("ecs", "service*/prod/*"), arn("ecs", "service*/staging/*")]
    assert tagalong.permission("deployer", "ecs:UpdateService")["Resource"] == services
    assert "ecs:ListClusters" not in tagalong.actions("finder")
    for action in ("ecs:ListServices", "ecs:DescribeServices"):
        assert tagalong.permission("finder", action)["Condition"] == {
            "ArnEquals": {"ecs:cluster": [arn("ecs", "cluster/prod"), arn("ecs", "cluster/staging")]}
        }


def test_each_policy_lists_the_clusters_once() -> None:
    tagalong = stack(clusters=["a-cluster"])

    for service in ("finder", "deployer"):
        assert str(tagalong.statements(service)).count("/a-cluster") == 1


@pytest.mark.parametrize("action", ["ecr:DescribeImages", "ecr:BatchGetImage"])
def test_images_are_read_only_in_the_configured_repositories(action: str) -> None:
    tagalong = stack(repositories=["team/*", "app"])

    repositories = tagalong.permission("deployer", action)["Resource"]
    assert sorted(repositories, key=str) == [arn("ecr", "repository/app"), arn("ecr", "repository/team/*")]


@pytest.mark.parametrize("action", ["ecr:DescribeImages", "ecr:BatchGetImage"])
def test_images_are_read_only_in_the_configured_registries(action: str) -> None:
    tagalong = stack(registryAccounts=["111111111111", "222222222222"])

    assert tagalong.permission("deployer", action)["Resource"] == [
        arn("ecr", "repository/*", account) for account in ("111111111111", "222222222222")
    ]


def test_what_a_service_runs_is_read_of_the_service_and_of_its_revisions() -> None:
    permission = stack(clusters=["prod"]).permission("deployer", "ecs:DescribeServiceRevisions")

    assert permission["Resource"] == arn("ecs", "service*/prod/*"), "both start with `service`"


def test_iam_refuses_to_update_untagged_services_when_services_opt_in() -> None:
    permission = stack(selection="opt-in").permission("deployer", "ecs:UpdateService")

    assert permission["Condition"] == {"StringEquals": {"aws:ResourceTag/tagalong:enabled": "true"}}


def test_iam_requires_no_tag_when_services_opt_out(tagalong: Synthesized) -> None:
    assert "Condition" not in tagalong.permission("deployer", "ecs:UpdateService")


def test_the_tag_that_iam_asks_for_is_the_one_that_the_lambda_code_reads() -> None:
    assert consent.ENABLED == "tagalong:enabled"
    service = Service("prod", "web", tags={consent.ENABLED: "true"})
    assert consent.check(service, opt_in=True, now=datetime.now(UTC)) is None


def queues(tagalong: Synthesized, service: str, action: str) -> set[str]:
    """The queues on which the function may do this."""
    statements = [it for it in tagalong.statements(service) if action in listed(it["Action"])]
    arns = [arn for it in statements for arn in listed(it["Resource"])]
    return {re.sub(r"^Tagalong|[0-9A-F]{8}$", "", arn["Fn::GetAtt"][0]) for arn in arns}


@pytest.mark.parametrize(
    ("service", "sends_to", "receives_from"),
    [
        ("finder", {"DeployerJobs", "RechecksQueue", "FinderDlq"}, "RechecksQueue"),
        ("deployer", {"DeployerJobs", "RechecksQueue", "DeployerJobDlq"}, "DeployerJobs"),
    ],
)
def test_each_function_sends_to_the_queues_it_fills_and_receives_from_the_one_it_works_off(
    tagalong: Synthesized, service: str, sends_to: set[str], receives_from: str
) -> None:
    assert queues(tagalong, service, "sqs:SendMessage") == sends_to
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        assert queues(tagalong, service, action) == {receives_from}


def all_actions(tagalong: Synthesized) -> set[str]:
    return {action for service in SERVICES for action in tagalong.actions(service)}


@pytest.mark.parametrize("service", ["dynamodb", "ecs", "ecr", "events", "sns", "sqs", "ssm"])
def test_every_call_of_the_lambda_code_is_permitted(service: str) -> None:
    code = (path.read_text() for path in (ROOT / "lambda/tagalong/aws").glob("*.py"))
    words = {word for text in code for word in re.findall(r"\.(\w+)\(|get_paginator\(\"(\w+)\"\)", text)}
    names = {name for pair in words for name in pair}
    operations = {xform_name(it): it for it in Session().get_service_model(service).operation_names}
    called = {f"{service}:{operations[name].removesuffix('Batch')}" for name in names & set(operations)}
    # A transaction takes the permission of each write in it: IAM knows no action for it.
    if "dynamodb:TransactWriteItems" in called:
        called = called - {"dynamodb:TransactWriteItems"} | {"dynamodb:PutItem", "dynamodb:DeleteItem"}

    assert called
    assert called <= all_actions(stack(publishParameters=True))


def test_no_wildcard_stands_for_an_action() -> None:
    assert not [it for it in all_actions(stack(publishParameters=True)) if "*" in it]


def test_a_resource_of_star_is_only_for_actions_that_take_no_other() -> None:
    statements = [it for service in SERVICES for it in stack(publishParameters=True).statements(service)]
    on_everything = {it["Action"] for it in statements if "*" in listed(it["Resource"])}

    assert on_everything == {"ecs:ListClusters", "ecs:ListServices", "ecs:DescribeTaskDefinition"}


def test_no_role_has_a_managed_policy(tagalong: Synthesized) -> None:
    assert not [it for it in tagalong.resources("AWS::IAM::Role").values() if "ManagedPolicyArns" in it]


def test_with_mode_force_no_role_can_register_tag_or_pass_a_role() -> None:
    """Where a security team can start."""
    forced = stack(mode="force")

    allowed = {action for service in SERVICES for action in forced.actions(service)}
    assert not allowed & {"ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole"}
    assert "ecs:UpdateService" in forced.actions("deployer")
    assert "iam:PassRole" not in str(forced.template)
