"""`tagalong sweep`, `check` and `wait`"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import HOST, Refused
from support.shop import NEW, OLD, Shop

Golden = Callable[[str, str], None]


@pytest.fixture
def web(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Two services that have run the old image for long."""
    revision = shop.serve("web")
    shop.aws.serve("prod", "web-us", revision)
    shop.image(OLD)
    shop.pipeline.sweep()
    monkeypatch.setattr("cli.follow.sleep", shop.sleep)
    return shop


# -- sweep ----------------------------------------------------------------------------------------------


def test_sweep_moves_what_lost_its_event_and_waits_for_it(web: Shop, golden: Golden) -> None:
    web.image(NEW)
    web.later = [web.complete_all]
    golden("sweep", web.run("sweep"))
    assert web.payloads == [{"sweep": {}}]


def test_sweep_exits_2_when_a_rollout_fails(web: Shop) -> None:
    web.image(NEW)
    web.later = [lambda: web.fail("web"), lambda: web.complete("web-us")]
    answer = web.json("sweep", code=2)
    assert [it["reason"] for it in answer["services"]] == ["rolled-back", "up-to-date"]


def test_sweep_of_a_cluster_and_a_repository_asks_for_these(web: Shop) -> None:
    web.run("sweep", "--cluster", "prod", "--repository", "shop/web")
    assert web.payloads == [{"sweep": {"cluster": "prod", "repository": "shop/web"}}]


def test_sweep_does_not_wait_when_it_shall_not(web: Shop) -> None:
    web.image(NEW)
    assert "2 services of 2 to move" in web.run("sweep", "--no-wait")


def test_sweep_tells_the_error_of_the_finder(web: Shop) -> None:
    web.refuses = "cluster test: AccessDeniedException"
    assert "the finder failed: cluster test: AccessDeniedException" in web.run("sweep", code=1)


def test_sweep_needs_the_stack(web: Shop) -> None:
    web.installed = False
    assert "there is no stack 'tagalong'" in web.run("sweep", code=1)


# -- check ------------------------------------------------------------------------------------------------


def test_check_of_an_image_is_as_good_as_a_push(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look adopts what runs; a push moves it."""
    monkeypatch.setattr("cli.follow.sleep", shop.sleep)
    shop.serve("web")
    shop.image(NEW)
    shop.pipeline.sweep()
    assert shop.aws.images("prod", "web") == [f"{HOST}/shop/web:prod@{OLD}"]
    shop.later = [shop.complete_all]
    shop.run("check", "shop/web:prod")
    assert shop.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


def test_check_of_a_service_looks_at_no_other(web: Shop) -> None:
    web.image(NEW)
    web.later = [lambda: web.complete("web")]
    web.run("check", "web")
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]
    assert web.aws.images("prod", "web-us") == [f"{HOST}/shop/web:prod@{OLD}"]


def test_check_says_what_holds_a_service(web: Shop, golden: Golden) -> None:
    web.push(NEW)
    web.fail("web")
    golden("check-held", web.run("check", "web", code=2))


# -- wait -------------------------------------------------------------------------------------------------


def test_wait_ends_when_every_service_runs_what_was_pushed(web: Shop, golden: Golden) -> None:
    web.push(NEW)
    web.later = [lambda: None, lambda: web.complete("web"), lambda: web.complete("web-us")]
    golden("wait", web.run("wait", "shop/web:prod"))


def test_wait_exits_2_when_a_rollout_failed(web: Shop) -> None:
    web.push(NEW)
    web.later = [web.complete_all_but("web"), lambda: web.fail("web")]
    assert "rolled-back" in web.run("wait", "shop/web:prod", code=2)


def test_wait_exits_2_when_it_takes_longer_than_it_may(web: Shop) -> None:
    web.push(NEW)
    answer = web.json("wait", "web", "--timeout", "2", code=2)
    assert answer["timed_out"] is True
    assert [it["reason"] for it in answer["services"]] == ["deployment-in-progress"]


def test_wait_lets_the_event_of_the_push_arrive(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until then a service that was never looked at stays as it is."""
    monkeypatch.setattr("cli.follow.sleep", shop.sleep)
    shop.serve("web")
    event = shop.aws.push("shop/web", "prod", NEW)
    shop.later = [lambda: shop.pipeline.deliver(event), shop.pipeline.work, shop.complete_all]
    assert "in-sync" in shop.json("wait", "shop/web:prod")["services"][0]["state"]


def test_wait_gives_what_is_held_a_minute_and_no_more(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.follow.sleep", shop.sleep)
    shop.serve("web")
    shop.image(NEW)
    before = shop.aws.clock
    assert "adopted" in shop.run("wait", "shop/web:prod", code=2)
    assert timedelta(minutes=1) <= shop.aws.clock - before < timedelta(minutes=2)


def test_wait_survives_a_call_that_fails_once(web: Shop) -> None:
    web.push(NEW)
    failures = iter([Refused("ServerException", "try later", 500)] * 20)

    def fail(action: str, phase: str) -> None:
        if (action, phase) == ("GetItem", "before") and (error := next(failures, None)):
            raise error

    web.aws.hook = fail
    web.later = [lambda: setattr(web.aws, "hook", lambda *_: None), web.complete_all]
    web.run("wait", "web")


def test_wait_says_that_nobody_follows_the_image(web: Shop) -> None:
    web.image(NEW, repository="shop/other")
    assert "no service follows 'shop/other:prod'" in web.run("wait", "shop/other:prod", code=1)
