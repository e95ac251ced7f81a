"""Least privilege: what each role may do, and what it may not."""

import re
from datetime import UTC, datetime

import pytest
from botocore import xform_name
from botocore.session import Session

from support.templates import ROOT, Synthesized, arn, listed, stack
from tagalong.decide import eligibility as consent

WRITES = {"ecs:RegisterTaskDefinition", "ecs:TagResource", "ecs:UpdateService", "iam:PassRole"}
LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
RECORDS_AND_NOTICES = {"dynamodb:Query", "dynamodb:PutItem", "sns:Publish", "events:PutEvents"}
SERVICES = ["finder", "deployer", "watcher"]


@pytest.fixture(scope="module")
def tagalong() -> Synthesized:
    return stack()


def test_the_finder_reads_ecs_and_sends_jobs_and_cannot_write_to_ecs(tagalong: Synthesized) -> None:
    of_its_dead_letters = {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}

    assert tagalong.actions("finder") == LOGS | of_its_dead_letters | {
        "ecr:DescribeImages",
        "ecs:ListClusters",
        "ecs:ListServices",
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
    }


def test_the_deployer_does_no_more_than_its_job(tagalong: Synthesized) -> None:
    of_the_job_queue = {
        "sqs:SendMessage",
        "sqs:ReceiveMessage",
        "sqs:DeleteMessage",
        "sqs:ChangeMessageVisibility",
        "sqs:GetQueueAttributes",
        "sqs:GetQueueUrl",
    }

    assert tagalong.actions("deployer") == LOGS | WRITES | of_the_job_queue | RECORDS_AND_NOTICES | {
        "ecs:DescribeServices",
        "ecs:DescribeTaskDefinition",
        "ecs:DescribeServiceRevisions",
        "ecs:ListServiceDeployments",
        "ecs:DescribeServiceDeployments",
        "ecr:DescribeImages",
        "ecr:BatchGetImage",
    }


def test_the_watcher_keeps_records_tells_of_them_and_has_nothing_to_do_with_ecs(
    tagalong: Synthesized,
) -> None:
    of_its_queues = {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}

    assert tagalong.actions("watcher") == LOGS | of_its_queues | RECORDS_AND_NOTICES


def test_a_dry_run_has_no_permission_to_write() -> None:
    assert not stack(dryRun=True).actions("deployer") & WRITES


def test_a_dry_run_still_follows_what_was_begun_before_it(tagalong: Synthesized) -> None:
    assert stack(dryRun=True).actions("deployer") == tagalong.actions("deployer") - WRITES


@pytest.mark.parametrize("service", ["deployer", "watcher"])
def test_what_is_told_is_told_to_one_topic_and_as_nobody_but_tagalong(
    tagalong: Synthesized, service: str
) -> None:
    (topic,) = tagalong.resources("AWS::SNS::Topic")
    told = tagalong.permission(service, "events:PutEvents")

    assert tagalong.permission(service, "sns:Publish")["Resource"] == {"Ref": topic}
    assert told["Resource"] == arn("events", "event-bus/default")
    assert told["Condition"] == {"StringEquals": {"events:source": "tagalong"}}


@pytest.mark.parametrize("service", ["deployer", "watcher"])
def test_images_are_published_only_where_that_is_wanted_and_only_as_parameters_of_tagalong(
    tagalong: Synthesized, service: str
) -> None:
    wanted = stack(parameters=True)

    ours = {"ssm:PutParameter", "ssm:GetParameters"}
    for action in ours:
        assert wanted.permission(service, action)["Resource"] == arn("ssm", "parameter/tagalong/*")
    assert wanted.actions(service) - tagalong.actions(service) == ours


@pytest.mark.parametrize("service", SERVICES)
def test_of_tables_there_is_one(tagalong: Synthesized, service: str) -> None:
    (table,) = tagalong.resources("AWS::DynamoDB::Table")
    on_tables = [it for it in tagalong.statements(service) if "dynamodb:" in str(it["Action"])]

    assert [it["Resource"] for it in on_tables] == [{"Fn::GetAtt": [table, "Arn"]}]


def test_deployments_are_read_only_in_the_named_clusters() -> None:
    tagalong = stack(clusters=["prod"])

    of_prod = [arn("ecs", "service/prod/*"), arn("ecs", "service-deployment/prod/*/*")]
    assert tagalong.permission("deployer", "ecs:ListServiceDeployments")["Resource"] == of_prod[0]
    read = tagalong.permission("deployer", "ecs:DescribeServiceDeployments")["Resource"]
    assert sorted(read, key=str) == sorted(of_prod, key=str)


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


def test_tags_are_written_only_on_a_revision_that_is_being_registered(tagalong: Synthesized) -> None:
    permission = tagalong.permission("deployer", "ecs:TagResource")

    assert permission["Condition"] == {"StringEquals": {"ecs:CreateAction": "RegisterTaskDefinition"}}
    assert permission["Resource"] == arn("ecs", "task-definition/*:*")


