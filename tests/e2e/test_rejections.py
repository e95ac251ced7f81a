"""What failed together is held together, and what runs is rejected no more."""

import pytest

from support.system import System, circuit_breaker

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e-paced")]


def test_app_and_sidecar_that_failed_together_are_held_until_one_of_them_is_pushed_anew(
    paced: System,
) -> None:
    paced.create_repositories("pair/app", "pair/proxy")
    paced.publish("pair/app:prod", "first"), paced.publish("pair/proxy:prod", "first")
    paced.serve("pair", "web", paced.register("pair", "pair/app:prod", "pair/proxy:prod"))
    app = paced.push("pair/app:prod", "good")
    paced.eventually(lambda: paced.images("pair", "web")[0], f"pair/app@{app}", "the app under way")
    proxy = paced.push("pair/proxy:prod", "bad", broken=True)
    both = [f"pair/app@{app}", f"pair/proxy@{proxy}"]
    paced.eventually(lambda: paced.images("pair", "web"), both, "the proxy over the app")
    paced.end_step("pair", "web")  # it fails
    paced.end_step("pair", "web")  # and is rolled back
    paced.eventually(lambda: paced.rollouts("pair", "web"), ["replaced", "rolled-back"], "the outcomes")
    revisions = paced.revisions("pair")

    assert paced.sweep("pair") == paced.sweep("pair") == {"web": "rolled-back"}
    assert (paced.runs("pair", "web"), paced.revisions("pair")) == ("pair:1", revisions)

    fixed = paced.push("pair/proxy:prod", "fixed")
    both = [f"pair/app@{app}", f"pair/proxy@{fixed}"]
    paced.eventually(lambda: paced.images("pair", "web"), both, "both, after the repair")
    paced.end_step("pair", "web")
    paced.eventually(lambda: paced.rollouts("pair", "web")[2:], ["completed"], "the last outcome")


def test_an_image_that_failed_and_then_ran_is_deployed_when_its_tag_moves_back_to_it(paced: System) -> None:
    """It had failed because of something else: a sidecar that tagalong does not follow."""
    paced.create_repositories("back/app", "back/agent")
    paced.publish("back/app:prod", "first"), paced.publish("back/agent:1", "good")
    _serve_with_an_agent(paced)
    paced.push("back/agent:1", "bad", broken=True)
    x = paced.push("back/app:prod", "x")
    _fails(paced, x, ["failed"])

    paced.push("back/agent:1", "good")
    paced.deploy("back", "web", forceNewDeployment=True)
    paced.end_step("back", "web")
    new = paced.push("back/app:prod", "new", broken=True)
    _fails(paced, new, ["failed", "failed"])
    assert paced.push("back/app:prod", "x") == x

    paced.eventually(lambda: paced.images("back", "web")[0], f"back/app@{x}", "the image that ran")
    paced.end_step("back", "web")
    paced.eventually(lambda: paced.rollouts("back", "web")[2:], ["completed"], "the last outcome")


def _serve_with_an_agent(system: System) -> None:
    images = {"app": "back/app:prod", "agent": "back/agent:1"}
    containers = [{"name": name, "image": system.image(it), "memory": 64} for name, it in images.items()]
    containers[1]["dockerLabels"] = {"tagalong.rule": "pin"}
    revision = system.register("back", containerDefinitions=containers)
    system.serve("back", "web", revision, deploymentConfiguration=circuit_breaker(rollback=False))


def _fails(system: System, digest: str, rollouts: list[str]) -> None:
    """And ECS leaves it at that."""
    system.eventually(lambda: system.images("back", "web")[0], f"back/app@{digest}", "the image that fails")
    system.end_step("back", "web")
    system.eventually(lambda: system.rollouts("back", "web"), rollouts, "the failure")
