"""A person, CloudFormation or Terraform changes a service while we are at it: their change is never lost."""

import pytest

from fakes.aws import HOST, FakeAws
from fakes.pipeline import Pipeline

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
