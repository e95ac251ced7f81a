"""The rule `force`: ECS resolves the plain tag anew, and nothing is registered."""

import pytest

from support.fake_aws import HOST, FakeAws
from support.fake_aws.events import INDEX
from support.pipeline import Pipeline, start_afresh
from tagalong.decide.eligibility import RULE

OLD, NEW, BAD, CHILD = ("sha256:" + letter * 64 for letter in "0bcd")
FORCE = {"tags": [{"key": RULE, "value": "force"}]}


def serve(aws: FakeAws, *repositories: str, **fields: object) -> str:
    """A service that runs OLD of each repository by its plain tag `prod`."""
    for repository in repositories:
        aws.push(repository, "prod", OLD)
    revision = aws.register("web", *(f"{HOST}/{it}:prod" for it in repositories))
    aws.serve("prod", "web", revision, **{**FORCE, **fields})
    return revision


def writes(aws: FakeAws) -> list[dict[str, object]]:
    return [body for action, body in aws.requests if action in {"UpdateService", "RegisterTaskDefinition"}]


def runs(aws: FakeAws) -> str:
    """The digest that ECS resolved for the first container of the service's deployment."""
    number = aws.services["prod", "web"]["deployments"][0]["id"].rpartition("/")[2]
    [revision] = [it for arn, it in aws.service_revisions.items() if arn.endswith(number)]
    return str(revision["containerImages"][0].get("imageDigest"))


def reasons(pipeline: Pipeline) -> str:
    record = pipeline.record("prod", "web")
    assert record
    assert record.decision
    return record.decision.reason


def test_a_push_forces_a_deployment_of_the_same_revision(pipeline: Pipeline, aws: FakeAws) -> None:
    revision = serve(aws, "app")

    pipeline.push("app", "prod", NEW)

    [update] = writes(aws)
    assert update.keys() == {"cluster", "service", "forceNewDeployment"}
    assert aws.services["prod", "web"]["taskDefinition"] == revision
    assert runs(aws) == NEW


def test_after_the_deployment_nothing_is_forced_again(pipeline: Pipeline, aws: FakeAws) -> None:
    serve(aws, "app")
    pipeline.push("app", "prod", NEW)
    pipeline.tell(*aws.complete("prod", "web"))

    pipeline.sweep()
    pipeline.sweep()

    assert len(writes(aws)) == 1
    assert reasons(pipeline) == "up-to-date"


def test_a_platform_of_the_index_counts_as_the_index(pipeline: Pipeline, aws: FakeAws) -> None:
    serve(aws, "app")
    aws.children[NEW] = [CHILD]
    pipeline.deliver(aws.push("app", "prod", NEW, INDEX))
    pipeline.work()
    aws.resolve("prod", "web", c0=CHILD)
    pipeline.tell(*aws.complete("prod", "web"))

    pipeline.sweep()

    assert len(writes(aws)) == 1
    assert reasons(pipeline) == "up-to-date"


def test_an_image_that_was_rolled_back_is_not_forced_again(pipeline: Pipeline, aws: FakeAws) -> None:
    serve(aws, "app")
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(*aws.complete_rollback("prod", "web"))

    pipeline.sweep()
    assert reasons(pipeline) == "rolled-back"
    pipeline.push("app", "prod", NEW)

    assert len(writes(aws)) == 2
    assert runs(aws) == NEW


def test_one_rejected_image_holds_the_whole_service(pipeline: Pipeline, aws: FakeAws) -> None:
    """A forced deployment would deploy the rejected one, too."""
    serve(aws, "app", "proxy")
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(*aws.complete_rollback("prod", "web"))

    pipeline.push("proxy", "prod", NEW)
    assert len(writes(aws)) == 1
    pipeline.push("app", "prod", NEW)

    assert len(writes(aws)) == 2


def test_what_ecs_resolved_is_what_is_judged(pipeline: Pipeline, aws: FakeAws) -> None:
    """The tag moved again between our look and ECS's."""
    serve(aws, "app")
    pipeline.push("app", "prod", NEW)
    aws.push("app", "prod", BAD)
    aws.resolve("prod", "web", c0=BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(*aws.complete_rollback("prod", "web"))

    pipeline.sweep()
    assert len(writes(aws)) == 1
    pipeline.push("app", "prod", NEW)

    assert len(writes(aws)) == 2


def test_a_service_of_which_ecs_resolved_nothing_is_forced_once_for_each_push(
    pipeline: Pipeline, aws: FakeAws
) -> None:
    serve(aws, "app", desiredCount=0)
    pipeline.push("app", "prod", NEW)
    aws.resolve("prod", "web", c0="")
    aws.complete("prod", "web")

    pipeline.sweep()
    pipeline.sweep()

    assert len(writes(aws)) == 1


@pytest.mark.parametrize(
    ("image", "field", "reason"),
    [
        (f"{HOST}/app@{OLD}", {"dockerLabels": {"tagalong.tag": "prod"}}, "pinned-by-digest"),
        (f"{HOST}/app:prod", {"versionConsistency": "disabled"}, "misconfigured"),
    ],
)
def test_what_forcing_would_not_change_is_refused(
    pipeline: Pipeline, aws: FakeAws, image: str, field: dict[str, object], reason: str
) -> None:
    aws.push("app", "prod", OLD)
    container = {"name": "c0", "image": image, "essential": True, **field}
    revision = aws.put_revision({"family": "web", "containerDefinitions": [container]})
    aws.serve("prod", "web", revision, **FORCE)

    pipeline.push("app", "prod", NEW)

    assert not writes(aws)
    assert reasons(pipeline) == reason


def test_a_container_with_a_plain_tag_and_another_rule_keeps_the_service(
    pipeline: Pipeline, aws: FakeAws
) -> None:
    for repository in ("app", "proxy"):
        aws.push(repository, "prod", OLD)
    containers = [
        {"name": "app", "image": f"{HOST}/app:prod"},
        {"name": "proxy", "image": f"{HOST}/proxy:prod", "dockerLabels": {"tagalong.rule": "pin"}},
    ]
    aws.serve("prod", "web", aws.put_revision({"family": "web", "containerDefinitions": containers}), **FORCE)

    pipeline.push("app", "prod", NEW)

    assert not writes(aws)
    assert reasons(pipeline) == "misconfigured"


def test_a_stack_with_mode_force_registers_nothing(
    pipeline: Pipeline, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_MODE", "force")
    monkeypatch.setenv("TAGALONG_DEFAULT_RULE", "force")
    start_afresh()
    serve(aws, "app", tags=[])
    aws.serve(
        "prod", "other", aws.register("other", f"{HOST}/app:prod"), tags=[{"key": RULE, "value": "track"}]
    )

    pipeline.push("app", "prod", NEW)

    [update] = writes(aws)
    assert update["service"] == "web"
