"""The rule `force`: ECS resolves the tag anew, and the revision stays."""

from dataclasses import replace

import pytest

from emulator.embedded import EmbeddedAws
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e-paced")]

FORCE = [{"key": "tagalong:rule", "value": "force"}]


@pytest.fixture(scope="module")
def force_only(paced_cloud: EmbeddedAws) -> System:
    """The stack with mode `force`, in an account of its own."""
    return System.deployed(replace(paced_cloud, account="432109876543"), mode="force")


def test_a_service_with_the_rule_force_is_deployed_anew_and_keeps_its_revision(paced: System) -> None:
    paced.create_repositories("forced")
    paced.publish("forced:prod", "first")
    paced.serve("forced", "web", paced.register("forced", "forced:prod"), tags=FORCE)

    digest = paced.push("forced:prod", "second")

    paced.eventually(lambda: paced.resolved("forced", "web"), [digest], "a forced deployment")
    paced.end_step("forced", "web")
    paced.eventually(lambda: paced.rollouts("forced", "web"), ["completed"], "its end")
    before = paced.service("forced", "web")
    assert paced.sweep("forced") == {"web": "up-to-date"}
    assert paced.service("forced", "web") == before
    assert (paced.runs("forced", "web"), paced.revisions("forced")) == ("forced:1", 1)


def test_an_image_that_was_rolled_back_is_not_forced_again(paced: System) -> None:
    paced.create_repositories("forced-bad")
    good = paced.publish("forced-bad:prod", "good")
    paced.serve("forced-bad", "web", paced.register("forced-bad", "forced-bad:prod"), tags=FORCE)
    bad = paced.push("forced-bad:prod", "bad", broken=True)
    paced.eventually(lambda: paced.resolved("forced-bad", "web"), [bad], "a forced deployment")
    paced.end_step("forced-bad", "web")
    paced.end_step("forced-bad", "web")
    paced.eventually(lambda: paced.rollouts("forced-bad", "web"), ["rolled-back"], "the end of the rollback")

    assert paced.sweep("forced-bad") == {"web": "rolled-back"}
    assert paced.resolved("forced-bad", "web") == [good]


def test_a_stack_with_mode_force_follows_tags_though_it_may_register_nothing(force_only: System) -> None:
    actions = _allowed(force_only, "DeployerFunction")
    assert "ecs:UpdateService" in actions
    assert not actions & {"ecs:RegisterTaskDefinition", "ecs:TagResource", "iam:PassRole"}
    force_only.create_repositories("web")
    force_only.put_image("web:prod", "first")
    force_only.serve("prod", "web", force_only.register("web", "web:prod"))

    digest = force_only.put_image("web:prod", "second")

    force_only.eventually(lambda: force_only.resolved("prod", "web"), [digest], "a forced deployment")
    force_only.end_step("prod", "web")
    force_only.eventually(lambda: force_only.rollouts("prod", "web"), ["completed"], "its end")
    assert force_only.revisions("web") == 1


def _allowed(system: System, output: str) -> set[str]:
    """The actions that the policies of the function's role allow."""
    iam, function = system.aws.client("iam"), system.outputs[output]
    role = system.aws.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    name = role.rpartition("/")[2]
    policies = [
        iam.get_role_policy(RoleName=name, PolicyName=it)["PolicyDocument"]
        for it in iam.list_role_policies(RoleName=name)["PolicyNames"]
    ]
    assert not iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    statements = [statement for policy in policies for statement in policy["Statement"]]
    actions = [statement["Action"] for statement in statements if statement["Effect"] == "Allow"]
    return {action for some in actions for action in ([some] if isinstance(some, str) else some)}
