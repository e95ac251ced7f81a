"""Whatever happens in an account, `tagalong prune` deregisters nothing that is used."""

import json
import re
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.fake_aws import HOST, Json
from support.fake_aws.schedules import ecs_target
from support.shop import OLD, Shop

TAGS = {"web": "prod", "api": "beta"}
WHAT = "push fail advance move move deploy deploy complete stop register run rule schedule call forget"
STEPS = st.tuples(st.sampled_from(WHAT.split()), st.sampled_from(list(TAGS)), st.integers(0, 11))


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def take(shop: Shop, step: str, name: str, number: int) -> None:  # noqa: C901, PLR0912 - one for each step
    aws, service = shop.aws, shop.aws.services["prod", name]
    arn = aws.revisions[name][number % len(aws.revisions[name])]["taskDefinitionArn"]
    match step:
        case "push":
            shop.push(digest(number), tag=TAGS[name])
        case "complete" if aws._under_way(service):
            shop.complete(name)
        case "fail" if aws._under_way(service):
            shop.pipeline.tell(*aws.fail("prod", name))
        case "advance":
            aws.advance(number * timedelta(days=2))
        case "deploy":
            aws.deploy(service, arn)
        case "move":
            aws.deploy(service, arn)
            shop.complete(name)
        case "stop":
            shop.pipeline.tell(*aws.scale("prod", name, 0))
        case "register":
            aws.put_revision({**aws._find(name), "family": name})
        case "run":
            aws.run_task("other", arn)
        case "rule":
            aws.put_rule(f"rule-{number}", ecs_target("prod", arn), bus=name)
        case "schedule":
            aws.put_schedule(f"schedule-{number}", ecs_target("prod", arn), group=name)
        case "call":
            call = {"Arn": "arn:aws:scheduler:::aws-sdk:ecs:runTask", "Input": json.dumps({"x": arn})}
            aws.put_schedule(f"call-{number}", call)
        case "forget":
            aws.table.pop((f"service/prod/{name}", "record"), None)


def used(shop: Shop, keep: int) -> set[str]:
    """Whatever names a revision, read from the state of the fake in the simplest way."""
    aws = shop.aws
    places: list[Any] = [list(aws.services.values()), aws.tasks, list(aws.rules.values())]
    places += [list(aws.schedules.values()), [it for (_, kind), it in aws.table.items() if kind == "record"]]
    for service in aws.services.values():
        places += [aws.service_revisions[it["arn"]] for it in service["currentServiceRevisions"]]
        past = [it for it in aws._history(service) if it in aws._remembered([it])][::-1]
        named = {it["serviceDeploymentArn"]: _revision(shop, it) for it in past}
        places += list(dict.fromkeys(named.values()))[:keep]
        places += [named[it["serviceDeploymentArn"]] for it in past if it["status"] == "SUCCESSFUL"][:1]
    for some in aws.revisions.values():
        places += [it["taskDefinitionArn"] for it in some if it["status"] == "ACTIVE"][-keep:]
    return set(re.findall(r"task-definition/([\w-]+:\d+)", json.dumps(places)))


def _revision(shop: Shop, deployment: Json) -> str:
    return str(shop.aws.service_revisions[deployment["targetServiceRevision"]["arn"]]["taskDefinition"])


@given(st.lists(STEPS, max_size=20), st.integers(1, 2))
def test_no_used_revision_is_ever_deregistered_and_every_other_of_ours_is(
    shop: Shop, steps: list[Any], keep: int
) -> None:
    shop.aws.reset()
    shop.aws.page_size = 2
    for name, tag in TAGS.items():
        shop.image(OLD, tag=tag)
        shop.aws.serve("prod", name, shop.aws.register(name, f"{HOST}/shop/web:{tag}@{OLD}"))
    shop.pipeline.sweep()
    for number in range(20, 24):
        for name, tag in TAGS.items():
            shop.push(digest(number), tag=tag)
            shop.complete(name)
    for step in steps:
        take(shop, *step)
    ours = {
        it["taskDefinitionArn"].rpartition("/")[2]
        for some in shop.aws.revisions.values()
        for it in some
        if ":assumed-role/deployer/" in it["registeredBy"]
    }
    unused = ours - used(shop, keep)
    shop.run("prune", "--keep", str(keep), "--older", "0d", "--yes")
    revisions = [it for some in shop.aws.revisions.values() for it in some]
    assert {
        it["taskDefinitionArn"].rpartition("/")[2] for it in revisions if it["status"] != "ACTIVE"
    } == unused
