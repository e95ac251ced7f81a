"""What fails holds up nobody else, and is not forgotten."""

import json
from functools import partial

import pytest

from emulator import logs
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]

UNREADABLE = "the event has no 'detail'"


@pytest.fixture(scope="module")
def admin(system: System) -> str:
    """A role that the deployer may not pass."""
    return system.role("stuck-admin", "/elsewhere/")


@pytest.fixture(scope="module")
def pushed(system: System, admin: str) -> list[str]:
    """The image that a bad family, refused by now, and good ones before and behind it in the queue follow."""
    system.create_repositories("stuck/web")
    for name, fields in {"early": {}, "bad": {"taskRoleArn": admin}, "late": {}}.items():
        system.serve("stuck", name, system.register(f"stuck-{name}", "stuck/web:prod", **fields))
    digest = system.push("stuck/web:prod", "1")
    system.eventually(lambda: system.decisions("stuck/web", "bad")[:1], ["aws-error"], "a refusal")
    return [f"stuck/web@{digest}"]


def test_a_family_that_cannot_be_deployed_holds_up_no_other(system: System, pushed: list[str]) -> None:
    for name in ("early", "late"):
        system.eventually(partial(system.images, "stuck", name), pushed, f"the family of '{name}'")


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


def test_an_event_that_cannot_be_read_is_tried_three_times_and_then_kept_with_the_error(
    system: System,
) -> None:
    event = {"detail-type": "ECR Image Action", "source": "aws.ecr", "id": "malformed"}
    url = system.outputs["FailedPushesUrl"]
    system.aws.client("lambda").invoke(
        FunctionName=system.outputs["FinderFunction"], InvocationType="Event", Payload=json.dumps(event)
    )

    system.eventually(lambda: system.messages(url), 1, "dead letters")

    [message] = system.aws.client("sqs").receive_message(QueueUrl=url)["Messages"]
    letter = json.loads(message["Body"])
    assert letter["requestPayload"] == event
    assert letter["responsePayload"]["errorMessage"] == UNREADABLE
    tries = [line for line in logs.said(system.aws) if f"UnreadableEventError: {UNREADABLE}" in line.message]
    assert len(tries) == 3
