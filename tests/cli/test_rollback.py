"""`tagalong rollback`"""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import HOST, Refused
from support.shop import NEW, NEWER, OLD, Shop

Golden = Callable[[str, str], None]


@pytest.fixture
def web(shop: Shop) -> Shop:
    """Made three days ago with a plain tag; pushed to twice since."""
    shop.image(OLD)
    shop.aws.create_service("prod", "web", shop.aws.register("web", f"{HOST}/shop/web:prod"))
    shop.aws.resolve("prod", "web", c0=OLD)
    shop.complete("web")
    shop.pipeline.sweep()
    for digest in (NEW, NEWER):
        shop.aws.advance(timedelta(days=1))
        shop.push(digest)
        shop.complete("web")
    shop.aws.advance(timedelta(hours=2))
    return shop


def runs(shop: Shop) -> list[str]:
    return shop.aws.images("prod", "web")


def test_rollback_goes_back_to_the_last_other_image(web: Shop, golden: Golden) -> None:
    golden("rollback", web.run("rollback", "web", answer="y\n"))
    assert runs(web) == [f"{HOST}/shop/web@{NEW}"]


def test_rollback_stays_until_the_next_push(web: Shop) -> None:
    web.run("rollback", "web", "--yes")
    web.complete("web")
    web.pipeline.settle()
    web.pipeline.sweep()
    assert web.json("why", "web")["reason"] == "replaced-by-person"
    web.push("sha256:" + "a" * 64)
    assert runs(web) == [f"{HOST}/shop/web@sha256:{'a' * 64}"]


def test_rollback_to_a_revision_with_a_plain_tag_pins_what_ran_then(web: Shop) -> None:
    """Its tag names another image by now."""
    output = web.run("rollback", "web", "--to", OLD[7:15], "--yes")
    assert "since web:1 names a tag" in " ".join(output.split())
    assert runs(web) == [f"{HOST}/shop/web@{OLD}"]
    web.complete("web")
    web.pipeline.settle()
    web.pipeline.sweep()
    assert runs(web) == [f"{HOST}/shop/web@{OLD}"]


def test_rollback_to_an_inactive_revision_registers_an_equal_one(web: Shop) -> None:
    web.aws.revisions["web"][1]["status"] = "INACTIVE"
    answer = web.json("rollback", "web", "--to", "web:2", "--yes")
    assert answer["by"] == "RegisterTaskDefinition, UpdateService"
    assert answer["to"]["revision"] == "web:4"
    assert runs(web) == [f"{HOST}/shop/web@{NEW}"]


def test_rollback_of_a_rollout_under_way_stops_it(web: Shop, golden: Golden) -> None:
    web.push("sha256:" + "a" * 64)
    golden("rollback-under-way", web.run("rollback", "web", "--yes"))
    assert web.aws.calls["UpdateService"] == 3
    web.pipeline.tell(*web.aws.fail("prod", "web", "person"))
    web.pipeline.tell(*web.aws.complete_rollback("prod", "web"))
    web.pipeline.sweep()
    assert runs(web) == [f"{HOST}/shop/web@{NEWER}"]
    assert web.json("why", "web", code=2)["reason"] == "rolled-back"


def test_rollback_passes_over_what_failed(web: Shop) -> None:
    web.push("sha256:" + "a" * 64)
    web.fail("web")
    assert web.json("rollback", "web", "--yes")["to"]["images"] == {"c0": NEW}


def test_rollback_refuses_an_image_that_ecr_has_no_more(web: Shop) -> None:
    web.aws.delete_image("shop/web", NEW)
    assert "ECR has shop/web@sha256:eeeeeeee no more" in web.run("rollback", "web", "--yes", code=1)
    assert runs(web) == [f"{HOST}/shop/web@{NEWER}"]


def test_rollback_names_what_it_could_go_back_to(web: Shop) -> None:
    output = " ".join(web.run("rollback", "web", "--to", "12345678", "--yes", code=1).split())
    assert "no completed deployment of prod/web is '12345678'" in output
    assert "prod@eeeeeeee (web:2), prod@00000000 (web:1)" in output


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_rollback_changes_nothing_unless_a_person_agrees(web: Shop, answer: str) -> None:
    before = web.aws.calls["UpdateService"]
    web.run("rollback", "web", answer=answer, code=1)
    assert web.aws.calls["UpdateService"] == before


def test_rollback_says_who_deploys_a_service_of_codedeploy(web: Shop) -> None:
    web.aws.services["prod", "web"]["deploymentController"] = {"type": "CODE_DEPLOY"}
    assert "CodeDeploy deploys it" in web.run("rollback", "web", "--yes", code=1)


def test_rollback_needs_the_history_of_ecs(web: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("ListServiceDeployments", "before"):
            raise Refused("AccessDeniedException", "not authorized: ecs:ListServiceDeployments")

    web.aws.hook = refuse
    assert "ecs:ListServiceDeployments" in web.run("rollback", "web", "--yes", code=1)


def test_rollback_does_not_go_over_what_somebody_deployed_meanwhile(web: Shop) -> None:
    def deploy(action: str, phase: str) -> None:
        if (action, phase) == ("DescribeImages", "after"):
            web.aws.hook = lambda *_: None
            web.aws.deploy(web.aws.services["prod", "web"], web.aws.register("web", "nginx:1"))

    web.aws.hook = deploy
    assert "was deployed meanwhile" in web.run("rollback", "web", "--yes", code=1)
    assert runs(web) == ["nginx:1"]
