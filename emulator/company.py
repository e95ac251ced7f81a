"""A believable little company: two clusters, three repositories, nine services, each in its own way."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from emulator.embedded import EmbeddedAws
from emulator.images import push_image

WEB, WORKER, PROXY = "shop/web", "shop/worker", "platform/proxy"
TAGS = ((WEB, "prod"), (WEB, "staging"), (WORKER, "prod"), (PROXY, "stable"))


@dataclass(frozen=True, slots=True)
class Member:
    cluster: str
    name: str
    family: str
    controller: str = "ECS"
    rule: str = ""
    follows: bool = True  # a tag, and tagalong may deploy it


class Running(NamedTuple):
    revision: str
    images: list[str]  # without their host
    deployment: str


SERVICES = (
    Member("production", "web-eu", "web"),
    Member("production", "web-us", "web"),
    Member("production", "admin", "admin", rule="force"),
    Member("production", "checkout", "checkout", controller="CODE_DEPLOY", follows=False),
    Member("production", "reports", "reports", follows=False),
    Member("production", "worker", "worker"),
    Member("staging", "web", "web-staging"),
    Member("staging", "preview", "web"),
    Member("staging", "proxy", "proxy"),
)


def publish(aws: EmbeddedAws) -> str:
    """Push the first images; the digest of the web image."""
    for repository in (WEB, WORKER, PROXY):
        aws.client("ecr").create_repository(repositoryName=repository)
    digests = [push_image(aws, repository, tag, f"{repository}, version 1") for repository, tag in TAGS]
    return digests[0]


def start(aws: EmbeddedAws, web_digest: str) -> None:
    """Start every service on images that are published."""
    ecs = aws.client("ecs")
    host = f"{aws.account}.dkr.ecr.{aws.region}.amazonaws.com"
    for family, containers in _families(host, web_digest).items():
        ecs.register_task_definition(**_definition(family, containers))
    for cluster in sorted({member.cluster for member in SERVICES}):
        ecs.create_cluster(clusterName=cluster)
    for member in SERVICES:
        ecs.create_service(
            cluster=member.cluster,
            serviceName=member.name,
            taskDefinition=member.family,
            desiredCount=1,
            deploymentController={"type": member.controller},
            tags=[{"key": "tagalong:rule", "value": member.rule}] if member.rule else [],
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        )


def is_steady(aws: EmbeddedAws) -> bool:
    """Whether every deployment that ECS makes is completed."""
    services = [_described(aws, member) for member in SERVICES if member.controller == "ECS"]
    return all(it["rolloutState"] == "COMPLETED" for service in services for it in service["deployments"])


def running(aws: EmbeddedAws, member: Member) -> Running:
    """What the service runs now; under the rule `force` with the digest that ECS made of the tag."""
    ecs = aws.client("ecs")
    service = _described(aws, member)
    revision = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    images = [container["image"].partition("/")[2] for container in revision["containerDefinitions"]]
    deployment = service["deployments"][0]["id"]
    if member.rule == "force":
        digests = _resolved(aws, service["serviceArn"], deployment)
        images = [f"{image}@{digest}" for image, digest in zip(images, digests, strict=True)]
    return Running(f"{revision['family']}:{revision['revision']}", images, deployment)


def _described(aws: EmbeddedAws, member: Member) -> dict[str, Any]:
    answer = aws.client("ecs").describe_services(cluster=member.cluster, services=[member.name])
    [service] = answer["services"]
    return dict(service)


def _resolved(aws: EmbeddedAws, service: str, deployment: str) -> list[str]:
    number = deployment.rpartition("/")[2]
    arn = f"{service}/{number}".replace(":service/", ":service-revision/")
    answer = aws.client("ecs").describe_service_revisions(serviceRevisionArns=[arn])
    return [it["imageDigest"] for it in answer["serviceRevisions"][0]["containerImages"]]


def _families(host: str, first: str) -> dict[str, dict[str, str]]:
    web, proxy = f"{host}/{WEB}", f"{host}/{PROXY}:stable"
    return {
        "web": {"web": f"{web}:prod", "proxy": proxy},
        "admin": {"admin": f"{web}:prod"},
        "checkout": {"checkout": f"{web}:prod"},
        "reports": {"reports": f"{web}@{first}"},
        "worker": {"worker": f"{host}/{WORKER}:prod"},
        "web-staging": {"web": f"{web}:staging", "proxy": proxy},
        "proxy": {"proxy": proxy},
    }


def _definition(family: str, containers: dict[str, str]) -> dict[str, Any]:
    return {
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "512",
        "tags": [{"key": "team", "value": "shop"}],
        "containerDefinitions": [
            {"name": name, "image": image, "essential": True, "environment": [{"name": "EMPTY", "value": ""}]}
            for name, image in containers.items()
        ],
    }
