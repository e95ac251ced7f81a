"""What became of a rollout when events, people and AWS come in disorder: each was a defect once."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from scenarios.test_outcomes import (
    BAD,
    GOOD,
    OLD,
    latest,
    reasons,
    runs,
    serve_web,
    standing,
    tag,
    told,
)
from support.fake_aws import HOST, FakeAws, Json, Refused, deployment_event
from support.pipeline import Crash, Pipeline

NEW = "sha256:" + "d" * 64


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """With a service that runs an image of its owner."""
    serve_web(pipeline.aws)
    return pipeline


def later(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stop_without_rollback(aws: FakeAws) -> Json:
    """The circuit breaker without rollback: the service keeps naming the revision that failed."""
    service = aws.services["prod", "web"]
    failed = service["deployments"][0]
    failed["rolloutState"] = "FAILED"
    aws.service_deployments[-1] |= {"status": "STOPPED", "deploymentCircuitBreaker": {"status": "TRIGGERED"}}
    return deployment_event(
        service, "FAILED", failed["id"], "ECS deployment circuit breaker: task failed to start."
    )


@pytest.mark.parametrize("end", ["ROLLBACK_FAILED", "STOPPED"])
def test_a_rollback_that_ends_badly_does_not_hold_the_service_for_ever(pipeline: Pipeline, end: str) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    aws.service_deployments[-1]["status"] = end
    for it in aws.services["prod", "web"]["deployments"]:
        it["rolloutState"] = "FAILED"
    pipeline.sweep()
    pipeline.push("app", "prod", GOOD)
    tag(aws, "tagalong:retry", later(0))
    pipeline.sweep()
    assert runs(aws) == GOOD, latest(aws).status


def test_a_rejected_digest_does_not_come_back_through_the_plain_tag_of_another_container(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod", f"{HOST}/proxy:prod"))
    aws.resolve("prod", "web", c0=OLD, c1=OLD)
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(aws.end_rollback("prod", "web"))
    assert BAD in standing(aws).rejections
    before = aws.calls["UpdateService"]
    pipeline.push("proxy", "prod", GOOD)
    # a new deployment makes ECS resolve `app:prod` again, and that is BAD
    assert aws.calls["UpdateService"] == before or f"{HOST}/app:prod" not in aws.images("prod", "web"), (
        aws.images("prod", "web")
    )


def refused_while_another_fails(pipeline: Pipeline) -> None:
    """ECS refuses the order for GOOD while BAD is on its way, which is then rolled back."""
    aws = pipeline.aws
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod"))
    aws.resolve("prod", "web", c0=OLD)
    pipeline.push("app", "prod", BAD)

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            raise Refused("InvalidParameterException", "5 active deployments exist")

    aws.hook = refuse
    pipeline.push("app", "prod", GOOD)  # given up
    aws.hook = lambda _a, _p: None
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(aws.end_rollback("prod", "web"))


def test_an_order_that_ecs_refuses_does_not_hide_the_rollout_before_it(pipeline: Pipeline) -> None:
    refused_while_another_fails(pipeline)

    assert "failed" in told(pipeline.aws), told(pipeline.aws)


def test_and_the_failed_digest_is_not_deployed_again(pipeline: Pipeline) -> None:
    refused_while_another_fails(pipeline)
    before = pipeline.aws.calls["UpdateService"]

    pipeline.push("app", "prod", BAD)

    assert pipeline.aws.calls["UpdateService"] == before, pipeline.aws.images("prod", "web")


def test_after_a_failure_without_rollback_nobody_says_it_runs_what_it_follows(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(stop_without_rollback(aws))
    assert latest(aws).status == "failed"
    pipeline.push("app", "prod", BAD)
    assert reasons(caplog)[-1] != "up-to-date", [r.message for r in caplog.records][-1]


def test_a_person_who_redeploys_after_a_failure_is_not_told_of_a_rollback(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(stop_without_rollback(aws))
    service = aws.services["prod", "web"]
    aws.deploy(service, service["taskDefinition"])  # --force-new-deployment, the secret is repaired
    pipeline.tell(aws.end("prod", "web"))
    assert "rolled-back" not in told(aws), (
        aws.published[-1]["Message"]["email"]
        if isinstance(aws.published[-1]["Message"], dict)
        else aws.published[-1]["Message"]
    )


def test_an_old_event_that_comes_twice_ends_no_rollback(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    old = aws.end("prod", "web")
    pipeline.tell(old)
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(old)
    assert latest(aws).status == "rolling-back"


def test_who_retries_while_ecs_still_rolls_back_has_retried(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))  # the mail says: let it try again
    tag(aws, "tagalong:retry", datetime.now(UTC).isoformat())
    pipeline.tell({**aws.end_rollback("prod", "web"), "time": later(1)})
    pipeline.sweep()
    assert runs(aws) == BAD


def test_a_watcher_that_fails_late_is_told_again(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.push("app", "prod", GOOD)
    event = aws.end_rollback("prod", "web")

    def refuse(action: str, _phase: str) -> None:
        if action == "SendMessageBatch":
            raise Refused("InternalError", "", 500)

    aws.hook = refuse
    with pytest.raises(ClientError):
        pipeline.tell(event)
    aws.hook = lambda _a, _p: None
    pipeline.tell(event)  # Lambda invokes it again
    assert runs(aws) == GOOD


def test_the_end_of_a_rollback_is_told_once_though_the_deployer_looks_at_once(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))

    def deploy_at_once(action: str, phase: str) -> None:
        if (action, phase) == ("SendMessageBatch", "after"):
            pipeline.work()

    aws.hook = deploy_at_once
    pipeline.tell(aws.end_rollback("prod", "web"))
    assert told(aws).count("rolled-back") == 1
    assert not aws.queue


def test_a_watcher_that_crashes_before_telling_tells_when_it_is_invoked_again(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    failed, rolling = aws.fail("prod", "web")

    def crash(action: str, phase: str) -> None:
        if (action, phase) == ("Publish", "before"):
            raise Crash

    aws.hook = crash
    with pytest.raises(Crash):
        pipeline.tell(failed)
    aws.hook = lambda _a, _p: None
    pipeline.tell(failed, rolling)
    assert "failed" in told(aws)


def test_a_topic_that_does_not_answer_costs_the_deployer_little_time(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    waited = []

    def silent(action: str, phase: str) -> None:
        if action == "Publish":
            waited.append(1)
            raise ReadTimeoutError(endpoint_url="sns")

    aws.hook = silent
    pipeline.push("app", "prod", GOOD)
    assert len(waited) <= 2, f"{len(waited)} tries of 20 s each, for one notice, in a function of 120 s"


def test_put_events_that_answers_with_a_failed_entry_is_in_the_log(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        FakeAws,
        "_put_events",
        lambda _s, _b: {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalException"}]},
        raising=False,
    )
    pipeline.push("app", "prod", GOOD)
    assert "not told to the event bus" in caplog.text


def test_a_deployment_that_an_alarm_stopped_has_failed(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    pipeline.aws.service_deployments[-1] |= {
        "status": "STOPPED",
        "alarms": {"status": "TRIGGERED", "triggeredAlarmNames": ["5xx"]},
    }
    pipeline.sweep()
    assert latest(pipeline.aws).status == "failed"


def test_after_a_crash_events_of_the_deployment_are_still_heard(pipeline: Pipeline) -> None:
    aws = pipeline.aws

    def crash(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "after"):
            aws.hook = lambda _a, _p: None
            raise Crash

    aws.hook = crash
    pipeline.push("app", "prod", BAD)
    assert latest(aws).status == "started"
    pipeline.tell(*aws.fail("prod", "web"))
    assert "failed" in told(aws), told(aws)


def test_one_deployment_that_ecs_does_not_describe_breaks_no_other_service(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    aws.serve("prod", "zeta", aws.services["prod", "web"]["taskDefinition"].replace("web:2", "web:1"))

    def forget(action: str, phase: str) -> None:
        if (action, phase) == ("DescribeServiceDeployments", "before"):
            aws.service_deployments.clear()

    aws.hook = forget
    pipeline.deliver(aws.push("app", "prod", NEW))
    pipeline.invoke_deployer()
    assert aws.images("prod", "zeta")[0].endswith(NEW)


def test_a_version_below_a_rejected_one_still_comes(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "1.4.0", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:1.4.0@{OLD}"))
    tag(aws, "tagalong:rule", "semver:1.x")
    pipeline.push("app", "1.5.0", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(aws.end_rollback("prod", "web"))
    pipeline.push("app", "1.4.1", GOOD)
    assert runs(aws) == GOOD


def test_a_failure_between_look_and_next_update_is_still_a_failure(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    events = []

    def fail(action: str, phase: str) -> None:
        if (action, phase) == ("RegisterTaskDefinition", "before"):
            events.append(stop_without_rollback(aws))

    aws.hook = fail
    pipeline.push("app", "prod", GOOD)
    aws.hook = lambda _a, _p: None
    pipeline.tell(*events)
    assert BAD in standing(aws).rejections


def test_a_held_container_is_named_when_another_moves(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}"))
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(aws.end_rollback("prod", "web"))
    caplog.clear()
    aws.published.clear()
    pipeline.push("proxy", "prod", GOOD)
    assert aws.images("prod", "web")[1].endswith(GOOD)
    assert "bbbbbbbb" in caplog.text or "held" in told(aws), caplog.text


def test_an_old_event_that_comes_twice_disturbs_no_rollback(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    old = aws.end("prod", "web")
    pipeline.tell(old)
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    for it in aws.services["prod", "web"]["deployments"]:
        it.pop("rolloutState", None)
    pipeline.tell(old)
    before = aws.calls["UpdateService"]
    pipeline.push("app", "prod", NEW)
    assert aws.calls["UpdateService"] == before


def test_of_two_deployments_of_a_service_revision_the_later_one_counts(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    first = aws.service_deployments[-1]
    service = aws.services["prod", "web"]
    aws.deploy(service, service["taskDefinition"])  # forced
    again = aws.service_deployments[-1]
    again |= {
        "targetServiceRevisionArn": first["targetServiceRevisionArn"],
        "status": "SUCCESSFUL",
        "createdAt": first["createdAt"] + 1,
    }
    pipeline.sweep()
    assert latest(aws).status == "completed"
