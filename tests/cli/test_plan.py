"""`tagalong plan`"""

from collections.abc import Callable

import pytest

from support.fake_aws import HOST, Refused
from support.shop import NEW, OLD, Shop

Golden = Callable[[str, str], None]
READS = ("List", "Describe", "Get", "BatchGet", "Query")


@pytest.fixture
def pushed(shop: Shop) -> Shop:
    """A tag has moved, and its event has not arrived."""
    web = shop.serve("web-eu")
    shop.aws.serve("prod", "web-us", web)
    shop.serve("staging", tag="staging")
    shop.serve("paused", tags=[{"key": "tagalong:hold", "value": "true"}])
    shop.serve("reports", tags=[{"key": "tagalong:rule", "value": "latest"}])
    shop.aws.serve("prod", "nginx", shop.aws.register("nginx", "nginx:1"))
    shop.image(OLD, tag="staging")
    shop.image(OLD)
    shop.pipeline.sweep()
    shop.image(NEW)
    return shop


def test_plan_shows_what_a_push_would_move(pushed: Shop, golden: Golden) -> None:
    golden("plan-push", pushed.run("plan", "shop/web:prod", code=3))


def test_plan_shows_what_a_sweep_would_move(pushed: Shop, golden: Golden) -> None:
    golden("plan-all", pushed.run("plan", "--all", code=3))


def test_plan_works_before_anything_is_installed(pushed: Shop, golden: Golden) -> None:
    pushed.installed = False
    pushed.aws.table.clear()
    golden("plan-not-installed", pushed.run("plan", "shop/web:prod", code=3))


def test_plan_before_anything_is_installed_only_reads(pushed: Shop) -> None:
    pushed.installed = False
    before = len(pushed.aws.requests)
    pushed.run("plan", "shop/web:prod", code=3)
    pushed.run("plan", "--all", code=2)
    actions = {action for action, _ in pushed.aws.requests[before:]}
    assert {it for it in actions if not it.startswith(READS)} == set()
    assert not actions & {"GetItem", "BatchGetItem", "Query"}


def test_plan_is_what_the_push_then_does(pushed: Shop) -> None:
    planned = pushed.json("plan", "shop/web:prod", code=3)
    pushed.aws.calls.clear()
    pushed.push(NEW)
    calls = {action: pushed.aws.calls[action] for action in planned["calls"]}
    assert calls == planned["calls"] == {"RegisterTaskDefinition": 1, "UpdateService": 2}
    for service in planned["services"]:
        changes = {it["container"]: it["digest"] for it in service["changes"]}
        if changes:
            assert pushed.aws.images("prod", service["service"]) == [f"{HOST}/shop/web@{changes['c0']}"]


def test_plan_exits_0_when_there_is_nothing_to_do(shop: Shop) -> None:
    shop.serve("web")
    shop.image(OLD)
    assert "in sync" in shop.run("plan", "shop/web:prod", code=0)


def test_plan_exits_1_when_a_service_could_not_be_read(pushed: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        asked = pushed.aws.requests[-1][1]
        if (action, phase) == ("DescribeTaskDefinition", "before") and "staging" in asked["taskDefinition"]:
            raise Refused("AccessDeniedException", "not authorized: ecs:DescribeTaskDefinition")

    pushed.aws.hook = refuse
    answer = pushed.json("plan", "shop/web:prod", code=1)
    assert [it["service"] for it in answer["services"] if it["reason"] == "error"] == ["staging"]


def test_plan_says_that_ecr_has_no_such_image(pushed: Shop) -> None:
    assert "ECR has no image 'shop/web:nope'" in pushed.run("plan", "shop/web:nope", code=1)


@pytest.mark.parametrize("arguments", [(), ("shop/web:prod", "--all")])
def test_plan_wants_an_image_or_everything(shop: Shop, arguments: tuple[str, ...]) -> None:
    assert "or give --all" in shop.run("plan", *arguments, code=1)


def test_plan_takes_an_image_with_its_registry(pushed: Shop) -> None:
    one = pushed.json("plan", f"{HOST}/shop/web:prod", code=3)
    assert one == pushed.json("plan", "shop/web:prod", code=3)
