"""What only the fake can do with deployments: both readings of what AWS leaves open, and its clock."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from support.fake_aws import HOST, START, FakeAws, Json

WEB = ("prod", "web")
GOOD, BAD = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.fixture
def ecs(aws: FakeAws) -> Any:
    """A client; the service `web` has completed its first deployment."""
    aws.push("app", "prod", GOOD)
    aws.create_service(*WEB, aws.register("web", f"{HOST}/app:prod"))
    aws.complete(*WEB)
    return boto3.client("ecs")


def deploy(aws: FakeAws) -> str:
    return aws.deploy(aws.services[WEB], aws.register("web", f"{HOST}/app:prod"))


def listed(ecs: Any, **parameters: Any) -> list[str]:
    answer = ecs.list_service_deployments(cluster="prod", service="web", **parameters)
    return [it["status"] for it in answer["serviceDeployments"]]


def described(ecs: Any) -> Json:
    return dict(ecs.describe_services(cluster="prod", services=["web"])["services"][0])


def states(ecs: Any) -> list[tuple[str, str]]:
    return [(it["status"], it["rolloutState"]) for it in described(ecs)["deployments"]]


def test_a_rollback_that_was_asked_for_can_still_end_as_a_success(aws: FakeAws, ecs: Any) -> None:
    id_ = deploy(aws)
    aws.request_stop(*WEB)
    assert listed(ecs)[0] == "ROLLBACK_REQUESTED"

    aws.complete(*WEB)

    assert listed(ecs)[0] == "SUCCESSFUL"
    assert described(ecs)["deployments"][0]["id"] == id_


def test_a_rollback_can_fail(aws: FakeAws, ecs: Any) -> None:
    deploy(aws)
    aws.fail(*WEB)

    aws.fail_rollback(*WEB)

    assert listed(ecs)[0] == "ROLLBACK_FAILED"
    assert states(ecs)[0] == ("PRIMARY", "FAILED")


@pytest.mark.parametrize(
    ("left", "beside"),
    [
        ("FAILED", [("ACTIVE", "FAILED")]),
        ("IN_PROGRESS", [("ACTIVE", "IN_PROGRESS")]),
        ("DRAINING", [("DRAINING", "FAILED")]),
        ("gone", []),
    ],
)
def test_beside_a_rollback_the_failed_deployment_looks_in_each_way_that_was_seen(
    aws: FakeAws, ecs: Any, left: Any, beside: list[tuple[str, str]]
) -> None:
    deploy(aws)

    aws.fail(*WEB, left=left)

    assert states(ecs) == [("PRIMARY", "IN_PROGRESS"), *beside]


@pytest.mark.parametrize(
    ("cause", "events", "said"),
    [
        ("breaker", 2, "circuit breaker"),
        ("alarm", 2, "alarm"),
        ("hook", 0, "hook"),
        ("person", 0, "requested"),
    ],
)
def test_ecs_says_why_it_rolled_back_and_sends_the_events_that_are_documented(
    aws: FakeAws, ecs: Any, cause: Any, events: int, said: str
) -> None:
    deploy(aws)

    assert len(aws.fail(*WEB, cause)) == events

    assert listed(ecs)[0] == "ROLLBACK_IN_PROGRESS"
    assert said in aws.service_deployments[-1]["statusReason"]
    assert (aws.service_deployments[-1]["alarms"]["status"] == "TRIGGERED") == (cause == "alarm")


def test_ecs_notices_no_failure_without_a_circuit_breaker(aws: FakeAws, ecs: Any) -> None:
    aws.create_service("prod", "api", aws.register("api", f"{HOST}/app:prod"), breaker={})

    with pytest.raises(AssertionError, match="crash_loop"):
        aws.fail("prod", "api")


def test_a_deployment_whose_tasks_crash_is_not_completed_while_a_task_is_desired(
    aws: FakeAws, ecs: Any
) -> None:
    deploy(aws)
    aws.crash_loop(*WEB)

    with pytest.raises(AssertionError, match="scale to 0"):
        aws.complete(*WEB)

    [event] = aws.scale(*WEB, 0)
    assert event["detail"]["eventName"] == "SERVICE_DEPLOYMENT_COMPLETED"


def test_the_list_may_lag_behind_the_service(aws: FakeAws, ecs: Any) -> None:
    aws.listed_after = timedelta(seconds=40)
    aws.advance(timedelta(minutes=1))

    deploy(aws)
    assert listed(ecs) == ["SUCCESSFUL"]

    aws.advance(timedelta(seconds=40))
    assert listed(ecs) == ["IN_PROGRESS", "SUCCESSFUL"]


def test_the_service_may_lag_behind_the_list(aws: FakeAws, ecs: Any) -> None:
    aws.described_after = timedelta(seconds=40)
    deploy(aws)

    aws.complete(*WEB)
    assert listed(ecs)[0] == "SUCCESSFUL"
    assert states(ecs) == [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")]

    aws.advance(timedelta(seconds=40))
    assert states(ecs) == [("PRIMARY", "COMPLETED")]


def test_what_is_replaced_may_stop_only_when_the_newer_deployment_has_ended(aws: FakeAws, ecs: Any) -> None:
    aws.stops_at_once = False
    deploy(aws)
    deploy(aws)
    assert listed(ecs) == ["IN_PROGRESS", "STOP_REQUESTED", "SUCCESSFUL"]

    aws.complete(*WEB)

    assert listed(ecs) == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("tasks", [0, 1])
def test_the_digest_of_a_pinned_image_is_told_or_not(aws: FakeAws, ecs: Any, told: bool, tasks: int) -> None:
    aws.tells_pinned_digests = told
    aws.create_service("prod", "api", aws.register("api", f"{HOST}/app@{BAD}"), desired=tasks)

    [revision] = aws.services["prod", "api"]["currentServiceRevisions"]

    [image] = aws.service_revisions[revision["arn"]]["containerImages"]
    assert image.get("imageDigest") == (BAD if told else None)


def test_a_container_may_look_no_tag_up(aws: FakeAws, ecs: Any) -> None:
    container = {"name": "c0", "image": f"{HOST}/app:prod", "versionConsistency": "disabled"}
    revision = aws.put_revision({"family": "api", "containerDefinitions": [container]})
    aws.create_service("prod", "api", revision)

    [revision_now] = aws.services["prod", "api"]["currentServiceRevisions"]

    assert "imageDigest" not in aws.service_revisions[revision_now["arn"]]["containerImages"][0]


def test_a_deployment_is_in_a_hook(aws: FakeAws, ecs: Any) -> None:
    deploy(aws)

    aws.reach(*WEB, "PRE_SCALE_UP", hook="arn:aws:lambda:eu-west-1:111122223333:function:check")

    arn = described(ecs)["currentServiceDeployment"]
    [record] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    assert (record["lifecycleStage"], record["status"]) == ("PRE_SCALE_UP", "IN_PROGRESS")
    assert record["lifecycleHookDetails"][0]["status"] == "IN_PROGRESS"


def test_ecs_keeps_the_deployments_of_ninety_days_and_the_service_revision_for_ever(
    aws: FakeAws, ecs: Any
) -> None:
    aws.advance(timedelta(days=91))

    assert listed(ecs) == []
    [revision] = described(ecs)["currentServiceRevisions"]
    answer = ecs.describe_service_revisions(serviceRevisionArns=[revision["arn"]])
    assert answer["serviceRevisions"][0]["containerImages"][0]["imageDigest"] == GOOD


def test_a_service_that_is_served_has_run_for_longer_than_ecs_remembers(aws: FakeAws, ecs: Any) -> None:
    aws.serve("prod", "api", aws.register("api", f"{HOST}/app:prod"))

    api = aws.services["prod", "api"]
    assert [it["rolloutState"] for it in api["deployments"]] == ["COMPLETED"]
    assert ecs.list_service_deployments(cluster="prod", service="api")["serviceDeployments"] == []


def test_services_of_two_clusters_may_have_one_short_arn(aws: FakeAws, ecs: Any) -> None:
    for cluster in ("a", "b"):
        aws.create_service(cluster, "old", aws.register("old", f"{HOST}/app:prod"), short_arn=True)
    aws.complete("b", "old")

    arns = [ecs.list_services(cluster=cluster)["serviceArns"] for cluster in ("a", "b")]
    found = [
        ecs.list_service_deployments(cluster=cluster, service="old")["serviceDeployments"][0]["status"]
        for cluster in ("a", "b")
    ]

    assert arns == [["arn:aws:ecs:eu-west-1:111122223333:service/old"]] * 2
    assert found == ["IN_PROGRESS", "SUCCESSFUL"]


def test_a_service_that_is_being_deleted_is_described_until_it_is_forgotten(aws: FakeAws, ecs: Any) -> None:
    aws.delete_service(*WEB)
    assert described(ecs)["status"] == "INACTIVE"

    aws.delete_service(*WEB, forgotten=True)

    answer = ecs.describe_services(cluster="prod", services=["web"])
    assert [it["reason"] for it in answer["failures"]] == ["MISSING"]


def test_replaced_deployments_are_drained_and_what_ecs_could_go_back_to_is_not(
    aws: FakeAws, ecs: Any
) -> None:
    deploy(aws)
    deploy(aws)

    aws.drain(*WEB)

    assert states(ecs) == [("PRIMARY", "IN_PROGRESS"), ("ACTIVE", "COMPLETED")]


def test_the_clock_goes_on_with_changes_and_not_with_looks(aws: FakeAws, ecs: Any) -> None:
    before = aws.clock
    described(ecs)
    assert aws.clock == before > START

    deploy(aws)

    assert before < aws.clock < before + timedelta(minutes=1)
    assert aws.services[WEB]["deployments"][0]["createdAt"] <= aws.now()
