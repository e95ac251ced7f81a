"""What the two use cases rely on when they read and write services and revisions."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from support.fake_aws import HOST, FakeAws, Refused
from support.limits import unlimited
from tagalong.aws.ecs import Ecs
from tagalong.aws.inventory import Inventory
from tagalong.aws.revision_cache import RevisionCache
from tagalong.model.revisions import Revision, equivalent, family
from tagalong.model.services import Service
from tagalong.ports import AccessDenied, AwsError, DeploymentRefused

WEB: Any = {"name": "web", "image": f"{HOST}/web:prod", "memory": 128}
"""`Any`, because the stubs want the keys of a TypedDict."""


@pytest.fixture
def ecs(account: str) -> Ecs:
    return Ecs(unlimited())


@pytest.fixture
def inventory(ecs: Ecs) -> Inventory:
    """With a table that does not exist: it is only a cache."""
    return Inventory(ecs, RevisionCache("none"))


def register(family: str = "web", **fields: Any) -> str:
    definition: Any = {"family": family, "containerDefinitions": [WEB], **fields}
    answer = boto3.client("ecs").register_task_definition(**definition)
    return answer["taskDefinition"]["taskDefinitionArn"]


def serve(cluster: str, *names: str, **fields: Any) -> None:
    """A new cluster with these services."""
    client = boto3.client("ecs")
    client.create_cluster(clusterName=cluster)
    for name in names:
        client.create_service(cluster=cluster, serviceName=name, desiredCount=0, **fields)


def one(ecs: Ecs, name: str = "web") -> Service:
    return ecs.services("prod", [name])[name]


def found_in(inventory: Inventory, *clusters: str) -> list[Service]:
    found = [inventory.named(it, inventory.service_names(it)) for it in inventory.clusters(clusters)]
    return [service for some in found for service in some.values()]


def test_every_service_of_every_cluster_is_found_beyond_pages_and_batches(inventory: Inventory) -> None:
    revision = register()
    many = [f"web-{number}" for number in range(101)]
    serve("prod", *many, taskDefinition=revision)
    serve("staging", "web", taskDefinition=revision)

    found = found_in(inventory, "*")

    assert sorted(service.name for service in found) == sorted([*many, "web"])
    assert {service.task_definition for service in found} == {revision}
    assert {service.cluster.rpartition(":")[2] for service in found} == {"cluster/prod", "cluster/staging"}


def test_only_the_named_clusters_are_looked_at_and_one_that_is_unknown_stops_no_other(
    inventory: Inventory,
) -> None:
    for cluster in ("prod", "staging"):
        serve(cluster, f"{cluster}-web", taskDefinition=register())

    assert [service.name for service in found_in(inventory, "unknown", "prod")] == ["prod-web"]


def test_a_cluster_that_is_unknown_is_named_in_a_warning(
    inventory: Inventory, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not found_in(inventory, "unknown")
    assert "cluster 'unknown' does not exist" in capsys.readouterr().out


def test_services_are_read_as_they_are_and_those_that_are_gone_are_missing(
    ecs: Ecs, inventory: Inventory
) -> None:
    revision = register()
    serve("prod", "web", taskDefinition=revision)
    [web] = found_in(inventory, "prod")

    assert ecs.services(web.cluster, ["web", "deleted"]) == {"web": web}
    assert ecs.services(web.cluster.replace("prod", "gone"), ["lost"]) == {}
    assert (web.name, web.key, web.task_definition, web.status) == ("web", "prod/web", revision, "ACTIVE")
    assert web.arn.endswith(":service/prod/web")
    assert web.cluster.endswith(":cluster/prod")
    assert web.created_at <= web.primary.created_at
    assert web.deployments == {web.primary.id}


def test_a_service_tells_its_circuit_breaker_its_stages_and_its_tags(ecs: Ecs) -> None:
    serve(
        "prod",
        "web",
        taskDefinition=register(),
        tags=[{"key": "tagalong:hold", "value": "true"}],
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "bakeTimeInMinutes": 5,
        },
    )

    web = one(ecs)

    assert web.circuit_breaker
    assert web.stages == {"BAKE_TIME"}
    assert web.tags == {"tagalong:hold": "true"}


@pytest.mark.parametrize("controller", ["ECS", "CODE_DEPLOY", "EXTERNAL"])
def test_a_service_says_what_deploys_it(ecs: Ecs, controller: str) -> None:
    runs = {} if controller == "EXTERNAL" else {"taskDefinition": register()}
    serve("prod", "web", deploymentController={"type": controller}, **runs)

    assert one(ecs).controller == controller


def test_a_revision_that_is_registered_as_described_is_described_the_same(ecs: Ecs) -> None:
    container = {
        **WEB,
        "environment": [{"name": "EMPTY", "value": ""}, {"name": "A", "value": "1"}],
        "dockerLabels": {"team": "", "tagalong.tag": "prod"},
        "secrets": [{"name": "TOKEN", "valueFrom": "arn:aws:ssm:eu-west-1:111122223333:parameter/token"}],
        "command": [],
    }
    base = ecs.revision(
        register(
            containerDefinitions=[container],
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            volumes=[{"name": "scratch"}],
            runtimePlatform={"cpuArchitecture": "ARM64"},
            tags=[{"key": "team", "value": "shop"}, {"key": "empty", "value": ""}],
        )
    )

    copy = ecs.revision(ecs.register(base.definition))

    assert copy.arn == base.arn.removesuffix("1") + "2"
    assert copy.definition["containerDefinitions"][0].items() >= container.items(), "a value was lost"
    assert copy.definition["tags"] == [{"key": "team", "value": "shop"}, {"key": "empty", "value": ""}]
    assert equivalent(copy.definition, base.definition)
    assert (copy.active, copy.unknown_fields) == (True, ())


def newer(ecs: Ecs, base: str) -> list[Revision]:
    """As a rollout looks for a twin."""
    latest = ecs.latest(family(base))
    return [latest, *ecs.between(base, latest)] if latest and latest.arn != base else []


def test_newer_revisions_come_newest_first_a_few_at_most_and_only_of_the_same_family(ecs: Ecs) -> None:
    arns = [register() for _ in range(13)]
    register("web-worker")

    assert [revision.arn for revision in newer(ecs, arns[9])] == [arns[12], arns[11], arns[10]]
    assert [revision.arn for revision in newer(ecs, arns[0])] == arns[:2:-1]
    assert not list(newer(ecs, arns[12]))


@pytest.mark.parametrize("deregistered", [1, 2])
def test_a_newer_revision_that_is_deregistered_is_not_offered_as_active(ecs: Ecs, deregistered: int) -> None:
    arns = [register() for _ in range(3)]
    boto3.client("ecs").deregister_task_definition(taskDefinition=arns[deregistered])

    active = [revision.arn for revision in newer(ecs, arns[0]) if revision.active]

    assert active == [arn for arn in arns[:0:-1] if arn != arns[deregistered]]


def test_an_update_changes_the_revision_that_a_service_runs_and_nothing_else(ecs: Ecs) -> None:
    def described() -> dict[str, Any]:
        [service] = boto3.client("ecs").describe_services(cluster="prod", services=["web"])["services"]
        moving = {"deployments", "events", "currentServiceDeployment", "currentServiceRevisions"}
        return {name: value for name, value in service.items() if name not in moving}

    tags = [{"key": "tagalong:rule", "value": "track"}]
    serve("prod", "web", taskDefinition=register(), propagateTags="SERVICE", tags=tags)
    before, new = described(), register()

    ecs.update(one(ecs), new)

    assert described() == before | {"taskDefinition": new}
    assert one(ecs).task_definition == new


def test_the_containers_of_a_revision_are_read_once(inventory: Inventory) -> None:
    sidecar = {"name": "sidecar", "image": "nginx:1.27", "memory": 64}
    revision = register(containerDefinitions=[WEB, sidecar])

    containers = inventory.containers([revision])[revision]
    assert not isinstance(containers, AwsError)
    [web] = containers

    assert (web.name, web.image.repository.name, web.tag) == ("web", "web", "prod")
    assert inventory.containers([revision])[revision] is containers, "it was read again"


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (lambda ecs: ecs.revision("web:99"), "DescribeTaskDefinition"),
        (lambda ecs: ecs.register({"family": "web", "containerDefinitions": []}), "RegisterTaskDefinition"),
        (lambda ecs: ecs.update(Service("prod", "gone", ""), register()), "UpdateService"),
        (lambda ecs: ecs.deployments(Service("prod", "gone")), "ListServiceDeployments"),
    ],
    ids=["revision", "register", "update", "deployments"],
)
def test_a_refusal_of_ecs_names_the_action_and_the_code(
    ecs: Ecs, call: Callable[[Ecs], object], action: str
) -> None:
    serve("prod")

    with pytest.raises(AwsError, match=rf"^{action}: \w+Exception: "):
        call(ecs)


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("AccessDeniedException", "User is not authorized", AccessDenied),
        ("InvalidParameterException", "5 active deployments exist, unable to create.", DeploymentRefused),
        ("InvalidParameterException", "A deployment is already in progress.", DeploymentRefused),
        ("InvalidParameterException", "no capacity", AwsError),
    ],
)
def test_a_refused_update_is_told_by_what_the_caller_does_next(
    aws: FakeAws, code: str, message: str, kind: type[AwsError]
) -> None:
    """On the fake alone: nothing else refuses on demand."""
    ecs = Ecs(unlimited())
    serve("prod", "web", taskDefinition=register())
    web = one(ecs)

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            raise Refused(code, message)

    aws.hook = refuse
    with pytest.raises(AwsError) as caught:
        ecs.update(web, register())

    assert type(caught.value) is kind
