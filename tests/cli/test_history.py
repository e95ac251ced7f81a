"""`tagalong history`"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import HOST, Refused
from support.shop import NEW, NEWER, OLD, Shop

Golden = Callable[[str, str], None]


@pytest.fixture
def lively(shop: Shop) -> Shop:
    """Two pushes, of which the second fails; then a person goes back."""
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    shop.aws.advance(timedelta(days=2))
    shop.push(NEW)
    shop.aws.advance(timedelta(minutes=4))
    shop.complete("web")
    shop.aws.advance(timedelta(hours=20))
    shop.push(NEWER)
    shop.aws.advance(timedelta(minutes=8))
    shop.fail("web")
    shop.aws.advance(timedelta(hours=2))
    shop.aws.deploy(shop.aws.services["prod", "web"], shop.aws.register("web", f"{HOST}/shop/web:prod@{OLD}"))
    shop.complete("web")
    shop.aws.advance(timedelta(minutes=30))
    return shop


def test_history_tells_who_deployed_what_and_how_it_ended(lively: Shop, golden: Golden) -> None:
    golden("history", lively.run("history", "web"))


def test_history_for_programs_has_all_times_and_digests(lively: Shop) -> None:
    answer = lively.json("history", "web")
    person, failed, completed = answer["deployments"]
    assert (person["ours"], person["to"], person["images"][0]["digest"]) == (False, "web:4", OLD)
    assert (failed["result"], failed["from"], failed["to"]) == ("rolled back", "web:2", "web:3")
    assert "circuit breaker" in failed["reason"]
    assert (completed["ours"], completed["by"]) == (True, "push shop/web:prod")
    assert completed["started"] < completed["ended"] < failed["started"]


def test_history_shows_as_many_as_are_wanted(lively: Shop) -> None:
    [newest] = lively.json("history", "web", "--limit", "1")["deployments"]
    assert newest["from"] == "web:2"  # the one that failed between is none that it came after


def test_history_says_that_ecs_lists_none(shop: Shop) -> None:
    shop.serve("web")
    assert "ECS lists no deployment of prod/web" in shop.run("history", "web")


def test_history_ends_with_an_error_where_ecs_does_not_tell(lively: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("ListServiceDeployments", "before"):
            raise Refused("AccessDeniedException", "not authorized: ecs:ListServiceDeployments")

    lively.aws.hook = refuse
    assert "not authorized" in lively.run("history", "web", code=1)


def test_history_works_where_the_table_cannot_be_read(lively: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if action in {"GetItem", "Query"} and phase == "before":
            raise Refused("AccessDeniedException", f"not authorized: dynamodb:{action}")

    lively.aws.hook = refuse
    answer = lively.json("history", "web")
    assert len(answer["deployments"]) == 3
    assert "not authorized" in answer["unknown"]
