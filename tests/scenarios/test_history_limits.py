"""ECS keeps deployments for 90 days, lists 100 at once, may tell nothing: that never blocks a push."""

from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Pipeline

OLD, BAD, GOOD = ("sha256:" + letter * 64 for letter in "0bc")
RULES = {"track": ("prod", "prod", "prod"), "newest:main-": ("main-1", "main-2", "main-3")}
DAYS = [1, 89, 90, 91, 100, 400]


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    serve(pipeline.aws, "track")
    return pipeline


def serve(aws: FakeAws, rule: str, **fields: object) -> None:
    tag = RULES[rule][0]
    aws.push("app", tag, OLD)
    tags = [{"key": "tagalong:rule", "value": rule}]
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:{tag}@{OLD}"), tags=tags, **fields)


def runs(aws: FakeAws) -> str:
    [image] = aws.images("prod", "web")
    return image.rpartition("@")[2]


def why(pipeline: Pipeline) -> str:
    record = pipeline.record("prod", "web")
    assert record
    assert record.decision
    return record.decision.reason


def deny(aws: FakeAws, *actions: str, refused: Refused | None = None) -> None:
    def hook(action: str, phase: str) -> None:
        if action in actions and phase == "before":
            raise refused or Refused("AccessDeniedException", "not yours")

    aws.hook = hook


def deploy_again(aws: FakeAws) -> list[Json]:
    """A person forces a new deployment of what runs."""
    service = aws.services["prod", "web"]
    aws.deploy(service, service["taskDefinition"])
    return aws.complete("prod", "web")


# -- the past is gone (input 1) -------------------------------------------------------------------------


@pytest.mark.parametrize("days", DAYS)
@pytest.mark.parametrize("rule", RULES)
def test_a_push_is_deployed_when_the_last_rollout_failed_without_rollback_long_ago(
    pipeline: Pipeline, rule: str, days: int
) -> None:
    aws = pipeline.aws
    serve(aws, rule)
    pipeline.push("app", RULES[rule][1], BAD)
    pipeline.tell(*aws.fail_without_rollback("prod", "web"))
    aws.advance(timedelta(days=days))

    pipeline.push("app", RULES[rule][2], GOOD)

    assert runs(aws) == GOOD
    assert not aws.failed


def test_a_sweep_deploys_it_when_the_event_of_that_push_is_lost(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*pipeline.aws.fail_without_rollback("prod", "web"))
    pipeline.aws.advance(timedelta(days=100))
    pipeline.aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(pipeline.aws) == GOOD


@pytest.mark.parametrize("days", DAYS)
def test_a_digest_that_was_rolled_back_long_ago_is_still_rejected(pipeline: Pipeline, days: int) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))
    aws.advance(timedelta(days=days))

    pipeline.push("app", "prod", BAD)
    pipeline.sweep()

    assert runs(aws) == OLD
    assert why(pipeline) == "rolled-back"


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("days", DAYS)
def test_a_push_is_deployed_when_our_rollout_is_under_way_for_longer_than_ecs_remembers(
    pipeline: Pipeline, days: int, heard: bool
) -> None:
    aws = pipeline.aws
    serve(aws, "track", breaker={})
    pipeline.push("app", "prod", BAD)
    aws.crash_loop("prod", "web")
    aws.advance(timedelta(days=days))

    event = aws.push("app", "prod", GOOD)
    if heard:
        pipeline.deliver(event)
        pipeline.work()
    else:
        pipeline.sweep()

    assert runs(aws) == GOOD


@pytest.mark.parametrize("days", DAYS)
def test_a_push_is_deployed_when_somebodys_deployment_is_under_way_for_longer_than_ecs_remembers(
    pipeline: Pipeline, days: int
) -> None:
    aws = pipeline.aws
    serve(aws, "track", breaker={})
    aws.deploy(aws.services["prod", "web"], aws.register("web", f"{HOST}/app:prod@{OLD}", cpu="512"))
    aws.crash_loop("prod", "web")
    aws.advance(timedelta(days=days))

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD
    assert aws.running("prod", "web")["cpu"] == "512"


def test_nothing_moves_in_a_sweep_when_all_of_the_past_is_gone(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*pipeline.aws.complete("prod", "web"))
    pipeline.aws.advance(timedelta(days=100))

    pipeline.sweep()

    assert (runs(pipeline.aws), why(pipeline)) == (GOOD, "up-to-date")


def test_what_a_person_went_back_to_stands_when_its_deployment_is_forgotten(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    aws.deploy(aws.services["prod", "web"], aws.services["prod", "web"]["taskDefinition"][:-1] + "1")
    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.sweep()
    aws.advance(timedelta(days=100))

    pipeline.sweep()

    assert (runs(aws), why(pipeline)) == (OLD, "replaced-by-person")


# -- the past is long -----------------------------------------------------------------------------------


def test_a_push_is_deployed_when_more_deployments_than_a_page_came_since_our_last(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))
    for _ in range(120):
        deploy_again(aws)
    calls = aws.calls["ListServiceDeployments"]

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD
    assert aws.calls["ListServiceDeployments"] - calls == 1, "one page is read, however long the past is"


def test_a_digest_stays_rejected_when_more_deployments_than_a_page_came_since(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))
    for _ in range(120):
        deploy_again(aws)

    pipeline.sweep()

    record = pipeline.record("prod", "web")
    assert record
    assert [it.change for it in record.rejections] == [{"c0": BAD}]
    assert runs(aws) == OLD


