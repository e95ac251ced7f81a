"""What fails holds up nobody else, and is not forgotten."""

import json
from collections.abc import Iterator
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
def first(system: System) -> str:
    """The image that all of them run at first."""
    system.create_repositories("stuck/web")
    return f"stuck/web:prod@{system.publish('stuck/web:prod', '0')}"


@pytest.fixture(scope="module")
def pushed(system: System, admin: str, first: str) -> list[str]:
    """The image that a bad family, refused by now, and good ones before and behind it in the queue follow."""
    for name, fields in {"early": {}, "bad": {"taskRoleArn": admin}, "late": {}}.items():
        system.serve("stuck", name, system.register(f"stuck-{name}", first, **fields))
    digest = system.push("stuck/web:prod", "1")
    system.eventually(lambda: system.decisions("stuck/web", "bad")[:1], ["aws-error"], "a refusal")
    return [f"stuck/web@{digest}"]


def test_a_family_that_cannot_be_deployed_holds_up_no_other(system: System, pushed: list[str]) -> None:
    for name in ("early", "late"):
        system.eventually(partial(system.images, "stuck", name), pushed, f"the family of '{name}'")


def test_a_role_outside_the_configured_paths_is_refused_and_named(
    system: System, pushed: list[str], admin: str
) -> None:
    failed = [line["message"] for line in system.lines("stuck/web") if line.get("decision") == "error"]

    assert failed[0].startswith("bad was not updated and will be tried again: RegisterTaskDefinition: ")
    assert f"not authorized to perform: iam:PassRole on resource: {admin}" in failed[0]


def test_a_family_that_is_repaired_moves_without_another_push(
    system: System, pushed: list[str], first: str
) -> None:
    system.deploy("stuck", "bad", taskDefinition=system.register("stuck-bad", first))

    system.eventually(lambda: system.images("stuck", "bad"), pushed, "the repaired family")


@pytest.fixture
def impatient(system: System) -> Iterator[None]:
    """A service is given up after two attempts: ten take 20 minutes."""
    functions, name = system.aws.client("lambda"), system.outputs["DeployerFunction"]
    settings = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = settings | {"TAGALONG_MAX_ATTEMPTS": "2"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
    yield
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": settings})


def test_a_service_that_is_given_up_is_a_dead_letter_with_its_reason_that_can_be_given_back(
    system: System, impatient: None, admin: str
) -> None:
    system.create_repositories("hopeless")
    first = f"hopeless:prod@{system.publish('hopeless:prod', 'first')}"
    system.serve("hopeless", "web", system.register("hopeless", first, taskRoleArn=admin))
    digest = system.push("hopeless:prod", "second")
    jobs, letters = (system.outputs[name] for name in ("JobQueueUrl", "JobDlqUrl"))

    system.eventually(lambda: system.messages(letters), 1, "dead letters")

    [message] = system.aws.client("sqs").receive_message(QueueUrl=letters)["Messages"]
    letter = json.loads(message["Body"])
    assert (letter["family"], [*letter["services"].values()]) == ("hopeless", [["web"]])
    assert letter["failure"]["attempts"] == 2
    assert "not authorized to perform: iam:PassRole" in letter["failure"]["reason"]
    system.deploy("hopeless", "web", taskDefinition=system.register("hopeless", first))
    system.aws.client("sqs").send_message(
        QueueUrl=jobs, MessageBody=message["Body"], MessageGroupId="hopeless", MessageDeduplicationId="again"
    )
    system.eventually(lambda: system.images("hopeless", "web"), [f"hopeless@{digest}"], "the repaired family")


def test_an_event_that_cannot_be_read_is_tried_three_times_and_then_kept_with_the_error(
    system: System,
) -> None:
    event = {"detail-type": "ECR Image Action", "source": "aws.ecr", "id": "malformed"}
    url = system.outputs["FinderDlqUrl"]
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
