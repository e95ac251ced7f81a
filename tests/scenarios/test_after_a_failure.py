"""Getting on after a rollout that failed, after a crash, and beside what cannot be read: each hung once."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from scenarios.test_outcomes import (
    BAD,
    GOOD,
    OLD,
    failed_and_rolled_back,
    latest,
    reasons,
    runs,
    standing,
    told,
)
from scenarios.test_outcomes_in_disorder import NEW, stop_without_rollback
from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Crash, Pipeline

PARAMETER = "/tagalong/prod/web/c0"


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """With a service that runs an image of its owner."""
    serve(pipeline.aws, f"{HOST}/app:prod@{OLD}")
    return pipeline


def serve(aws: FakeAws, *images: str, **tags: str) -> None:
    """As `prod/web`; the first push of each image was of the digest that it names."""
    for image in images:
        name, _, digest = image.removeprefix(f"{HOST}/").partition("@")
        repository, _, pushed = name.partition(":")
        aws.push(repository, pushed, digest)
    aws.serve("prod", "web", aws.register("web", *images))
    tag(aws, **tags)


def tag(aws: FakeAws, **tags: str) -> None:
    given = [{"key": f"tagalong:{name}", "value": value} for name, value in tags.items()]
    aws.services["prod", "web"]["tags"] = given


def now() -> str:
    return datetime.now(UTC).isoformat()


def a_person_deploys(pipeline: Pipeline, revision: str) -> None:
    """Of the family `web`, and ECS completes it."""
    service = pipeline.aws.services["prod", "web"]
    pipeline.aws.deploy(service, service["taskDefinition"].rpartition(":")[0] + f":{revision}")
    pipeline.tell(pipeline.aws.end("prod", "web"))


def crash_after(aws: FakeAws, action: str) -> None:
    def crash(called: str, phase: str) -> None:
        if (called, phase) == (action, "after"):
            aws.hook = lambda _a, _p: None
            raise Crash

    aws.hook = crash


@pytest.mark.parametrize(
    ("rule", "tags"),
    [("newest:main-", ("main-1", "main-2", "main-3")), ("semver:1.x", ("1.4.0", "1.5.0", "1.6.0"))],
)
def test_a_new_image_repairs_what_failed_without_rollback(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, rule: str, tags: tuple[str, str, str]
) -> None:
    first, second, third = tags
    serve(pipeline.aws, f"{HOST}/app:{first}@{OLD}", rule=rule)
    pipeline.push("app", second, BAD)
    pipeline.tell(stop_without_rollback(pipeline.aws))
    pipeline.sweep()
    assert reasons(caplog)[-1] == "rollout-failed"

    pipeline.push("app", third, GOOD)

    assert runs(pipeline.aws) == GOOD


def test_an_image_that_was_retried_with_success_is_followed_by_the_next(pipeline: Pipeline) -> None:
    serve(pipeline.aws, f"{HOST}/app:main-1@{OLD}", rule="newest:main-")
    pipeline.push("app", "main-2", BAD)
    pipeline.tell(*pipeline.aws.fail("prod", "web"), pipeline.aws.end_rollback("prod", "web"))
    tag(pipeline.aws, rule="newest:main-", retry=now())
    pipeline.sweep()
    pipeline.tell(pipeline.aws.end("prod", "web"))
    tag(pipeline.aws, rule="newest:main-")
    assert runs(pipeline.aws) == BAD

    pipeline.push("app", "main-3", GOOD)

    assert runs(pipeline.aws) == GOOD


def test_who_goes_back_and_forth_by_hand_is_followed_by_the_next_image(pipeline: Pipeline) -> None:
    serve(pipeline.aws, f"{HOST}/app:main-1@{OLD}", rule="newest:main-")
    pipeline.push("app", "main-2", GOOD)
    pipeline.tell(pipeline.aws.end("prod", "web"))
    a_person_deploys(pipeline, "2")
    pipeline.sweep()
    a_person_deploys(pipeline, "3")
    assert runs(pipeline.aws) == GOOD

    pipeline.push("app", "main-3", NEW)

    assert runs(pipeline.aws) == NEW


def test_what_a_person_deployed_again_with_success_is_completed(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(stop_without_rollback(aws))

    a_person_deploys(pipeline, "2")  # aws ecs update-service --force-new-deployment

    assert latest(aws).status == "completed"
    assert told(aws)[-1] == "completed"
    assert aws.parameters[PARAMETER] == f"{HOST}/app@{BAD}"
    pipeline.sweep()
    assert reasons(caplog)[-1] == "up-to-date"


def test_the_parameter_follows_a_person_who_goes_back_twice(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(pipeline.aws.end("prod", "web"))
    for revision, digest in (("1", OLD), ("2", GOOD), ("1", OLD)):
        a_person_deploys(pipeline, revision)
        pipeline.sweep()

        assert runs(pipeline.aws) == digest
        assert pipeline.aws.parameters[PARAMETER].endswith(digest)


def test_a_service_that_was_created_again_during_its_rollback_is_followed(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    del aws.services["prod", "web"]
    aws.service_deployments.clear()
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}"))
    pipeline.sweep()
    assert runs(aws) == OLD

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD


def test_a_rollout_beside_one_that_failed_is_not_taken_for_the_rollback_of_that(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(stop_without_rollback(aws))  # some of its tasks still run
    pipeline.push("app", "prod", GOOD)
    states = [it.get("rolloutState") for it in aws.services["prod", "web"]["deployments"]]
    assert states[:2] == ["IN_PROGRESS", "FAILED"]

    pipeline.push("app", "prod", NEW)

    assert runs(aws) == NEW


@pytest.mark.parametrize("heard", ["at once", "late"])
def test_old_events_are_not_about_the_rollout_that_came_after(pipeline: Pipeline, heard: str) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    failed, rolling_back = aws.fail("prod", "web")
    old = [failed, rolling_back, aws.end_rollback("prod", "web")]
    if heard == "late":
        old = [{**event, "time": "2026-11-22T12:00:00Z"} for event in old]
        pipeline.sweep()
    else:
        pipeline.tell(*old)
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(stop_without_rollback(aws))

    pipeline.tell(*old)

    assert (latest(aws).status, latest(aws).rollback) == ("failed", "")
    assert told(aws).count("rolled-back") == 1


def test_an_end_that_a_sweep_finds_is_told_also_when_the_function_crashes_in_between(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    aws.fail("prod", "web")
    aws.end_rollback("prod", "web")

    def crash(action: str, phase: str) -> None:
        if (action, phase) == ("Publish", "before"):
            aws.hook = lambda _a, _p: None
            raise Crash

    aws.hook = crash
    pipeline.sweep()

    assert told(aws) == ["started", "rolled-back"]
    assert latest(aws).status == "rolled-back"


def test_after_a_crash_a_deployment_of_somebody_else_is_not_taken_for_ours(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    crash_after(aws, "UpdateService")
    pipeline.deliver(aws.push("app", "prod", GOOD))
    pipeline.invoke_deployer()
    ours = aws.service_deployments[-1]
    aws.deploy(aws.services["prod", "web"], aws.register("web", f"{HOST}/app:prod@{OLD}", cpu="4096"))
    ours["status"] = "STOP_REQUESTED"
    pipeline.work()

    pipeline.tell(aws.end("prod", "web"))

    assert "completed" not in told(aws)
    assert aws.parameters[PARAMETER].endswith(OLD)


def test_after_a_crash_the_rollout_is_told_and_the_one_before_it_is_archived(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", NEW)
    pipeline.tell(aws.end("prod", "web"))
    crash_after(aws, "UpdateService")

    pipeline.push("app", "prod", GOOD)

    assert told(aws) == ["started", "completed", "started"]
    rollouts = [item for (_, name), item in sorted(aws.table.items()) if name.startswith("20")]
    assert [("expires" in it, digest_of(it)) for it in rollouts] == [(True, NEW), (False, GOOD)]


def digest_of(item: Json) -> str:
    [change] = json.loads(item["record"]["S"])["changes"]
    return str(change["new_image"].rpartition("@")[2])


def test_a_service_revision_that_tells_no_images_stands_in_nobodys_way(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a deployment of which no task has started; the model does not require the field."""
    aws, described = pipeline.aws, FakeAws._describe_service_revisions

    def silent(self: FakeAws, body: Json) -> Json:
        answer: Any = described(self, body)
        kept = [{k: v for k, v in it.items() if k != "containerImages"} for it in answer["serviceRevisions"]]
        return {"serviceRevisions": kept}

    monkeypatch.setattr(FakeAws, "_describe_service_revisions", silent)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod"))
    aws.resolve("prod", "web", c0=OLD)

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD


