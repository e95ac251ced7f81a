"""What fails holds up nobody else, and is not forgotten."""

import json

import pytest

from e2e.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def admin(system: System) -> str:
    """A role that the deployer may not pass."""
    return system.role("stuck-admin", "/elsewhere/")


@pytest.fixture(scope="module")
def pushed(system: System, admin: str) -> list[str]:
    """The image that a good and a bad family follow, when the bad one was refused."""
    system.create_repositories("stuck/web")
    system.serve("stuck", "bad", system.register("stuck-bad", "stuck/web:prod", taskRoleArn=admin))
    system.serve("stuck", "good", system.register("stuck-good", "stuck/web:prod"))
    digest = system.push("stuck/web:prod", "1")
    system.eventually(lambda: system.decisions("stuck/web", "bad")[:1], ["aws-error"], "a refusal")
    return [f"stuck/web@{digest}"]


def test_a_family_that_cannot_be_deployed_holds_up_no_other(system: System, pushed: list[str]) -> None:
    system.eventually(lambda: system.images("stuck", "good"), pushed, "the good family")


def test_a_role_outside_the_configured_paths_is_refused_and_named(
    system: System, pushed: list[str], admin: str
) -> None:
    failed = [line["message"] for line in system.lines("stuck/web") if line.get("decision") == "fail"]

    assert failed[0].startswith("bad was not updated and will be tried again: RegisterTaskDefinition: ")
    assert f"not authorized to perform: iam:PassRole on resource: {admin}" in failed[0]


def test_a_family_that_is_repaired_moves_without_another_push(system: System, pushed: list[str]) -> None:
    repaired = system.register("stuck-bad", "stuck/web:prod")
    system.aws.client("ecs").update_service(cluster="stuck", service="bad", taskDefinition=repaired)

    system.eventually(lambda: system.images("stuck", "bad"), pushed, "the repaired family")


def test_an_event_that_cannot_be_read_is_kept_with_the_error(system: System) -> None:
    event = {"detail-type": "ECR Image Action", "source": "aws.ecr", "id": "malformed"}
    url = system.outputs["FailedPushesUrl"]
    system.aws.client("lambda").invoke(
        FunctionName=system.outputs["FinderFunction"], InvocationType="Event", Payload=json.dumps(event)
    )

    system.eventually(lambda: system.messages(url), 1, "dead letters")

    [message] = system.aws.client("sqs").receive_message(QueueUrl=url)["Messages"]
    letter = json.loads(message["Body"])
    assert letter["requestPayload"] == event
    assert letter["requestContext"]["approximateInvokeCount"] == 3
    assert letter["responsePayload"]["errorMessage"] == "the event has no 'detail'"
