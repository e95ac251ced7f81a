"""`tagalong prune`"""

import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import ACCOUNT, HOST, Json, Refused
from support.fake_aws.schedules import ecs_target
from support.shop import OLD, Shop
from tagalong.aws.rate_limit import TokenBucket

Golden = Callable[[str, str], None]
DAY = timedelta(days=1)
SOON = ("--keep", "1", "--older", "0d")
READS = (
    *("ListTaskDefinitions", "DescribeTaskDefinition", "ListClusters", "ListServices", "DescribeServices"),
    *("ListServiceDeployments", "DescribeServiceRevisions", "ListTasks", "DescribeTasks"),
    *("ListEventBuses", "ListRules", "ListTargetsByRule", "ListSchedules", "GetSchedule", "BatchGetItem"),
)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def push(shop: Shop, *numbers: int, each: timedelta = DAY) -> None:
    """One after the other, each deployed before the next."""
    for number in numbers:
        shop.aws.advance(each)
        shop.push(digest(number))
        shop.complete_all()


@pytest.fixture
def web(shop: Shop) -> Shop:
    """web:1 is of a person, web:2 to web:9 of tagalong; each ran for a month."""
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    push(shop, *range(2, 10), each=30 * DAY)
    return shop


def offered(shop: Shop, *options: str) -> list[str]:
    answer = shop.json("prune", *(options or SOON), code=None)
    return [it["revision"] for it in answer["revisions"]]


def active(shop: Shop, family: str = "web") -> list[int]:
    return [it["revision"] for it in shop.aws.revisions[family] if it["status"] == "ACTIVE"]


def refuse(shop: Shop, action: str, code: str = "AccessDeniedException", after: int = 0) -> None:
    calls = 0

    def hook(called: str, phase: str) -> None:
        nonlocal calls
        if (called, phase) == (action, "before"):
            calls += 1
            if calls > after:
                raise Refused(code, f"not authorized to perform: {action}")

    shop.aws.hook = hook


def test_prune_lists_what_it_would_deregister_and_changes_nothing(web: Shop, golden: Golden) -> None:
    golden("prune", web.run("prune", "--keep", "3", code=3))
    assert active(web) == list(range(1, 10))
    assert not web.aws.calls["DeregisterTaskDefinition"]


def test_prune_deregisters_what_it_has_listed_and_deletes_nothing(web: Shop, golden: Golden) -> None:
    golden("prune-yes", web.run("prune", "--keep", "3", "--yes"))
    assert active(web) == [1, 7, 8, 9]
    assert not web.aws.calls["DeleteTaskDefinitions"]
    assert "No revision" in web.run("prune", "--keep", "3", "--yes")


def test_prune_tells_programs_each_revision(web: Shop) -> None:
    answer = web.json("prune", "--keep", "5", "--yes")
    assert (answer["keep"], answer["number"]) == (5, 3)
    first = {"revision": "web:2", "images": {"c0": f"{HOST}/shop/web@{digest(2)}"}, "deregistered": True}
    assert answer["revisions"][0].items() >= first.items()


def test_prune_offers_only_what_is_older_than_that(web: Shop) -> None:
    assert offered(web, "--keep", "1") == [f"web:{number}" for number in range(2, 7)]
    assert offered(web, "--keep", "1", "--older", "150d") == [f"web:{number}" for number in range(2, 5)]


def test_prune_leaves_the_last_of_each_family_and_of_each_service(web: Shop) -> None:
    """Also where it is long since the service was in that family."""
    assert offered(web, "--keep", "4", "--older", "0d") == [f"web:{number}" for number in range(2, 6)]
    service = web.aws.services["prod", "web"]
    for _ in range(3):
        web.aws.deploy(service, web.aws.register("new", f"{HOST}/shop/web:other"))
        web.complete("web")
    for _ in range(7):
        web.aws.register("web", "x")
    assert offered(web, "--keep", "1", "--older", "0d") == [f"web:{number}" for number in range(2, 8)]
    assert offered(web, "--keep", "6", "--older", "0d") == [f"web:{number}" for number in range(2, 7)]


