"""`tagalong why`"""

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
    shop.aws.advance(timedelta(hours=3))
    return shop


def rolled_back(shop: Shop) -> Shop:
    shop.push(NEW)
    shop.complete("web")
    shop.aws.advance(timedelta(hours=1))
    shop.push(NEWER)
    shop.fail("web")
    shop.aws.advance(timedelta(minutes=7, seconds=29))
    task = shop.aws.run_task("prod", "web:2", group="service:web")
    shop.aws.stop_task(task, "Task failed to start", "CannotPullContainerError: no basic auth credentials")
    shop.aws.advance(timedelta(seconds=29))
    return shop


def test_why_tells_what_ecs_rolled_back_and_what_to_type(web: Shop, golden: Golden) -> None:
    golden("why-rolled-back", rolled_back(web).run("why", "web", code=2))


def test_why_says_that_a_service_runs_what_its_tag_names(web: Shop, golden: Golden) -> None:
    web.push(NEW)
    web.complete("web")
    golden("why-in-sync", web.run("why", "prod/web"))


def test_why_tells_what_a_person_deployed(web: Shop) -> None:
    web.push(NEW)
    web.complete("web")
    web.aws.advance(timedelta(hours=1))
    web.aws.deploy(web.aws.services["prod", "web"], web.aws.register("web", f"{HOST}/shop/web:prod@{OLD}"))
    web.complete("web")
    answer = web.json("why", "web")
    assert answer["reason"] == "replaced-by-person"
    assert "not by tagalong" in answer["timeline"][-2]["text"]
    assert answer["next"] == "tagalong retry prod/web"


def test_why_works_where_ecs_does_not_tell_its_deployments(web: Shop) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("ListServiceDeployments", "before"):
            raise Refused("AccessDeniedException", "not authorized: ecs:ListServiceDeployments")

    rolled_back(web).aws.hook = refuse
    output = " ".join(web.run("why", "web", code=2).split())
    assert "not authorized: ecs:ListServiceDeployments" in output


def test_why_names_the_services_that_are_near_a_misspelt_one(web: Shop) -> None:
    output = web.run("why", "wbe", code=1)
    assert "there is no service 'wbe' in prod" in output
    assert "did you mean web?" in output


def test_why_asks_for_the_cluster_of_a_name_that_is_in_two(web: Shop) -> None:
    web.aws.serve("test", "web", web.aws.register("web", f"{HOST}/shop/web:prod"))
    assert "write one of: prod/web, test/web" in web.run("why", "web", code=1)


def test_why_takes_the_arn_of_a_service(web: Shop) -> None:
    arn = web.aws.services["prod", "web"]["serviceArn"]
    assert web.json("why", arn)["service"] == "web"