def test_a_container_with_the_rule_pin_is_not_looked_up_in_ecr(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}")
    proxy = aws.running("prod", "web")["containerDefinitions"][1]
    proxy["dockerLabels"] = {"tagalong.rule": "pin"}

    def refuse(action: str, _phase: str) -> None:
        if action == "DescribeImages" and aws.requests[-1][1]["repositoryName"] == "proxy":
            raise Refused("AccessDeniedException", "not yours")

    aws.hook = refuse
    pipeline.push("app", "prod", GOOD)

    assert [image.rpartition("@")[2] for image in aws.images("prod", "web")] == [GOOD, OLD]


def test_what_failed_without_rollback_is_not_deployed_again_beside_a_new_sidecar(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = pipeline.aws
    serve(aws, f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}")
    pipeline.push("app", "prod", BAD)
    pipeline.tell(stop_without_rollback(aws))
    before = aws.calls["UpdateService"]

    pipeline.push("proxy", "prod", NEW)

    assert aws.calls["UpdateService"] == before
    assert reasons(caplog)[-1] == "rollout-failed"
    pipeline.push("app", "prod", GOOD)
    assert [image.rpartition("@")[2] for image in aws.images("prod", "web")] == [GOOD, NEW]


def test_a_person_who_clears_it_lets_the_sidecar_through(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}")
    pipeline.push("app", "prod", BAD)
    pipeline.tell(stop_without_rollback(aws))
    tag(aws, retry=now())

    pipeline.push("proxy", "prod", NEW)

    assert [image.rpartition("@")[2] for image in aws.images("prod", "web")] == [BAD, NEW]


def test_a_mail_says_how_to_try_again_in_commands_that_can_be_pasted(pipeline: Pipeline) -> None:
    failed_and_rolled_back(pipeline)

    body = pipeline.aws.events[-1]["Detail"]
    arn = pipeline.aws.services["prod", "web"]["serviceArn"]
    assert f"aws ecs tag-resource --resource-arn {arn} --tags key=tagalong:retry,value=" in body
    assert "aws ecs update-service --cluster prod --service web --force-new-deployment" in body
    assert standing(pipeline.aws).rejections
