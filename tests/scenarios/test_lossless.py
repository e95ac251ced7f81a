"""A new revision is its base in every field but the image of followed containers and our label on them.

Measured at the wire: what ECS answered to DescribeTaskDefinition against what RegisterTaskDefinition sent.
"""

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from support.fake_aws import ACCOUNT, HOST, REGION, FakeAws
from support.limits import unlimited
from support.shapes import from_shape
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.record_table import RecordTable
from tagalong.aws.sqs import RecheckQueue
from tagalong.decide.look import Policy
from tagalong.deploy import Deployer, Result
from tagalong.jobs import Job
from tagalong.model.decisions import Skip
from tagalong.model.images import Repository, Scope
from tagalong.model.triggers import Push
from tagalong.reads import Reads
from tagalong.rollout import Registered, Updated

ECS = ServiceModel(Loader().load_service_model("ecs", "service-2"))
REGISTER = ECS.operation_model("RegisterTaskDefinition").input_shape
CONTAINER = ECS.shape_for("ContainerDefinition")
AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "f" * 64
IMAGES = [f"{HOST}/app:prod", f"{HOST}/app:prod@{OLD}", f"{HOST}/other:prod", "nginx:1.27", ""]

definitions = from_shape(REGISTER)  # type: ignore[arg-type]  # ECS has this operation
followers = st.lists(st.tuples(from_shape(CONTAINER), st.sampled_from(IMAGES)), min_size=1, max_size=3)


@pytest.fixture
def deployer(aws: FakeAws) -> Deployer:
    push = Push("id", AT, Repository(ACCOUNT, REGION, "app"), "prod", NEW)
    return Deployer(
        ecs := Ecs(unlimited()),
        ecr := Ecr(),
        records := RecordTable("records", days=90),
        RecheckQueue("https://sqs/rechecks"),
        Policy(Scope(frozenset([ACCOUNT]), REGION, ("app",))),
        job := Job("web", {"prod": ("web",)}, push, "id"),
        dry_run=False,
        now=AT,
        time_left=lambda: True,
        reads=Reads.of(ecs, ecr, records, [job]),
    )


def deploy(deployer: Deployer) -> list[Result]:
    """As a new one for each job: what one has read it does not read again."""
    reads = Reads.of(deployer.ecs, deployer.ecr, deployer.records, [deployer.job])
    return list(replace(deployer, reads=reads, registered=Registered()).deploy("prod", "web"))


def a_definition(drawn: dict[str, Any], containers: list[tuple[dict[str, Any], str]]) -> dict[str, Any]:
    """What ECS would accept: names that differ, no `aws:` tags, at least one container that follows."""
    named = [{**c, "name": f"c{n}", "image": image} for n, (c, image) in enumerate(containers)]
    follower = {"name": "follower", "image": IMAGES[0], "essential": True}
    tags = [tag for tag in drawn.pop("tags", []) if not tag.get("key", "").startswith("aws:")]
    tags = [{"key": "k", **tag} for tag in tags]
    return {**drawn, "family": "web", "containerDefinitions": [*named, follower]} | (
        {"tags": tags} if tags else {}
    )


def expected(base: dict[str, Any]) -> dict[str, Any]:
    changed = deepcopy(base)
    for container in changed["containerDefinitions"]:
        if "/app:prod" in container["image"]:
            container["image"] = f"{HOST}/app@{NEW}"
            container["dockerLabels"] = container.get("dockerLabels", {}) | {"tagalong.tag": "prod"}
    return changed


def fill(aws: FakeAws, definition: dict[str, Any]) -> None:
    """The same AWS with one service that runs this definition (a new one for each example costs 0.2 s)."""
    aws.reset()
    aws.put_revision(definition)
    aws.serve("prod", "web", aws.revisions["web"][0]["taskDefinitionArn"])
    aws.push("app", "prod", NEW)


def test_the_model_has_the_container_fields_that_we_think_it_has() -> None:
    """When AWS adds a field this fails once: look whether the copy is still right, then count again."""
    assert len(CONTAINER.members) == 42  # type: ignore[attr-defined]  # it is a structure


@given(drawn=definitions, containers=followers)
def test_whatever_a_task_definition_says_only_image_and_label_change(
    aws: FakeAws, deployer: Deployer, drawn: dict[str, Any], containers: list[tuple[dict[str, Any], str]]
) -> None:
    definition = a_definition(drawn, containers)
    fill(aws, definition)
    described = {"volumes": [], "placementConstraints": [], **definition}

    outcomes = deploy(deployer)

    assert [type(outcome) for outcome in outcomes] == [Updated]
    sent = [body for action, body in aws.requests if action == "RegisterTaskDefinition"]
    assert sent == [expected(described)]


@given(drawn=definitions, containers=followers)
def test_the_second_time_nothing_happens(
    aws: FakeAws, deployer: Deployer, drawn: dict[str, Any], containers: list[tuple[dict[str, Any], str]]
) -> None:
    fill(aws, a_definition(drawn, containers))

    deploy(deployer)
    aws.complete("prod", "web")
    outcomes = deploy(deployer)

    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Skip)] == ["up-to-date"]
    assert aws.calls["RegisterTaskDefinition"] == aws.calls["UpdateService"] == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["futureField"], {"a": 1}),
        (["futureField"], ""),
        (["containerDefinitions", 0, "futureContainerField"], []),
        (["runtimePlatform", "futurePlatform"], "MARS"),
        (["containerDefinitions", 0, "portMappings", 0, "futurePort"], 0),
    ],
)
def test_a_field_that_the_sdk_cannot_read_refuses_the_copy_and_is_named(
    aws: FakeAws, deployer: Deployer, path: list[str | int], value: Any
) -> None:
    revision = aws.register("web", f"{HOST}/app:prod", runtimePlatform={"cpuArchitecture": "ARM64"})
    place: Any = aws.revisions["web"][0]
    place["containerDefinitions"][0]["portMappings"] = [{"containerPort": 80}]
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    aws.serve("prod", "web", revision)
    aws.push("app", "prod", NEW)

    [outcome] = deploy(deployer)

    assert isinstance(outcome, Skip), "a field was lost"
    assert outcome.reason == "unknown-field"
    assert str(path[-1]) in outcome.message
    assert aws.calls["RegisterTaskDefinition"] == aws.calls["UpdateService"] == 0


def test_a_null_where_the_sdk_knows_nothing_holds_nothing_to_lose(aws: FakeAws, deployer: Deployer) -> None:
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod"))
    aws.revisions["web"][0]["futureField"] = None
    aws.push("app", "prod", NEW)

    assert [type(outcome) for outcome in deploy(deployer)] == [Updated]
