"""`tagalong doctor`"""

from collections.abc import Callable
from typing import Any

import pytest

from support.fake_aws import ACCOUNT, HOST, Refused
from support.shop import NEW, NEWER, OLD, Shop
from support.templates import stack

Golden = Callable[[str, str], None]
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/web"


@pytest.fixture
def web(shop: Shop) -> Shop:
    revision = shop.aws.register("web", f"{HOST}/shop/web:prod@{OLD}", taskRoleArn=ROLE)
    shop.aws.serve("prod", "web", revision)
    shop.image(OLD)
    shop.pipeline.sweep()
    return shop


def findings(shop: Shop, code: int | None) -> dict[str, dict[str, Any]]:
    """By check, those that are not well."""
    found = shop.json("doctor", code=code)["findings"]
    return {it["check"]: it for it in found if it["level"] != "ok"}


def test_doctor_finds_nothing_where_all_is_well(web: Shop, golden: Golden) -> None:
    assert findings(web, 0) == {}
    golden("doctor-well", web.run("doctor"))


def test_doctor_says_what_is_wrong_and_what_to_do(web: Shop, golden: Golden) -> None:
    web.stack_state, web.mapping = "UPDATE_ROLLBACK_COMPLETE", "Disabled"
    web.alarms = {"tagalong-AlarmsJobFailed1A2B": "Threshold Crossed: 1 datapoint was greater than 0"}
    web.unpassable = {ROLE}
    web.give_up("undelivered", {"sweep": {}})
    web.settings["TAGALONG_CLUSTERS"] = "prod,tset"
    web.aws.serve("prod", "old", web.aws.register("old", f"{HOST}/shop/web:prod@{NEW}"), breaker={})
    web.aws.serve(
        "prod", "oops", web.aws.register("oops", "x"), tags=[{"key": "tagalong:hold", "value": "?"}]
    )
    golden("doctor", web.run("doctor", code=2))


def test_doctor_names_an_image_that_runs_and_has_lost_its_tag(web: Shop) -> None:
    web.push(NEW)
    web.fail("web")
    web.push(NEWER)
    web.fail("web")
    assert "prod/web runs shop/web@00000000, which has no tag" in findings(web, 2)["lost tags"]["message"]


def test_doctor_says_what_to_add_for_a_role_that_may_not_be_passed(web: Shop) -> None:
    web.unpassable = {ROLE}
    remedy = findings(web, 2)["roles"]["remedy"]

    assert remedy == 'add "team/web" to taskRoles in cdk.json, make deploy'
    named = stack(taskRoles=["team/web"]).permission("deployer", "iam:PassRole")["Resource"]
    assert named["Fn::Sub"].endswith(ROLE.partition("::")[2].partition(":")[2])


@pytest.mark.parametrize(
    ("guard", "remedy"),
    [
        (
            "PermissionsBoundary",
            "let the permissions boundary of the deployer allow iam:PassRole on it",
        ),
        (
            "Organizations",
            "a service control policy of your organization denies iam:PassRole on it: have it allowed there",
        ),
    ],
)
def test_doctor_knows_who_else_can_refuse_to_pass_a_role(web: Shop, guard: str, remedy: str) -> None:
    web.unpassable, web.refused_by = {ROLE}, guard

    assert findings(web, 2)["roles"]["remedy"] == remedy


def test_with_mode_force_doctor_asks_for_no_role(web: Shop) -> None:
    web.unpassable, web.settings["TAGALONG_MODE"] = {ROLE}, "force"

    assert "roles" not in findings(web, None)


def test_doctor_says_what_it_may_not_look_at(web: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("ListServices", "before"):
            raise Refused("AccessDeniedException", "not authorized: ecs:ListServices")

    web.aws.hook = refuse
    unknown = findings(web, 0)
    assert {it["level"] for it in unknown.values()} == {"unknown"}
    assert "not authorized: ecs:ListServices" in unknown["services"]["message"]


def test_doctor_tells_a_dry_run(web: Shop) -> None:
    web.settings["TAGALONG_DRY_RUN"] = "true"
    assert findings(web, 0)["stack"]["level"] == "note"


def test_doctor_needs_the_stack(web: Shop) -> None:
    web.installed = False
    assert "there is no stack 'tagalong'" in web.run("doctor", code=1)
