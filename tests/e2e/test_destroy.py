"""tagalong is removed and deployed again: what it has forgotten it leaves as it is."""

from dataclasses import replace

import pytest

from emulator.deployment import cdk
from emulator.embedded import EmbeddedAws
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e-paced")]


def test_an_image_that_failed_is_not_deployed_by_a_tagalong_that_was_destroyed_and_deployed_again(
    paced_cloud: EmbeddedAws,
) -> None:
    system = System.deployed(replace(paced_cloud, account="543210987654"))
    system.create_repositories("web")
    good = system.put_image("web:prod", "good")
    system.serve("prod", "web", system.register("web", f"web:prod@{good}"))
    bad = system.put_image("web:prod", "bad", broken=True)
    system.eventually(lambda: system.images("prod", "web"), [f"web@{bad}"], "the image that fails")
    system.end_step("prod", "web")
    system.end_step("prod", "web")
    system.eventually(lambda: system.rollouts("prod", "web"), ["rolled-back"], "the end of the rollback")
    before, revisions = system.service("prod", "web"), system.revisions("web")

    _destroy(system)
    again = _deployed_again(system)

    assert again.sweep("prod") == {"web": "adopted"}
    assert (again.service("prod", "web"), again.revisions("web")) == (before, revisions)
    fixed = again.put_image("web:prod", "fixed")
    again.eventually(lambda: again.images("prod", "web"), [f"web@{fixed}"], "the repaired image")


def _destroy(system: System) -> None:
    _cdk(system, "destroy", "--force")
    assert not system.aws.client("dynamodb").list_tables()["TableNames"]


def _deployed_again(system: System) -> System:
    _cdk(system, "deploy", "--require-approval", "never")
    [stack] = system.aws.client("cloudformation").describe_stacks(StackName="tagalong")["Stacks"]
    return System(system.aws, {it["OutputKey"]: it["OutputValue"] for it in stack["Outputs"]})


def _cdk(system: System, command: str, *options: str) -> None:
    """With the template that is there: synthesizing it again would take a while."""
    cdk(system.aws, command, "tagalong", "--app", str(system.aws.directory / "cdk.out"), *options)