def test_the_end_of_our_rollout_is_reported_though_a_page_of_deployments_came_before_we_looked(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    aws.complete("prod", "web")
    for _ in range(120):
        deploy_again(aws)

    pipeline.sweep()
    pipeline.push("app", "prod", BAD)

    record = pipeline.record("prod", "web")
    assert record
    assert not record.rejections
    assert runs(aws) == BAD


# -- nobody tells the past (R7) -------------------------------------------------------------------------

REFUSALS = [
    Refused("AccessDeniedException", "not yours"),
    Refused("ThrottlingException", "Rate exceeded"),
    Refused("InvalidParameterException", "createdAt cannot be older than three months."),
    Refused("ServerException", "", 500),
]


@pytest.mark.parametrize("refused", REFUSALS, ids=[it.code for it in REFUSALS])
@pytest.mark.parametrize("action", ["ListServiceDeployments", "DescribeServiceRevisions"])
def test_a_push_is_deployed_when_ecs_does_not_tell_the_history(
    pipeline: Pipeline, action: str, refused: Refused
) -> None:
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web"))
    deny(pipeline.aws, action, refused=refused)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD
    assert not pipeline.aws.failed


def test_a_failure_that_ecs_does_not_explain_is_still_a_failure(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    events = [*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web")]
    deny(pipeline.aws, "DescribeServiceDeployments")

    pipeline.tell(*events)
    pipeline.sweep()

    assert (runs(pipeline.aws), why(pipeline)) == (OLD, "rolled-back")


def test_a_failed_deployment_that_ecs_does_not_describe_any_more_has_failed(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    events = [*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web")]

    def forget(action: str, phase: str) -> None:
        if (action, phase) == ("DescribeServiceDeployments", "before"):
            aws.service_deployments.clear()

    aws.hook = forget
    pipeline.tell(*events)

    assert (runs(aws), why(pipeline)) == (OLD, "rolled-back")


def test_a_push_that_goes_ahead_says_that_ecs_does_not_tell_the_history(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    deny(pipeline.aws, "ListServiceDeployments")

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD
    assert "ListServiceDeployments: AccessDeniedException" in capsys.readouterr().out


def put_the_plain_tag_back(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    aws.tags["app", "prod"] = OLD  # CloudFormation deploys while the tag names something else
    aws.deploy(aws.services["prod", "web"], aws.register("web", f"{HOST}/app:prod"))
    pipeline.tell(*aws.complete("prod", "web"))
    aws.tags["app", "prod"] = GOOD


def test_what_no_push_asks_for_waits_while_ecs_does_not_tell_the_history_and_says_so(
    pipeline: Pipeline,
) -> None:
    put_the_plain_tag_back(pipeline)
    deny(pipeline.aws, "ListServiceDeployments")

    pipeline.sweep()

    assert runs(pipeline.aws) == f"{HOST}/app:prod"
    assert why(pipeline) == "history-unavailable"


def test_what_waited_for_the_history_is_deployed_when_ecs_tells_it_again(pipeline: Pipeline) -> None:
    put_the_plain_tag_back(pipeline)
    deny(pipeline.aws, "ListServiceDeployments")
    pipeline.sweep()

    pipeline.aws.hook = lambda _action, _phase: None
    pipeline.sweep()

    assert runs(pipeline.aws) == GOOD


def test_a_rejected_digest_is_not_ordered_again_when_ecs_does_not_tell_the_history(
    pipeline: Pipeline,
) -> None:
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web"))
    deny(pipeline.aws, "ListServiceDeployments")

    pipeline.push("app", "prod", BAD)
    pipeline.sweep()

    assert runs(pipeline.aws) == OLD


def test_a_failure_without_rollback_is_seen_when_ecs_does_not_tell_the_history(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    events = pipeline.aws.fail_without_rollback("prod", "web")
    deny(pipeline.aws, "ListServiceDeployments")

    pipeline.tell(*events)

    assert why(pipeline) == "deployment-failed"
    pipeline.push("app", "prod", GOOD)
    assert runs(pipeline.aws) == GOOD


def test_a_service_that_was_never_looked_at_is_adopted_when_ecs_does_not_tell_the_history(
    pipeline: Pipeline,
) -> None:
    pipeline.aws.tags["app", "prod"] = GOOD
    deny(pipeline.aws, "ListServiceDeployments", "DescribeServiceRevisions")

    pipeline.sweep()

    assert runs(pipeline.aws) == OLD


@pytest.mark.parametrize("refused", REFUSALS, ids=[it.code for it in REFUSALS])
def test_a_service_revision_that_cannot_be_read_stands_in_no_push_of_a_plain_tag(
    pipeline: Pipeline, refused: Refused
) -> None:
    pipeline.aws.serve("prod", "web", pipeline.aws.register("web", f"{HOST}/app:prod"))
    deny(pipeline.aws, "DescribeServiceRevisions", refused=refused)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


def test_a_service_revision_that_tells_no_images_stands_in_no_push(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a deployment of which no task has started; the model does not require the field."""
    described = FakeAws._describe_service_revisions

    def silent(self: FakeAws, body: Json) -> Json:
        found = described(self, body)["serviceRevisions"]
        return {"serviceRevisions": [{k: v for k, v in it.items() if k != "containerImages"} for it in found]}

    monkeypatch.setattr(FakeAws, "_describe_service_revisions", silent)
    pipeline.aws.serve("prod", "web", pipeline.aws.register("web", f"{HOST}/app:prod"))

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD
