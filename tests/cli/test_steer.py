"""`tagalong hold`, `resume`, `retry`, `enable` and `disable`"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import HOST, Refused
from support.shop import NEW, NEWER, OLD, Shop

Golden = Callable[[str, str], None]


@pytest.fixture
def web(shop: Shop) -> Shop:
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    return shop


def tags(shop: Shop) -> dict[str, str]:
    return {it["key"]: it["value"] for it in shop.aws.services["prod", "web"].get("tags", ())}


def test_hold_keeps_a_service_as_it_is(web: Shop, golden: Golden) -> None:
    golden("hold", web.run("hold", "web", answer="y\n"))
    web.push(NEW)
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web:prod@{OLD}"]


def test_hold_ends_at_its_time(web: Shop) -> None:
    web.run("hold", "web", "--until", "2026-11-26T12:00Z", "--yes")
    web.push(NEW)
    web.aws.advance(timedelta(hours=3))
    web.pipeline.sweep()
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


@pytest.mark.parametrize("until", ["tomorrow", "2026-11-26T09:00Z"])
def test_hold_takes_no_time_that_would_not_hold(web: Shop, until: str) -> None:
    web.run("hold", "web", "--until", until, "--yes", code=1)
    assert tags(web) == {}


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_nothing_is_changed_unless_a_person_agrees(web: Shop, answer: str) -> None:
    assert "nothing was changed" in web.run("hold", "web", answer=answer, code=1)
    assert tags(web) == {}
    assert web.payloads == []


def test_resume_moves_a_service_at_once(web: Shop, golden: Golden) -> None:
    web.run("hold", "web", "--yes")
    web.push(NEW)
    golden("resume", web.run("resume", "web", "--yes"))
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


def test_resume_of_what_is_not_held_changes_nothing(web: Shop) -> None:
    before = web.aws.calls.copy()
    assert "nothing to change" in web.run("resume", "web")
    assert (web.aws.calls - before)["UntagResource"] == 0


def test_retry_deploys_again_what_ecs_rolled_back(web: Shop, golden: Golden) -> None:
    web.push(NEW)
    web.fail("web")
    golden("retry", web.run("retry", "web", "--yes"))
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


def test_retry_uses_the_time_of_aws(web: Shop) -> None:
    """A laptop whose clock is ahead would set a time in the future, and misconfigure the service."""
    web.run("retry", "web", "--yes")
    assert tags(web) == {"tagalong:retry": f"{web.aws.clock - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"}


def test_retry_starts_what_ecs_did_not_roll_back_again(web: Shop) -> None:
    web.push(NEW)
    web.pipeline.tell(*web.aws.fail_without_rollback("prod", "web"))
    assert "force a new deployment" in web.run("retry", "web", "--yes")
    web.complete("web")
    assert web.json("why", "web")["reason"] == "up-to-date"
    assert web.pipeline.record("prod", "web").rejections == ()  # type: ignore[union-attr]  # it has one


def test_retry_follows_the_tag_again_after_a_person_went_back(web: Shop) -> None:
    web.push(NEW)
    web.complete("web")
    web.aws.advance(timedelta(hours=1))
    web.aws.deploy(web.aws.services["prod", "web"], web.aws.register("web", f"{HOST}/shop/web:prod@{OLD}"))
    web.complete("web")
    web.aws.advance(timedelta(minutes=1))
    web.run("retry", "web", "--yes")
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEW}"]


def test_disable_and_enable_are_literal_tags(web: Shop) -> None:
    assert web.json("disable", "web", "--yes")["reason"] == "opted-out"
    web.push(NEWER)
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web:prod@{OLD}"]
    assert web.json("enable", "web", "--yes")["tags"] == {"tagalong:enabled": "true"}
    assert web.aws.images("prod", "web") == [f"{HOST}/shop/web@{NEWER}"]


def test_a_tag_that_is_set_is_told_even_where_the_check_is_refused(web: Shop) -> None:
    web.lambda_refuses = True
    output = " ".join(web.run("hold", "web", "--yes", code=1).split())
    assert "it is done, and tagalong does not know yet: Invoke: AccessDeniedException" in output
    assert tags(web) == {"tagalong:hold": "true"}


def test_what_the_caller_may_not_tag_is_an_error_with_a_remedy(web: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("TagResource", "before"):
            raise Refused("AccessDeniedException", "not authorized to perform: ecs:TagResource")

    web.aws.hook = refuse
    output = web.run("hold", "web", "--yes", code=1)
    assert "not authorized to perform: ecs:TagResource" in output
    assert "-> ask for that right" in output


def test_nothing_is_steered_where_nothing_is_installed(web: Shop) -> None:
    web.installed = False
    web.run("hold", "web", "--yes", code=1)
    assert tags(web) == {}