@pytest.mark.parametrize(
    "registrar",
    [
        f"arn:aws:iam::{ACCOUNT}:user/ada",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer2/deployer",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/ada/deployer",
        "arn:aws:sts::999999999999:assumed-role/deployer/deployer",
        "",
    ],
)
def test_prune_leaves_what_somebody_else_has_registered(web: Shop, registrar: str) -> None:
    web.aws.revisions["web"][2]["registeredBy"] = registrar
    assert "web:3" not in offered(web)
    assert "web:4" in offered(web)


def test_prune_leaves_what_lacks_the_label_of_tagalong(web: Shop) -> None:
    del web.aws.revisions["web"][2]["containerDefinitions"][0]["dockerLabels"]
    assert "web:3" not in offered(web)


def test_prune_knows_the_role_of_the_deployer_by_its_name_whatever_its_path(
    web: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.account.Account.role", f"arn:aws:iam::{ACCOUNT}:role/team/x/deployer")
    assert "web:3" in offered(web)


def deployment(revision: str) -> Json:
    counts = {"desiredCount": 0, "runningCount": 0, "pendingCount": 0}
    return {"id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": revision, **counts}


def task_set(revision: str) -> Callable[[Shop], object]:
    def use(shop: Shop) -> None:
        service = {"deploymentController": {"type": "EXTERNAL"}, "taskSets": [{"taskDefinition": revision}]}
        shop.aws.serve("other", "external", shop.aws.register("external", "x"))
        shop.aws.services["other", "external"] |= service

    return use


def web_(number: int) -> str:
    return f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/web:{number}"


CALL_OF_ECS = {
    "Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask",
    "Input": json.dumps({"Cluster": "x", "TaskDefinition": "web:3"}),
}


def alone(shop: Shop, **fields: object) -> None:
    """A service without tasks that names web:3 there and nowhere else."""
    shop.aws.serve("other", "web2", shop.aws.register("other", "x"), desired=0)
    shop.aws.services["other", "web2"] |= {"currentServiceRevisions": [], "deployments": [], **fields}


USES: dict[str, Callable[[Shop], object]] = {
    "a service": lambda it: alone(it, taskDefinition=web_(3)),
    "a deployment": lambda it: alone(it, deployments=[deployment(web_(3))]),
    "a task set": task_set(web_(3)),
    "a task": lambda it: it.aws.run_task("other", "web:3"),
    "a rule": lambda it: it.aws.put_rule("nightly", ecs_target("prod", web_(3))),
    "a rule of another bus": lambda it: it.aws.put_rule("x", ecs_target("prod", web_(3)), bus="mine"),
    "a schedule": lambda it: it.aws.put_schedule("nightly", ecs_target("prod", web_(3))),
    "a schedule of a group": lambda it: it.aws.put_schedule("x", ecs_target("prod", web_(3)), group="mine"),
    "a schedule that calls ECS": lambda it: it.aws.put_schedule("nightly", CALL_OF_ECS),
}


@pytest.mark.parametrize("use", USES)
def test_prune_leaves_what_is_used_by(web: Shop, use: str) -> None:
    assert "web:3" in offered(web)
    USES[use](web)
    assert "web:3" not in offered(web)


def test_prune_leaves_a_current_service_revision(web: Shop) -> None:
    """As in a blue/green deployment, where nothing else may name it."""
    old = next(arn for arn, it in web.aws.service_revisions.items() if it["taskDefinition"] == web_(3))
    web.aws.services["prod", "web"]["currentServiceRevisions"].append({"arn": old})
    assert "web:3" not in offered(web)


def only_names(shop: Shop, revision: str) -> None:
    nothing: Json = {"deployments": [], "currentServiceRevisions": []}
    shop.aws.services["prod", "web"] |= {"taskDefinition": revision, **nothing}


def test_prune_leaves_what_ecs_would_go_back_to(web: Shop) -> None:
    """Each newer deployment failed."""
    for number in range(20, 24):
        web.push(digest(number))
        web.fail("web")
    only_names(web, web_(13))
    web.aws.table.clear()
    assert offered(web) == [f"web:{number}" for number in (*range(2, 9), 10, 11, 12)]


def test_prune_leaves_what_tagalong_has_ordered(web: Shop) -> None:
    """web:9 is what the last order brought, web:8 what it was built on."""
    only_names(web, web.aws.register("web", "x"))
    web.aws.service_deployments.clear()
    assert offered(web) == [f"web:{number}" for number in range(2, 8)]


@pytest.mark.parametrize("controller", ["CODE_DEPLOY", "EXTERNAL"])
def test_prune_leaves_a_family_that_ecs_does_not_deploy(web: Shop, controller: str) -> None:
    """ECS does not tell what such a service may go back to."""
    web.aws.services["prod", "web"]["deploymentController"] = {"type": controller}
    assert offered(web) == []


def test_prune_looks_through_every_page(web: Shop) -> None:
    web.aws.page_size = 1
    web.aws.put_rule("first", {"Arn": "x"}, {"Arn": "y"}, ecs_target("prod", web_(3)))
    web.aws.put_rule("second", ecs_target("prod", web_(4)))
    web.aws.put_rule("third", ecs_target("prod", web_(5)), bus="mine")
    web.aws.put_schedule("first", {"Arn": "x"})
    web.aws.put_schedule("second", ecs_target("prod", web_(6)))
    for number in range(120):
        web.aws.run_task("prod", "web:1" if number < 119 else "web:7")
        web.aws.register(f"other-{number}", "x")
    assert offered(web) == ["web:2"]


def test_prune_is_not_misled_by_a_name_that_begins_alike(web: Shop) -> None:
    web.aws.put_rule("nightly", ecs_target("prod", web_(30)), ecs_target("prod", web_(3) + "1"))
    assert "web:3" in offered(web)


def test_prune_needs_the_stack(web: Shop) -> None:
    web.installed = False
    assert "there is no stack 'tagalong'" in web.run("prune", *SOON, code=1)


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("code", ["AccessDeniedException", "ServerException"])
def test_prune_does_nothing_where_a_read_is_lost(web: Shop, read: str, code: str) -> None:
    web.aws.put_rule("nightly", {"Arn": "x"})
    web.aws.put_schedule("nightly", ecs_target("prod", "web"))
    refuse(web, read, code)
    output = " ".join(web.run("prune", *SOON, "--yes", code=1).split())
    assert "nothing was deregistered" in output
    assert re.search(rf"-> ask for \w+:{read}, or try again", output)
    assert not web.aws.calls["DeregisterTaskDefinition"]


def test_prune_names_the_right_that_schedules_take(web: Shop) -> None:
    refuse(web, "ListSchedules")
    assert "-> ask for scheduler:ListSchedules, or try again" in web.run("prune", *SOON, code=1)


def test_prune_does_nothing_where_ecs_does_not_describe_what_a_service_runs(web: Shop) -> None:
    web.aws.services["prod", "web"]["currentServiceRevisions"].append({"arn": "arn:gone"})
    assert "DescribeServiceRevisions" in web.run("prune", *SOON, "--yes", code=1)
    assert active(web) == list(range(1, 10))


def test_prune_leaves_what_comes_into_use_after_it_was_listed(web: Shop) -> None:
    def use(action: str, phase: str) -> None:
        if (action, phase) == ("ListSchedules", "after"):
            web.aws.hook = lambda *_: None
            web.aws.run_task("prod", "web:3")
            web.aws.revisions["web"][8]["status"] = "INACTIVE"  # web:8 is the latest now

    web.aws.hook = use
    output = web.run("prune", "--keep", "2", "--older", "0d", "--yes")
    assert "stay" in output
    assert active(web) == [1, 3, 7, 8]


def test_prune_says_how_far_it_came(web: Shop) -> None:
    refuse(web, "DeregisterTaskDefinition", after=2)
    output = web.run("prune", *SOON, "--yes", code=1)
    assert output.startswith("error: 2 revisions deregistered")
    assert "ecs:DeregisterTaskDefinition" in output
    assert active(web) == [1, *range(4, 10)]


def test_prune_deregisters_one_every_two_seconds(web: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """ECS allows one a second, and the deployer comes first."""
    now = [0.0]
    monkeypatch.setattr("cli.prune.TokenBucket", TokenBucket)
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    web.run("prune", "--keep", "5", "--older", "0d", "--yes")
    assert web.aws.calls["DeregisterTaskDefinition"] == 3
    assert now[0] == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("older", ["90", "d", "-1d", "1.5d", "99999d", "3w"])
def test_prune_says_how_an_age_is_written(web: Shop, older: str) -> None:
    assert "no number of days, such as 90d" in web.run("prune", f"--older={older}", code=1)
