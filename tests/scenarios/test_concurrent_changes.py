"""A person, CloudFormation or Terraform changes a service while we are at it: their change is never lost."""

from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws
from support.pipeline import Pipeline

OLD, NEW, NEWER = ("sha256:" + letter * 64 for letter in "0ef")


def when(aws: FakeAws, action: str, phase: str, image: str) -> None:
    """Once, around the first call of this action, somebody deploys a revision of their own."""
    left = [None]

    def hook(called: str, when: str) -> None:
        if (called, when) == (action, phase) and left:
            left.pop()
            theirs = aws.register("web", image, cpu="4096")
            aws.deploy(aws.services["prod", "web"], theirs)

    aws.hook = hook


@pytest.fixture
def web(pipeline: Pipeline) -> Pipeline:
    pipeline.aws.serve("prod", "web", pipeline.aws.register("web", f"{HOST}/app:prod@{OLD}", cpu="256"))
    return pipeline


def end(pipeline: Pipeline) -> None:
    """What is under way is completed, and whatever waits for that goes on."""
    pipeline.tell(*pipeline.aws.complete("prod", "web"))
    pipeline.settle(timedelta(minutes=5))


THEIRS = {
    "the old digest": (f"{HOST}/app:prod@{OLD}", f"{HOST}/app@{NEW}"),
    "the same digest as we": (f"{HOST}/app:prod@{NEW}", f"{HOST}/app:prod@{NEW}"),
    "the plain tag, which ECS resolves": (f"{HOST}/app:prod", f"{HOST}/app:prod"),
}


@pytest.mark.parametrize(("image", "ends_as"), THEIRS.values(), ids=THEIRS)
@pytest.mark.parametrize(
    ("action", "phase"),
    [("DescribeImages", "before"), ("RegisterTaskDefinition", "before"), ("UpdateService", "before")],
)
def test_a_deployment_of_somebody_else_meanwhile_goes_first_and_is_built_upon(
    web: Pipeline, action: str, phase: str, image: str, ends_as: str
) -> None:
    when(web.aws, action, phase, image)

    web.push("app", "prod", NEW)
    web.settle(timedelta(minutes=5))
    assert web.aws.images("prod", "web") == [image], "it was overtaken"
    end(web)

    assert web.aws.running("prod", "web")["cpu"] == "4096", "an older base was put over their change"
    assert web.aws.images("prod", "web") == [ends_as]
    assert not web.aws.queue
    assert not web.aws.failed


def test_an_image_that_a_person_deploys_after_a_push_is_kept_until_the_next_push(web: Pipeline) -> None:
    """A digest that somebody chose, unlike in the first three cases above, after a rollout of ours."""
    web.push("app", "prod", NEWER)
    end(web)
    when(web.aws, "RegisterTaskDefinition", "before", f"{HOST}/app:prod@{OLD}")

    web.push("app", "prod", NEW)
    end(web)
    assert OLD in web.aws.images("prod", "web")[0], "their choice was undone"
    web.push("app", "prod", NEWER)

    assert web.aws.running("prod", "web")["cpu"] == "4096"
    assert NEWER in web.aws.images("prod", "web")[0]


def test_a_deployment_of_somebody_else_meanwhile_is_reported(
    web: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    when(web.aws, "RegisterTaskDefinition", "after", f"{HOST}/app:prod")

    web.push("app", "prod", NEW)

    said = capsys.readouterr().out
    assert "another deployment moved the service to web:3" in said
    assert '"reason":"concurrent-deployment"' in said


def test_a_service_that_is_deleted_meanwhile_is_left_alone(web: Pipeline) -> None:
    def delete(called: str, phase: str) -> None:
        if (called, phase) == ("RegisterTaskDefinition", "after"):
            web.aws.services.clear()

    web.aws.hook = delete
    web.push("app", "prod", NEW)

    assert web.aws.calls["UpdateService"] == 0
    assert not web.aws.queue


def test_an_older_deployment_that_still_drains_is_not_taken_for_a_new_one(web: Pipeline) -> None:
    """ECS may list it, and no longer the one that was replaced."""
    aws = web.aws
    older = aws.register("web", f"{HOST}/app:prod@{OLD}", cpu="1")
    service = aws.services["prod", "web"]
    replaced = service["deployments"][0]["id"]
    service["deployments"].append({"id": "old", "status": "ACTIVE", "taskDefinition": older, "createdAt": 9})

    def forget(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "after"):
            service["deployments"] = [it for it in service["deployments"] if it["id"] != replaced]

    aws.hook = forget
    web.push("app", "prod", NEW)

    assert aws.running("prod", "web")["cpu"] == "256", "an old deployment was built upon"


def test_a_service_that_is_put_on_hold_meanwhile_is_left_alone(web: Pipeline) -> None:
    def hold(action: str, phase: str) -> None:
        if (action, phase) == ("RegisterTaskDefinition", "after"):
            web.aws.services["prod", "web"]["tags"] = [{"key": "tagalong:hold", "value": "true"}]

    web.aws.hook = hold
    web.push("app", "prod", NEW)

    assert web.aws.calls["UpdateService"] == 0
