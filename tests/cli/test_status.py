"""`tagalong status`"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.shop import NEW, OLD, Shop
from tagalong.model.decisions import SkipReason
from tagalong.model.states import Group, group_of

LEFT_ALONE = {
    *("tag-not-followed", "pinned-by-digest", "pinned-by-rule", "out-of-scope", "not-opted-in", "opted-out"),
    *("code-deploy-controller", "external-controller", "express-mode"),
    *("service-not-active", "service-deleted"),
}
Golden = Callable[[str, str], None]


@pytest.fixture
def fleet(shop: Shop) -> Shop:
    """A service for each state."""
    for name in ("web-eu", "web-us", "worker"):
        shop.serve(name)
    shop.serve("paused", tags=[{"key": "tagalong:hold", "value": "true"}])
    shop.serve("oops", tags=[{"key": "tagalong:hold", "value": "yes"}])
    shop.serve("mine", tags=[{"key": "tagalong:enabled", "value": "false"}])
    shop.serve("api", repository="shop/api")
    for repository in ("shop/web", "shop/api"):
        shop.image(OLD, repository)
    shop.pipeline.sweep()
    shop.push(NEW)
    shop.fail("web-eu")
    shop.complete("worker")
    shop.aws.advance(timedelta(minutes=6))
    return shop


def test_status_shows_what_needs_a_person_first(fleet: Shop, golden: Golden) -> None:
    golden("status", fleet.run("status", code=2))


def test_status_lists_everything_on_request(fleet: Shop, golden: Golden) -> None:
    golden("status-all", fleet.run("status", "--all", code=2))


def test_status_exits_0_when_nothing_needs_a_person(shop: Shop) -> None:
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    assert "1 in sync" in shop.run("status", code=0)


def test_status_for_programs_holds_digests_in_full(fleet: Shop) -> None:
    answer = fleet.json("status", code=2)
    assert answer["counts"]["needs-you"] == 2
    [service] = [it for it in answer["services"] if it["service"] == "web-eu"]
    assert (service["state"], service["reason"]) == ("needs-you", "rolled-back")
    assert service["next"] == "tagalong retry prod/web-eu"
    [container] = service["containers"]
    assert (container["wants"], container["runs"]["digest"]) == (NEW, OLD)


def test_status_shows_only_the_services_that_follow_a_repository(fleet: Shop) -> None:
    answer = fleet.json("status", "--repository", "shop/a*")
    assert [it["service"] for it in answer["services"]] == ["api"]


def test_status_shows_only_the_services_of_a_cluster(fleet: Shop) -> None:
    fleet.aws.serve("test", "other", fleet.aws.register("other", "nginx"))
    assert [it["service"] for it in fleet.json("status", "--cluster", "test")["services"]] == ["other"]


def test_status_names_a_cluster_that_does_not_exist(fleet: Shop) -> None:
    assert "there is no cluster 'tset'" in fleet.run("status", "--cluster", "tset", code=1)


def test_status_shows_what_is_there_before_anything_is_installed(shop: Shop) -> None:
    shop.installed = False
    shop.serve("web")
    shop.image(NEW)
    answer = shop.json("status")
    assert answer["installed"] is False
    assert [it["reason"] for it in answer["services"]] == ["adopted"]


def test_status_that_is_watched_looks_again_until_ctrl_c(
    fleet: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pause(_seconds: float) -> None:
        if fleet.aws.services["prod", "web-us"]["deployments"][0]["rolloutState"] == "COMPLETED":
            raise KeyboardInterrupt
        fleet.aws.complete("prod", "web-us")

    monkeypatch.setattr("cli.status.sleep", pause)
    output = fleet.run("status", "--watch", code=130)
    assert output.index("1 moving") < output.index("3 in sync")


def test_status_writes_nothing_to_aws(fleet: Shop) -> None:
    before = len(fleet.aws.requests)
    fleet.run("status", "--all", code=2)
    actions = {action for action, _ in fleet.aws.requests[before:]}
    assert {
        it for it in actions if not it.startswith(("List", "Describe", "Get", "BatchGet", "Query"))
    } == set()


def test_status_reads_each_service_and_each_tag_once(fleet: Shop) -> None:
    before = fleet.aws.calls.copy()
    fleet.run("status", code=2)
    calls = fleet.aws.calls - before
    assert (calls["DescribeServices"], calls["DescribeImages"]) == (1, 2)


def test_status_shows_hostile_text_as_one_harmless_line(shop: Shop) -> None:
    shop.serve("web", tags=[{"key": "tagalong:hold", "value": "\x1b]8;;https://evil.example\x07x\x1b[2J\n!"}])
    output = shop.run("status", code=2)
    assert not any(it in output for it in ("\x1b", "\x07", "https://", "\n!"))


@pytest.mark.parametrize("reason", SkipReason)
def test_every_reason_belongs_to_a_group(reason: str) -> None:
    assert (group_of(reason) is Group.LEFT_ALONE) == (reason in LEFT_ALONE)
