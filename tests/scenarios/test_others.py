"""A person, CloudFormation or Terraform changes a service while we are at it: their change is never lost."""

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


THEIRS = {
    "the plain tag": f"{HOST}/app:prod",
    "the old digest": f"{HOST}/app:prod@{OLD}",
    "the same digest as we": f"{HOST}/app:prod@{NEW}",
}


@pytest.mark.parametrize("image", THEIRS.values(), ids=THEIRS)
@pytest.mark.parametrize(
    ("action", "phase"),
    [("DescribeImages", "before"), ("RegisterTaskDefinition", "before"), ("UpdateService", "before")],
)
def test_a_deployment_of_somebody_else_meanwhile_is_built_upon(
    web: Pipeline, action: str, phase: str, image: str
) -> None:
    when(web.aws, action, phase, image)

    web.push("app", "prod", NEW)

    assert web.aws.running("prod", "web")["cpu"] == "4096", "an older base was put over their change"
    assert NEW in web.aws.images("prod", "web")[0]
    assert not web.aws.queue


def test_it_is_said_that_somebody_else_deployed(web: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    when(web.aws, "RegisterTaskDefinition", "after", f"{HOST}/app:prod")

    web.push("app", "prod", NEW)

    assert "it was deployed meanwhile, and runs web:3" in capsys.readouterr().out


def test_a_service_that_was_deleted_meanwhile_is_left_alone(web: Pipeline) -> None:
    def delete(called: str, phase: str) -> None:
        if (called, phase) == ("RegisterTaskDefinition", "after"):
            web.aws.services.clear()

    web.aws.hook = delete
    web.push("app", "prod", NEW)

    assert web.aws.calls["UpdateService"] == 0
    assert not web.aws.queue


def test_a_deployment_that_was_there_before_and_still_drains_is_not_taken_for_a_new_one(
    web: Pipeline,
) -> None:
    """ECS may list an older deployment and no longer the one that was replaced."""
    aws = web.aws
    older = aws.register("web", f"{HOST}/app:prod@{OLD}", cpu="1")
    service = aws.services["prod", "web"]
    service["deployments"].append({"id": "old", "status": "ACTIVE", "taskDefinition": older, "createdAt": 9})

    def forget(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "after"):
            service["deployments"] = [d for d in service["deployments"] if d["id"] != "ecs-svc/0"]

    aws.hook = forget
    web.push("app", "prod", NEW)

    assert aws.running("prod", "web")["cpu"] == "256", "an old deployment was built upon"


def test_a_service_that_was_put_on_hold_meanwhile_is_left_alone(web: Pipeline) -> None:
    def hold(action: str, phase: str) -> None:
        if (action, phase) == ("RegisterTaskDefinition", "after"):
            web.aws.services["prod", "web"]["tags"] = [{"key": "tagalong:hold", "value": "true"}]

    web.aws.hook = hold
    web.push("app", "prod", NEW)

    assert web.aws.calls["UpdateService"] == 0