def test_named_clusters_are_all_that_is_read_and_updated() -> None:
    tagalong = stack(clusters=["prod", "staging"])

    services = [arn("ecs", "service/prod/*"), arn("ecs", "service/staging/*")]
    assert tagalong.permission("finder", "ecs:DescribeServices")["Resource"] == services
    assert tagalong.permission("deployer", "ecs:UpdateService")["Resource"] == services
    assert "ecs:ListClusters" not in tagalong.actions("finder")
    assert tagalong.permission("finder", "ecs:ListServices")["Condition"] == {
        "ArnEquals": {"ecs:cluster": [arn("ecs", "cluster/prod"), arn("ecs", "cluster/staging")]}
    }


@pytest.mark.parametrize("action", ["ecr:DescribeImages", "ecr:BatchGetImage"])
def test_images_are_read_only_in_the_configured_repositories(action: str) -> None:
    tagalong = stack(repositories=["team/*", "app"])

    repositories = tagalong.permission("deployer", action)["Resource"]
    assert sorted(repositories, key=str) == [arn("ecr", "repository/app"), arn("ecr", "repository/team/*")]


@pytest.mark.parametrize("action", ["ecr:DescribeImages", "ecr:BatchGetImage"])
def test_images_are_read_only_in_the_configured_registries(action: str) -> None:
    tagalong = stack(registries=["111111111111", "222222222222"])

    assert tagalong.permission("deployer", action)["Resource"] == [
        arn("ecr", "repository/*", account) for account in ("111111111111", "222222222222")
    ]


def test_what_a_service_runs_is_read_of_the_service_and_of_its_revisions() -> None:
    permission = stack(clusters=["prod"]).permission("deployer", "ecs:DescribeServiceRevisions")

    assert sorted(permission["Resource"], key=str) == [
        arn("ecs", "service-revision/prod/*/*"),
        arn("ecs", "service/prod/*"),
    ]


def test_where_services_must_be_tagged_iam_refuses_to_update_any_other() -> None:
    permission = stack(selection="tagged").permission("deployer", "ecs:UpdateService")

    assert permission["Condition"] == {"StringEquals": {"aws:ResourceTag/tagalong:enabled": "true"}}


def test_where_all_services_take_part_no_tag_is_asked_for(tagalong: Synthesized) -> None:
    assert "Condition" not in tagalong.permission("deployer", "ecs:UpdateService")


def test_the_tag_that_iam_asks_for_is_the_one_that_the_lambda_code_reads() -> None:
    assert consent.ENABLED == "tagalong:enabled"
    assert consent.refusal({consent.ENABLED: "true"}, only_enabled=True, now=datetime.now(UTC)) is None


@pytest.mark.parametrize("service", ["finder", "watcher"])
def test_the_job_queue_may_be_filled_by_who_does_not_read_it(tagalong: Synthesized, service: str) -> None:
    (on_jobs,) = (it for it in tagalong.statements(service) if "DeployerJobs" in str(it["Resource"]))

    assert on_jobs["Action"] == "sqs:SendMessage"


def all_actions(tagalong: Synthesized) -> set[str]:
    return {action for service in SERVICES for action in tagalong.actions(service)}


@pytest.mark.parametrize("service", ["dynamodb", "ecs", "ecr", "events", "sns", "sqs", "ssm"])
def test_every_call_of_the_lambda_code_is_permitted(service: str) -> None:
    code = (path.read_text() for path in (ROOT / "lambda/tagalong/aws").glob("*.py"))
    words = {word for text in code for word in re.findall(r"\.(\w+)\(|get_paginator\(\"(\w+)\"\)", text)}
    names = {name for pair in words for name in pair}
    operations = {xform_name(it): it for it in Session().get_service_model(service).operation_names}
    called = {f"{service}:{operations[name].removesuffix('Batch')}" for name in names & set(operations)}

    assert called
    assert called <= all_actions(stack(parameters=True))


def test_no_wildcard_stands_for_an_action() -> None:
    assert not [it for it in all_actions(stack(parameters=True)) if "*" in it]


def test_a_resource_of_star_is_only_for_actions_that_take_no_other() -> None:
    statements = [it for service in SERVICES for it in stack(parameters=True).statements(service)]
    on_everything = {it["Action"] for it in statements if "*" in listed(it["Resource"])}

    assert on_everything == {"ecs:ListClusters", "ecs:ListServices", "ecs:DescribeTaskDefinition"}


def test_no_role_has_a_managed_policy(tagalong: Synthesized) -> None:
    assert not [it for it in tagalong.resources("AWS::IAM::Role").values() if "ManagedPolicyArns" in it]
