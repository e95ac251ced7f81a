"""Two installs in one account and Region, each with a cluster of its own, and the same repository."""

import json
from dataclasses import replace
from typing import Any

import pytest

from emulator.deployment import cdk
from emulator.embedded import EmbeddedAws
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]

BANK = "team-bank"


@pytest.fixture(scope="module")
def shop(cloud: EmbeddedAws) -> System:
    """The one with the name that an install has unless it is given another."""
    account = replace(cloud, account="345678901234")
    return System.deployed(account, clusters=["shop"], publishParameters=True)


@pytest.fixture(scope="module")
def bank(shop: System) -> System:
    return System.deployed(shop.aws, stackName=BANK, clusters=["bank"], publishParameters=True)


@pytest.fixture(scope="module")
def told(bank: System) -> str:
    """The URL of a queue that gets the events of both."""
    sqs, events = bank.aws.client("sqs"), bank.aws.client("events")
    url = str(sqs.create_queue(QueueName="told")["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["tagalong", BANK]}))
    events.put_targets(Rule="told", Targets=[{"Id": "told", "Arn": arn}])
    return url


@pytest.fixture(scope="module")
def digest(shop: System, bank: System, told: str) -> str:
    """What was pushed when all three services were there, and has moved those of the two."""
    shop.create_repositories("app")
    first = shop.put_image("app:prod", "1")
    for cluster in ("shop", "bank", "nobody"):
        revision = shop.register(f"{cluster}-web", f"app:prod@{first}")
        shop.serve(cluster, f"{cluster}-web", revision, is_looked_at=cluster != "nobody")
    pushed = shop.put_image("app:prod", "2")
    for cluster in ("shop", "bank"):
        shop.eventually(lambda it=cluster: rollouts(shop, it), ["completed"], f"the rollout of {cluster}")  # type: ignore[misc]
    return pushed


def rollouts(system: System, cluster: str) -> list[str]:
    return system.rollouts(cluster, f"{cluster}-web")


def lines(system: System, function: str) -> list[dict[str, Any]]:
    """All that one function of one stack wrote."""
    pages = (
        system.aws.client("logs")
        .get_paginator("filter_log_events")
        .paginate(logGroupName=system.outputs[f"{function}Logs"])
    )
    texts = [event["message"] for page in pages for event in page["events"]]
    return [json.loads(it) for it in texts if it.startswith("{")]


def test_a_push_moves_the_services_of_each_once_and_no_other(shop: System, digest: str) -> None:
    ran = {it: shop.images(it, f"{it}-web") for it in ("shop", "bank", "nobody")}

    assert ran["shop"] == ran["bank"] == [f"app@{digest}"]
    assert ran["nobody"] != ran["shop"]
    assert [shop.revisions(f"{it}-web") for it in ran] == [2, 2, 1]


def test_each_decides_on_its_own_services(shop: System, bank: System, digest: str) -> None:
    for system, cluster in ((shop, "shop"), (bank, "bank")):
        decided = {it["cluster"] for it in lines(system, "Deployer") if "ecs_service" in it}
        assert decided == {cluster}


def test_each_counts_in_a_namespace_of_its_own(shop: System, bank: System, digest: str) -> None:
    for system, name in ((shop, "tagalong"), (bank, BANK)):
        metrics = [it["_aws"]["CloudWatchMetrics"] for it in lines(system, "Deployer") if "_aws" in it]
        assert {one["Namespace"] for it in metrics for one in it} == {name}


def test_each_publishes_parameters_under_its_own_name(shop: System, digest: str) -> None:
    ssm = shop.aws.client("ssm")
    found = {
        name: [
            it["Name"] for it in ssm.get_parameters_by_path(Path=f"/{name}/", Recursive=True)["Parameters"]
        ]
        for name in ("tagalong", BANK)
    }

    assert found == {"tagalong": ["/tagalong/shop/shop-web/c0"], BANK: [f"/{BANK}/bank/bank-web/c0"]}


def test_each_tells_programs_in_its_own_name(shop: System, told: str, digest: str) -> None:
    sqs, heard = shop.aws.client("sqs"), set()

    def listen() -> set[tuple[str, str]]:
        for it in sqs.receive_message(QueueUrl=told, MaxNumberOfMessages=10).get("Messages", ()):
            event = json.loads(it["Body"])
            heard.add((event["source"], event["resources"][0].split("/")[1], event["detail"]["kind"]))
        return {(source, cluster) for source, cluster, kind in heard if kind == "completed"}

    shop.eventually(listen, {("tagalong", "shop"), (BANK, "bank")}, "the events of both")
    assert {(source, cluster) for source, cluster, _ in heard} == {("tagalong", "shop"), (BANK, "bank")}


def test_each_has_resources_of_its_own(shop: System, bank: System) -> None:
    shared = set(shop.outputs.values()).intersection(bank.outputs.values())

    assert shared == {shop.outputs["Version"]}


def test_what_is_destroyed_leaves_the_other_as_it_was(shop: System, bank: System, digest: str) -> None:
    cdk(bank.aws, "destroy", "tagalong", "--app", str(bank.aws.directory / "cdk.out"), "--force")

    last = shop.put_image("app:prod", "3")

    shop.eventually(lambda: shop.images("shop", "shop-web"), [f"app@{last}"], "what was pushed last")
    assert shop.images("bank", "bank-web") == [f"app@{digest}"]
    assert shop.aws.client("dynamodb").list_tables()["TableNames"] == [shop.outputs["StateTableName"]]
