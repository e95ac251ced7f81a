"""One push of a multi-arch image with an attestation, and everything that follows from it."""

from typing import Any

import pytest

from emulator.images import commit
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]

PINNED = "shop/web@sha256:" + "0" * 64
FOLLOWERS = (("eu", "web-eu"), ("us", "web-us"))


@pytest.fixture(scope="module")
def base(system: System) -> str:
    """The revision that the followers run first, with something in it that other tools lose."""
    return system.register(
        "shop-web",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        taskRoleArn=system.role("shop-web", "/tagalong/"),
        runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        volumes=[{"name": "scratch"}],
        tags=[{"key": "team", "value": "shop"}],
        containerDefinitions=[_web(system), {"name": "proxy", "image": "nginx:1.27", "essential": False}],
    )


def _web(system: System) -> dict[str, Any]:
    return {
        "name": "web",
        "image": system.image("shop/web:prod"),
        "environment": [{"name": "EMPTY", "value": ""}, {"name": "A", "value": "1"}],
        "secrets": [{"name": "TOKEN", "valueFrom": "token"}],
        "dockerLabels": {"team": ""},
        "healthCheck": {"command": ["CMD", "true"], "retries": 3},
        "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": False}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"mode": ""}},
    }


@pytest.fixture(scope="module")
def digest(system: System, base: str) -> str:
    """What was pushed to shop/web:prod, when everything has been decided."""
    system.create_repositories("shop/web")
    for cluster, name in FOLLOWERS:
        system.serve(cluster, name, base)
    prod = system.register("shop-blue", "shop/web:prod")
    system.serve("eu", "blue", prod, is_looked_at=False, deploymentController={"type": "CODE_DEPLOY"})
    system.serve("eu", "staging", system.register("shop-staging", "shop/web:staging"))
    system.serve("eu", "pinned", system.register("shop-pinned", PINNED), is_looked_at=False)
    system.serve("eu", "worker", system.register("shop-worker", "shop/web-worker:prod"))
    system.read_fleet("eu")  # what CodeDeploy does tells nobody
    digest = system.push("shop/web:prod", "2")
    system.eventually(
        lambda: _decided(system), {"web-eu", "web-us", "blue", "staging", "pinned"}, "decisions"
    )
    return digest


def _decided(system: System) -> set[str]:
    return {line["ecs_service"] for line in system.lines("shop/web") if "decision" in line}


def test_every_follower_in_every_cluster_runs_the_index_that_was_pushed(system: System, digest: str) -> None:
    for cluster, name in FOLLOWERS:
        assert system.images(cluster, name)[0] == f"shop/web@{digest}", f"{name} did not move"


def test_services_of_one_family_share_one_new_revision(system: System, digest: str) -> None:
    assert {system.runs(*follower) for follower in FOLLOWERS} == {"shop-web:2"}
    assert system.revisions("shop-web") == 2


def test_the_new_revision_is_its_base_in_all_but_image_and_label(
    system: System, base: str, digest: str
) -> None:
    expected = system.definition(base)
    web = expected["containerDefinitions"][0]
    assert web.items() >= _web(system).items(), "the embedded AWS itself lost a value"
    web["image"] = system.image(f"shop/web@{digest}")
    web["dockerLabels"] = {"team": "", "tagalong.tag": "prod", "tagalong.revision": commit("shop/web 2")}

    assert system.definition("shop-web:2") == expected


def test_whoever_does_not_follow_stays_and_the_log_says_why(system: System, digest: str) -> None:
    for name, image, reason in (
        ("blue", "shop/web:prod", "code-deploy-controller"),
        ("staging", "shop/web:staging", "tag-not-followed"),
        ("pinned", PINNED, "pinned-by-digest"),
    ):
        assert system.images("eu", name) == [image], f"{name} moved"
        assert system.decisions("shop/web", name) == [reason]
    assert system.images("eu", "worker") == ["shop/web-worker:prod"]


def test_the_finder_hears_of_the_index_and_not_of_its_children(system: System, digest: str) -> None:
    """They are pushed without a tag: the rule keeps them back, and the finder would call them `untagged`."""
    found = [line["digest"] for line in system.lines("shop/web") if "families" in line]

    assert found == [digest]
    assert "untagged" not in {line.get("reason") for line in system.said()}
