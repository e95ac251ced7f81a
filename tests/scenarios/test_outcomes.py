"""What became of a rollout: followed to its end, remembered, and never repeated in vain."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Crash, Pipeline
from tagalong.handlers import deployer
from tagalong.model.rollouts import Rollout, Standing

OLD, BAD, GOOD = ("sha256:" + letter * 64 for letter in "0bc")


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """With a service that runs an image of its owner."""
    serve_web(pipeline.aws)
    return pipeline


def serve_web(aws: FakeAws) -> None:
    aws.push("app", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}"))


def standing(aws: FakeAws) -> Standing:
    return deployer.records().standing(aws.services["prod", "web"]["serviceArn"])


def latest(aws: FakeAws) -> Rollout:
    rollout = standing(aws).latest
    assert rollout
    return rollout


def runs(aws: FakeAws) -> str:
    [image] = aws.images("prod", "web")
    return image.rpartition("@")[2]


def told(aws: FakeAws) -> list[str]:
    return [message["MessageAttributes.entry.1.Value.StringValue"] for message in aws.published]


def tag(aws: FakeAws, key: str, value: str) -> None:
    aws.services["prod", "web"]["tags"] = [{"key": key, "value": value}]


def failed_and_rolled_back(pipeline: Pipeline, digest: str = BAD) -> None:
    pipeline.push("app", "prod", digest)
    pipeline.tell(*pipeline.aws.fail("prod", "web"))
    pipeline.tell(pipeline.aws.end_rollback("prod", "web"))


def registered_by_a_person(aws: FakeAws, image: str) -> None:
    aws.deploy(aws.services["prod", "web"], aws.register("web", image))


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.reason) for record in caplog.records if hasattr(record, "reason")]


def test_a_rollout_is_remembered_with_what_it_changes_and_why(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)

    rollout = latest(pipeline.aws)
    assert (rollout.status, rollout.name) == ("started", "web")
    assert (rollout.old_revision[-5:], rollout.new_revision[-5:]) == ("web:1", "web:2")
    assert [(c.container, c.tag, c.old_image, c.digest) for c in rollout.changes] == [
        ("c0", "prod", f"{HOST}/app:prod@{OLD}", GOOD)
    ]
    assert rollout.deployment == pipeline.aws.services["prod", "web"]["deployments"][0]["id"]
    assert rollout.cause.event_id.startswith("event-")


def test_it_is_completed_when_ecs_says_so_and_published_as_a_parameter(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)
    assert not pipeline.aws.parameters, "nobody knows yet whether it will run"

    pipeline.tell(pipeline.aws.end("prod", "web"))

    assert latest(pipeline.aws).status == "completed"
    assert told(pipeline.aws) == ["started", "completed"]
    assert pipeline.aws.parameters == {"/tagalong/prod/web/c0": f"{HOST}/app@{GOOD}"}


def test_events_twice_and_in_any_order_end_the_same(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    failed, rolling_back = aws.fail("prod", "web")
    pipeline.tell(rolling_back, failed, rolling_back)
    done = aws.end_rollback("prod", "web")
    pipeline.tell(done, failed, done, rolling_back)

    assert latest(aws).status == "rolled-back"
    assert list(standing(aws).rejections) == [BAD]
    assert told(aws).count("rolled-back") == 1


def test_events_of_services_that_tagalong_never_moved_are_nothing_to_it(pipeline: Pipeline) -> None:
    registered_by_a_person(pipeline.aws, f"{HOST}/app:prod")
    pipeline.tell(pipeline.aws.end("prod", "web"))

    assert not pipeline.aws.published
    assert not pipeline.aws.table.keys() - {key for key in pipeline.aws.table if key[1] == "containers"}


@pytest.mark.parametrize("how", ["the same event", "another push of the same digest", "a sweep"])
def test_a_digest_that_failed_is_not_deployed_to_that_service_again_by(pipeline: Pipeline, how: str) -> None:
    aws = pipeline.aws
    failed_and_rolled_back(pipeline)
    before = aws.calls["UpdateService"], aws.calls["RegisterTaskDefinition"]
    for _ in range(2):
        match how:
            case "a sweep":
                pipeline.sweep()
            case _:
                pipeline.push("app", "prod", BAD)

    assert runs(aws) == OLD
    assert (aws.calls["UpdateService"], aws.calls["RegisterTaskDefinition"]) == before


def test_the_next_digest_is_deployed_and_the_failed_one_stays_rejected(pipeline: Pipeline) -> None:
    failed_and_rolled_back(pipeline)
    pipeline.push("app", "prod", GOOD)
    assert runs(pipeline.aws) == GOOD
    pipeline.tell(pipeline.aws.end("prod", "web"))

    pipeline.push("app", "prod", BAD)

    assert runs(pipeline.aws) == GOOD


def test_another_service_may_still_get_the_digest_that_failed_here(pipeline: Pipeline) -> None:
    failed_and_rolled_back(pipeline)
    pipeline.aws.serve("prod", "api", pipeline.aws.register("api", f"{HOST}/app:prod@{OLD}"))
    pipeline.push("app", "prod", BAD)

    assert pipeline.aws.images("prod", "api") == [f"{HOST}/app@{BAD}"]
    assert runs(pipeline.aws) == OLD


def test_a_person_clears_a_rejection_and_a_second_failure_counts_again(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    failed_and_rolled_back(pipeline)
    tag(aws, "tagalong:retry", datetime.now(UTC).isoformat())
    pipeline.sweep()
    assert runs(aws) == BAD

    later = (datetime.now(UTC) + timedelta(seconds=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    events = [*aws.fail("prod", "web"), aws.end_rollback("prod", "web")]
    pipeline.tell(*({**event, "time": later} for event in events))
    pipeline.sweep()

    assert runs(aws) == OLD


@pytest.mark.parametrize("value", ["true", "now", "2999-01-01"])
def test_a_retry_that_names_no_instant_that_has_come_deploys_nothing(pipeline: Pipeline, value: str) -> None:
    failed_and_rolled_back(pipeline)
    tag(pipeline.aws, "tagalong:retry", value)
    pipeline.sweep()

    assert runs(pipeline.aws) == OLD


def test_nothing_is_started_during_a_rollback_and_what_was_pushed_meanwhile_comes_after_it(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    before = aws.calls["UpdateService"]
    pipeline.push("app", "prod", GOOD)
    assert (runs(aws), aws.calls["UpdateService"]) == (OLD, before)

    pipeline.tell(aws.end_rollback("prod", "web"))

    assert runs(aws) == GOOD


def test_a_rollback_of_a_blue_green_deployment_that_somebody_else_began_is_not_disturbed(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws, service = pipeline.aws, pipeline.aws.services["prod", "web"]
    registered_by_a_person(aws, f"{HOST}/app:prod@{OLD}")
    aws.fail("prod", "web")
    service["currentServiceDeployment"] = aws.service_deployments[-1]["serviceDeploymentArn"]
    for deployment in service["deployments"]:
        deployment.pop("rolloutState", None)  # ECS gives it to rolling updates only

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == OLD
    assert reasons(caplog)[-1] == "rollback-in-progress"
    aws.service_deployments[-1]["status"] = "ROLLBACK_SUCCESSFUL"
    pipeline.sweep()
    assert runs(aws) == GOOD


def test_a_rollback_is_seen_though_no_event_came(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    aws.fail("prod", "web")
    aws.services["prod", "web"]["deployments"][0].pop("rolloutState")  # as blue/green deployments have it
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == OLD
    aws.end_rollback("prod", "web")
    pipeline.sweep()

    assert runs(aws) == GOOD
    assert list(standing(aws).rejections) == [BAD]


@pytest.mark.parametrize(
    ("status", "became"),
    [
        ("SUCCESSFUL", "completed"),
        ("ROLLBACK_SUCCESSFUL", "rolled-back"),
        ("ROLLBACK_FAILED", "failed"),
        ("STOPPED", "replaced"),
        ("IN_PROGRESS", "started"),
    ],
)
def test_a_sweep_asks_ecs_what_no_event_told(pipeline: Pipeline, status: str, became: str) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.aws.service_deployments[-1]["status"] = status
    pipeline.sweep()

    assert latest(pipeline.aws).status == became


def test_the_end_of_a_rollout_is_logged_with_what_caused_it_whatever_the_function_is_doing_then(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.aws.end("prod", "web")
    pipeline.sweep()
    registered_by_a_person(pipeline.aws, f"{HOST}/app:prod")
    pipeline.sweep()
    pipeline.aws.end("prod", "web")
    pipeline.push("app", "prod", BAD)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    first, second = (line for line in lines if line.get("rollout") == "completed")
    assert (first["cause"], first["repository"], first["tag"], first["digest"]) == (
        "push",
        "app",
        "prod",
        GOOD,
    )
    assert second["cause"] == "sweep"
    assert not {"repository", "tag", "digest"} & second.keys()


def test_a_deployment_that_the_circuit_breaker_stopped_has_failed(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    breaker = {"deploymentCircuitBreaker": {"status": "TRIGGERED"}}
    pipeline.aws.service_deployments[-1] |= {"status": "STOPPED", **breaker}
    pipeline.sweep()

    assert latest(pipeline.aws).status == "failed"


def test_what_a_person_rolled_back_is_held_until_another_digest_comes(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(aws.end("prod", "web"))
    before = aws.services["prod", "web"]["taskDefinition"].replace("web:2", "web:1")
    aws.deploy(aws.services["prod", "web"], before)

    for _ in range(3):
        pipeline.sweep()
    pipeline.push("app", "prod", BAD)

    assert runs(aws) == OLD
    assert set(reasons(caplog)[-4:]) == {"rolled-back"}
    assert told(aws) == ["started", "completed", "held", "held"], "at the first sweep, and at the push"
    assert aws.parameters["/tagalong/prod/web/c0"] == f"{HOST}/app:prod@{OLD}"
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == GOOD


def test_a_person_who_rolled_back_clears_the_hold(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(aws.end("prod", "web"))
    registered_by_a_person(aws, f"{HOST}/app:prod@{OLD}")
    pipeline.sweep()
    assert runs(aws) == OLD

    tag(aws, "tagalong:retry", datetime.now(UTC).isoformat())
    pipeline.sweep()

    assert runs(aws) == GOOD


def test_a_rollback_of_one_container_is_held_though_another_moves(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}"))
    pipeline.push("app", "prod", BAD)
    registered_by_a_person(aws, f"{HOST}/app:prod@{OLD}")
    aws.revisions["web"][-1]["containerDefinitions"].append(
        {"name": "c1", "image": f"{HOST}/proxy:prod@{OLD}", "essential": True}
    )
    for digest in (BAD, GOOD):
        pipeline.push("proxy", "prod", digest)
        pipeline.sweep()

    assert aws.images("prod", "web") == [f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy@{GOOD}"]


def test_moving_the_tag_back_is_a_push_like_any_other(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(pipeline.aws.end("prod", "web"))
    pipeline.push("app", "prod", OLD)
    assert runs(pipeline.aws) == OLD
    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


def test_a_plain_tag_that_cloudformation_put_back_is_pinned_again_and_said_so(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(aws.end("prod", "web"))
    registered_by_a_person(aws, f"{HOST}/app:prod")
    aws.resolve("prod", "web", c0=GOOD)
    pipeline.sweep()

    assert runs(aws) == GOOD
    assert reasons(caplog)[-1] == "re-pinned"
    assert "somebody had put the plain tag back" in caplog.records[-2].message + caplog.records[-1].message
    updates = aws.calls["UpdateService"]
    pipeline.sweep()
    assert aws.calls["UpdateService"] == updates


def test_a_crash_after_the_update_is_told_apart_from_one_before_it(pipeline: Pipeline) -> None:
    aws = pipeline.aws

    def crash(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "after"):
            aws.hook = lambda _action, _phase: None
            raise Crash

    aws.hook = crash
    pipeline.push("app", "prod", BAD)
    assert latest(aws).status == "started", "found when the job came back"

    pipeline.tell(*aws.fail("prod", "web"), aws.end_rollback("prod", "web"))
    pipeline.sweep()

    assert (runs(aws), latest(aws).status) == (OLD, "rolled-back")


def test_a_rollout_that_ecs_refused_was_not_deployed_and_is_tried_again(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refusals = iter([True, True, True])

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before") and next(refusals, False):
            raise Refused("InvalidParameterException", "5 active deployments exist")

    aws.hook = refuse
    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD
    assert latest(aws).status == "started"


def test_the_history_forgets_all_but_the_latest_rollout_and_the_rejections(pipeline: Pipeline) -> None:
    failed_and_rolled_back(pipeline)
    pipeline.push("app", "prod", GOOD)
    kept = {key[1]: item for key, item in pipeline.aws.table.items() if key[1] != "containers"}
    rejected, intent, first, second = sorted(kept, reverse=True)

    assert (rejected, intent) == (f"rejected {BAD}", "intent")
    assert ["expires" in kept[key] for key in (rejected, first, second)] == [False, False, True]
    assert json.loads(kept[second]["record"]["S"])["status"] == "rolled-back"


@pytest.mark.parametrize("action", ["Publish", "PutEvents", "PutParameter"])
def test_who_cannot_be_told_keeps_nobody_from_being_deployed(pipeline: Pipeline, action: str) -> None:
    aws = pipeline.aws

    def refuse(called: str, _phase: str) -> None:
        if called == action:
            raise Refused("AuthorizationError", "no", 403)

    aws.hook = refuse
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(aws.end("prod", "web"))

    assert runs(aws) == GOOD
    assert latest(aws).status == "completed"
    assert not aws.failed


def test_without_the_records_nothing_is_deployed_until_they_can_be_read(pipeline: Pipeline) -> None:
    aws = pipeline.aws

    def refuse(called: str, _phase: str) -> None:
        if called == "Query":
            raise Refused("InternalServerError", "", 500)

    aws.hook = refuse
    pipeline.deliver(aws.push("app", "prod", GOOD))
    pipeline.invoke_deployer()
    assert runs(aws) == OLD
    aws.hook = lambda _action, _phase: None
    pipeline.work()

    assert runs(aws) == GOOD


def message(aws: FakeAws) -> Json:
    return dict(aws.published[-1]["Message"])


def test_people_read_what_failed_why_and_what_they_can_do(pipeline: Pipeline) -> None:
    failed_and_rolled_back(pipeline)

    subject = pipeline.aws.published[-1]["Subject"]
    assert subject == "web in prod was rolled back from app:prod"
    mail = message(pipeline.aws)["email"]
    assert "app:prod bbbbbbbb (was 00000000)" in mail
    assert "aws ecs tag-resource --resource-arn arn:aws:ecs:" in mail


def test_chat_gets_the_schema_that_it_renders_and_programs_get_the_record(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)

    chat = json.loads(message(pipeline.aws)["default"])
    assert (chat["version"], chat["source"], chat["content"]["textType"]) == (
        "1.0",
        "custom",
        "client-markdown",
    )
    [event] = pipeline.aws.events
    detail = json.loads(event["Detail"])
    assert (event["Source"], detail["kind"]) == ("tagalong", "started")
    assert detail["record"]["changes"][0]["new_image"] == f"{HOST}/app@{GOOD}"
    assert json.loads(chat["metadata"]["additionalContext"]["record"]) == detail["record"]


def test_only_the_kinds_that_were_chosen_go_to_the_topic(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_NOTIFY", "failed")
    failed_and_rolled_back(pipeline)

    assert told(pipeline.aws) == ["failed"]
    assert [json.loads(event["Detail"])["kind"] for event in pipeline.aws.events] == [
        "started",
        "failed",
        "rolled-back",
    ]


def test_a_push_to_a_misconfigured_service_is_told_and_a_sweep_of_it_is_not(pipeline: Pipeline) -> None:
    tag(pipeline.aws, "tagalong:rule", "semverr:1.x")
    pipeline.push("app", "prod", GOOD)
    pipeline.sweep()

    assert told(pipeline.aws) == ["refused"]
    assert "semverr:1.x" in message(pipeline.aws)["email"]


def test_a_sweep_warns_of_an_image_that_runs_and_has_lost_its_last_tag(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    tag(pipeline.aws, "tagalong:hold", "true")
    pipeline.push("app", "prod", GOOD)
    assert "no tag any more" not in caplog.text
    pipeline.sweep()

    assert "web runs app@00000000, which has no tag any more" in caplog.text


def test_what_ecr_does_not_tell_of_tags_stops_no_sweep(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.tags["app", "prod"] = GOOD

    def refuse(action: str, _phase: str) -> None:
        if action == "DescribeImages" and "filter" in aws.requests[-1][1]:
            raise Refused("AccessDeniedException", "no")

    aws.hook = refuse
    pipeline.sweep()

    assert runs(aws) == GOOD


def test_of_a_service_that_is_being_deleted_ecs_is_not_asked(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    aws.services["prod", "web"]["status"] = "DRAINING"

    def refuse(action: str, _phase: str) -> None:
        if action == "ListServiceDeployments":
            raise Refused("ServiceNotActiveException", "Service was not ACTIVE.")

    aws.hook = refuse
    pipeline.sweep()

    assert not aws.queue
    assert not aws.failed


def test_a_sweep_publishes_what_runs_where_nobody_has_yet(pipeline: Pipeline) -> None:
    pipeline.sweep()
    assert pipeline.aws.parameters == {"/tagalong/prod/web/c0": f"{HOST}/app:prod@{OLD}"}

    pipeline.push("app", "prod", GOOD)
    pipeline.sweep()
    assert pipeline.aws.parameters == {"/tagalong/prod/web/c0": f"{HOST}/app:prod@{OLD}"}, "not completed yet"
    pipeline.tell(pipeline.aws.end("prod", "web"))
    calls = pipeline.aws.calls["PutParameter"]
    pipeline.sweep()

    assert pipeline.aws.parameters == {"/tagalong/prod/web/c0": f"{HOST}/app@{GOOD}"}
    assert pipeline.aws.calls["PutParameter"] == calls
