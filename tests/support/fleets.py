"""Fleets whose sweeps keep the index, and what a push to them costs."""

from collections import Counter
from collections.abc import Callable, Iterable

from support.fake_aws import HOST, FakeAws, Json
from support.pipeline import Pipeline

ECS = {
    "ListClusters",
    "ListServices",
    "DescribeServices",
    "DescribeTaskDefinition",
    "ListServiceDeployments",
    "DescribeServiceRevisions",
    "DescribeServiceDeployments",
    "RegisterTaskDefinition",
    "UpdateService",
}


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def serve(aws: FakeAws, name: str, *repositories: str, cluster: str = "prod") -> None:
    """A service of a family of its own that follows `prod` in each repository."""
    for repository in repositories:
        if (repository, "prod") not in aws.tags:
            aws.push(repository, "prod", digest(0))
    images = (f"{HOST}/{repository}:prod@{digest(0)}" for repository in repositories)
    aws.serve(cluster, name, aws.register(name, *images))


def create(aws: FakeAws, name: str, repository: str) -> None:
    """As `serve` does, a moment ago: its deployment is under way."""
    serve(aws, name, repository)
    revision = aws.services["prod", name]["taskDefinition"]
    aws.create_service("prod", name, revision)


def calls_of(pipeline: Pipeline, do: Callable[[], object]) -> Counter[str]:
    before = pipeline.aws.calls.copy()
    do()
    return pipeline.aws.calls - before


def deliver_all(pipeline: Pipeline, events: Iterable[Json]) -> None:
    for event in events:
        pipeline.deliver(event)


def of_ecs(calls: Counter[str]) -> dict[str, int]:
    return {action: number for action, number in calls.items() if action in ECS}


def follows(pipeline: Pipeline, cluster: str, name: str) -> bool:
    """Whether all its images are what their tags say."""
    aws = pipeline.aws
    texts = [it.removeprefix(f"{HOST}/").partition("@") for it in aws.images(cluster, name)]
    return all(digest == aws.tags[name.removesuffix(":prod"), "prod"] for name, _, digest in texts)
