"""What became of a rollout is reported in order and once, by log, metric, notification and parameter."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Crash, Pipeline, start_afresh

OLD, BAD, GOOD, NEW = ("sha256:" + letter * 64 for letter in "0bcd")
PARAMETER = "/tagalong/prod/web/c0"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    serve(pipeline.aws)
    return pipeline


def serve(aws: FakeAws, **fields: object) -> None:
    aws.push("app", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}"), **fields)


def runs(aws: FakeAws) -> str:
    [image] = aws.images("prod", "web")
    return image.rpartition("@")[2]


def told(aws: FakeAws) -> list[str]:
    """The kinds of what was told of rollouts: what is held afterwards is told too, and is no outcome."""
    kinds = [message["MessageAttributes.entry.1.Value.StringValue"] for message in aws.published]
    return [kind for kind in kinds if kind != "blocked"]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def outcomes(written: list[dict[str, Any]]) -> list[str]:
    """Of rollouts, as log lines say them; that one was begun is said by its decision."""
    said = [line.get("deployment_status") or line.get("decision") for line in written]
    return [{"update": "started"}.get(it, it) for it in said if it and it not in {"skip", "error"}]


def counted(written: list[dict[str, Any]], name: str) -> float:
    return float(sum(sum(line[name]) for line in written if name in line))


def somebody_deploys(aws: FakeAws) -> None:
    aws.deploy(aws.services["prod", "web"], aws.register("web", f"{HOST}/app:prod@{OLD}", cpu="512"))


def crash_once(aws: FakeAws, action: str, phase: str) -> None:
    def crash(*call: str) -> None:
        if call == (action, phase):
            aws.hook = lambda _action, _phase: None
            start_afresh()
            raise Crash

    aws.hook = crash


# -- each outcome ---------------------------------------------------------------------------------------


def completed(pipeline: Pipeline) -> list[Json]:
    return pipeline.aws.complete("prod", "web")


def failed(cause: str) -> Callable[[Pipeline], list[Json]]:
    def fail(pipeline: Pipeline) -> list[Json]:
        events = pipeline.aws.fail("prod", "web", cause)  # type: ignore[arg-type]  # one of the causes
        return [*events, *pipeline.aws.complete_rollback("prod", "web")]

    return fail


def failed_without_rollback(pipeline: Pipeline) -> list[Json]:
    return pipeline.aws.fail_without_rollback("prod", "web")


def failed_to_roll_back(pipeline: Pipeline) -> list[Json]:
    return [*pipeline.aws.fail("prod", "web"), *pipeline.aws.fail_rollback("prod", "web")]


def stopped(pipeline: Pipeline) -> list[Json]:
    return pipeline.aws.stop("prod", "web", "ABORT")


def replaced(pipeline: Pipeline) -> list[Json]:
    somebody_deploys(pipeline.aws)
    return pipeline.aws.complete("prod", "web")


def stuck(pipeline: Pipeline) -> list[Json]:
    pipeline.aws.crash_loop("prod", "web")
    pipeline.aws.advance(31 * MINUTE)
    return []


ENDS = {
    "completed": (completed, "completed", "RolloutsCompleted"),
    "breaker": (failed("breaker"), "rolled-back", "RolloutsRolledBack"),
    "alarm": (failed("alarm"), "rolled-back", "RolloutsRolledBack"),
    "hook": (failed("hook"), "rolled-back", "RolloutsRolledBack"),
    "person": (failed("person"), "rolled-back", "RolloutsRolledBack"),
    "no rollback": (failed_without_rollback, "failed", "RolloutsFailed"),
    "rollback failed": (failed_to_roll_back, "failed", "RolloutsFailed"),
    "stopped": (stopped, "stopped", "RolloutsStopped"),
    "replaced": (replaced, "replaced", ""),
    "stuck": (stuck, "stuck", "DeploymentsStuck"),
}
each_end = pytest.mark.parametrize("end", ENDS)


@pytest.mark.parametrize("heard", ["once", "twice and again", "by sweeps only"])
@each_end
def test_each_outcome_is_logged_counted_and_told_once(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], end: str, heard: str
) -> None:
    happen, status, metric = ENDS[end]
    pipeline.push("app", "prod", GOOD)
    events = happen(pipeline)
    if heard != "by sweeps only":
        pipeline.tell(*events)
    if heard == "twice and again":
        pipeline.tell(*reversed(events), *events)

    for _ in range(3):
        pipeline.sweep()
        pipeline.aws.advance(MINUTE)

    written = lines(capsys)
    assert outcomes(written) == ["started", status]
    assert told(pipeline.aws) == ["started", status]
    assert not metric or counted(written, metric) == 1


@each_end
def test_the_parameter_says_what_runs_and_nothing_that_failed(pipeline: Pipeline, end: str) -> None:
    happen, status, _ = ENDS[end]
    pipeline.push("app", "prod", GOOD)
    assert not pipeline.aws.parameters, "nobody knows yet whether it will run"

    pipeline.tell(*happen(pipeline))
    pipeline.sweep()

    published = pipeline.aws.parameters.get(PARAMETER, "")
    assert published.endswith(GOOD) is (status == "completed")


@each_end
def test_each_outcome_is_in_the_readable_log_with_an_expiry(pipeline: Pipeline, end: str) -> None:
    happen, status, _ = ENDS[end]
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*happen(pipeline))
    pipeline.sweep()

    logged = [item for (_, name), item in sorted(pipeline.aws.table.items()) if name.startswith("log ")]
    assert [json.loads(item["entry"]["S"])["status"] for item in logged][:2] == ["started", status]
    assert all("expires" in item for item in logged)


@each_end
def test_an_outcome_is_reported_again_only_after_a_crash_between_saying_and_keeping(
    pipeline: Pipeline, end: str
) -> None:
    happen, status, _ = ENDS[end]
    pipeline.push("app", "prod", GOOD)
    events = happen(pipeline)

    crash_once(pipeline.aws, "Publish", "before")
    pipeline.tell(*events)
    pipeline.sweep()
    assert told(pipeline.aws) == ["started", status]

    pipeline.aws.published.clear()
    pipeline.push("app", "prod", NEW)
    pipeline.settle()
    of_the_next = int(status == "stuck")  # nobody completes that either
    assert told(pipeline.aws).count(status) == of_the_next


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("action", ["UpdateService", "Publish", "PutEvents", "PutItem", "PutParameter"])
def test_whatever_call_it_crashes_at_an_outcome_is_reported_at_least_once_and_at_most_twice(
    pipeline: Pipeline, action: str, phase: str
) -> None:
    aws = pipeline.aws
    crash_once(aws, action, phase)
    pipeline.push("app", "prod", GOOD)
    pipeline.settle(10 * MINUTE)
    crash_once(aws, action, phase)
    pipeline.tell(*aws.complete("prod", "web"))
    aws.hook = lambda _action, _phase: None
    pipeline.sweep()

    kinds = told(aws)
    assert kinds == sorted(kinds, key=["started", "completed"].index)
    assert 1 <= kinds.count("started") <= 2
    assert 1 <= kinds.count("completed") <= 2
    assert aws.parameters[PARAMETER].endswith(GOOD)
    assert aws.calls["RegisterTaskDefinition"] == 1


# -- in order -------------------------------------------------------------------------------------------


def test_the_end_of_a_rollout_is_reported_before_the_next_is_begun(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.aws.complete("prod", "web")  # nobody hears of it

    pipeline.push("app", "prod", NEW)

    assert outcomes(lines(capsys)) == ["started", "completed", "started"]
    assert told(pipeline.aws) == ["started", "completed", "started"]


def test_a_rollout_that_the_next_one_replaced_is_reported_before_the_end_of_that(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.push("app", "prod", NEW)

    pipeline.tell(*pipeline.aws.complete("prod", "web"))

    assert told(pipeline.aws) == ["started", "started", "replaced", "completed"]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_rollout_that_is_replaced_slowly_is_replaced_all_the_same(
    pipeline: Pipeline, at_once: bool
) -> None:
    pipeline.aws.stops_at_once = at_once
    pipeline.push("app", "prod", GOOD)
    pipeline.push("app", "prod", NEW)

    pipeline.tell(*pipeline.aws.complete("prod", "web"))
    pipeline.sweep()

    assert sorted(told(pipeline.aws)) == ["completed", "replaced", "started", "started"]


def test_the_end_of_a_rollback_is_not_the_completion_of_an_earlier_rollout(pipeline: Pipeline) -> None:
    """ECS goes back onto the old deployment under its old id, and says that this one was completed."""
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.tell(*aws.complete_rollback("prod", "web"))
    pipeline.sweep()

    assert told(aws) == ["started", "completed", "started", "rolled-back"]


def test_two_failures_in_a_row_are_two_rollbacks(pipeline: Pipeline) -> None:
    for digest in (BAD, NEW):
        pipeline.push("app", "prod", digest)
        pipeline.tell(*pipeline.aws.fail("prod", "web"))
        pipeline.tell(*pipeline.aws.complete_rollback("prod", "web"))

    assert told(pipeline.aws) == ["started", "rolled-back"] * 2


@pytest.mark.parametrize("late", ["the list", "the service"])
def test_an_outcome_is_reported_once_though_list_and_service_differ_for_a_while(
    pipeline: Pipeline, late: str
) -> None:
    aws = pipeline.aws
    aws.listed_after = timedelta(seconds=40 * (late == "the list"))
    aws.described_after = timedelta(seconds=40 * (late == "the service"))
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.settle()
    for _ in range(3):
        pipeline.sweep()
        aws.advance(MINUTE)

    assert told(aws) == ["started", "completed"]


def test_old_events_that_come_again_report_nothing(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    old = [*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web")]
    pipeline.tell(*old)
    pipeline.push("app", "prod", GOOD)
    before = told(aws)

    pipeline.tell(*old)
    assert told(aws) == before

    pipeline.tell(*aws.complete("prod", "web"))
    assert told(aws) == [*before, "completed"]


# -- what is not ours, and what was lost ----------------------------------------------------------------


def test_deployments_of_others_are_not_reported_and_cost_nothing(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.sweep()
    aws.calls.clear()
    somebody_deploys(aws)

    pipeline.tell(*aws.complete("prod", "web"))

    assert not aws.published
    assert set(aws.calls) == {"BatchGetItem"}


def test_after_a_crash_a_deployment_of_somebody_else_is_not_taken_for_ours(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    crash_once(aws, "UpdateService", "after")
    pipeline.deliver(aws.push("app", "prod", GOOD))
    pipeline.invoke_deployer()
    somebody_deploys(aws)
    pipeline.work()

    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.settle()

    assert "completed" not in told(aws)[: told(aws).index("replaced") + 1]
    assert aws.running("prod", "web")["cpu"] == "512"


def test_a_rollout_whose_order_was_lost_and_that_failed_meanwhile_is_reported_from_its_start(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    crash_once(aws, "UpdateService", "after")
    pipeline.deliver(aws.push("app", "prod", BAD))
    pipeline.invoke_deployer()
    events = [*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web")]

    pipeline.tell(*events)
    pipeline.sweep()

    assert told(aws) == ["started", "rolled-back"]
    assert runs(aws) == OLD


@pytest.mark.parametrize("pinned", [True, False])
def test_a_rollout_whose_order_was_lost_is_reported_once(pipeline: Pipeline, pinned: bool) -> None:
    aws = pipeline.aws
    aws.tells_pinned_digests = pinned
    crash_once(aws, "UpdateService", "after")
    pipeline.push("app", "prod", GOOD)

    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.sweep()

    assert told(aws) == ["started", "completed"]


def test_an_order_that_never_began_is_not_reported_and_is_begun_later(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    crash_once(aws, "UpdateService", "before")
    pipeline.deliver(aws.push("app", "prod", GOOD))
    pipeline.invoke_deployer()
    aws.queue.clear()
    aws.advance(5 * MINUTE)

    pipeline.sweep()
    pipeline.wait(MINUTE)

    assert told(aws) == ["started"]
    assert runs(aws) == GOOD


def test_a_rollout_that_completed_without_a_task_is_not_said_to_run(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = pipeline.aws
    aws.scale("prod", "web", 0)
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.sweep()

    assert told(aws) == ["started"]
    assert counted(lines(capsys), "RolloutsCompleted") == 0
    assert PARAMETER not in aws.parameters


# -- what it says ---------------------------------------------------------------------------------------


def test_an_outcome_is_logged_with_the_push_that_caused_the_rollout_whatever_made_us_look(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.push("app", "prod", GOOD)
    pipeline.aws.complete("prod", "web")
    pipeline.sweep()

    [line] = [line for line in lines(capsys) if line.get("deployment_status") == "completed"]
    assert (line["trigger"], line["repository"], line["tag"], line["digest"]) == ("push", "app", "prod", GOOD)
    assert (line["cluster"], line["ecs_service"]) == ("prod", "web")
    assert (line["old_revision"], line["new_revision"]) == ("web:1", "web:2")


def test_an_outcome_of_a_sweep_is_logged_with_no_image_of_the_push_that_made_us_look(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.sweep()
    pipeline.aws.push("app", "prod", GOOD)
    pipeline.sweep()
    pipeline.aws.complete("prod", "web")
    pipeline.push("app", "prod", NEW)

    [line] = [line for line in lines(capsys) if line.get("deployment_status") == "completed"]
    assert line["trigger"] == "sweep"
    assert not {"repository", "tag", "digest"} & line.keys()


def test_a_failure_is_logged_with_the_reason_that_ecs_gives(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web"))

    [line] = [line for line in lines(capsys) if line.get("deployment_status") == "rolled-back"]
    assert "circuit breaker threshold was exceeded" in line["ecs_reason"]


def test_the_time_from_push_to_steady_state_is_counted_at_its_completion(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.push("app", "prod", GOOD)
    assert counted(lines(capsys), "PushToSteadyState") == 0
    pipeline.aws.advance(2 * MINUTE)
    events = pipeline.aws.complete("prod", "web")
    pipeline.aws.advance(60 * MINUTE)

    pipeline.tell(*events)

    assert 120 <= counted(lines(capsys), "PushToSteadyState") < 180, "not when we looked"


def test_people_read_what_was_rolled_back_why_and_what_they_can_do(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))

    [message] = [it for it in aws.published if it["Subject"].startswith("web in prod was rolled back")]
    assert message["Subject"] == "web in prod was rolled back from app:prod"
    mail, arn = message["Message"]["email"], aws.services["prod", "web"]["serviceArn"]
    assert "app:prod bbbbbbbb (was 00000000)" in mail
    assert f"aws ecs tag-resource --resource-arn {arn} --tags key=tagalong:retry,value=" in mail
    assert "aws ecs update-service --cluster prod --service web --force-new-deployment" in mail
    assert "circuit breaker threshold was exceeded" in mail


def test_chat_gets_the_schema_that_it_renders_and_programs_get_the_record(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", GOOD)

    [message], [event] = pipeline.aws.published, pipeline.aws.events
    chat, detail = json.loads(message["Message"]["default"]), json.loads(event["Detail"])
    assert (chat["version"], chat["source"], chat["content"]["textType"]) == (
        "1.0",
        "custom",
        "client-markdown",
    )
    assert (event["Source"], detail["kind"]) == ("tagalong", "started")
    assert detail["record"]["rollout"]["changes"][0]["new_image"] == f"{HOST}/app@{GOOD}"
    assert json.loads(chat["metadata"]["additionalContext"]["record"]) == detail["record"]


def test_what_others_also_write_carries_the_name_of_the_stack(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_STACK_NAME", "shop")
    start_afresh()
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*pipeline.aws.complete("prod", "web"))

    assert {it["Source"] for it in pipeline.aws.events} == {"shop"}
    assert set(pipeline.aws.parameters) == {"/shop/prod/web/c0"}


def test_only_the_kinds_that_were_chosen_go_to_the_topic_and_all_go_to_the_bus(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_NOTIFY_ON", "rolled-back")
    start_afresh()
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web"))

    assert told(pipeline.aws) == ["rolled-back"]
    kinds = [json.loads(event["Detail"])["kind"] for event in pipeline.aws.events]
    assert kinds[:2] == ["started", "rolled-back"]


def test_a_push_to_a_service_on_hold_is_told_and_a_sweep_of_it_is_not(pipeline: Pipeline) -> None:
    pipeline.aws.services["prod", "web"]["tags"] = [{"key": "tagalong:hold", "value": "true"}]
    pipeline.sweep()
    assert not pipeline.aws.published

    pipeline.push("app", "prod", GOOD)

    [message] = pipeline.aws.published
    assert message["Subject"] == "web in prod is blocked: on-hold"


def test_a_misconfigured_service_is_told_once_however_often_it_is_looked_at(pipeline: Pipeline) -> None:
    pipeline.aws.services["prod", "web"]["tags"] = [{"key": "tagalong:rule", "value": "semverr:1.x"}]
    pipeline.push("app", "prod", GOOD)
    for _ in range(3):
        pipeline.sweep()

    [message] = pipeline.aws.published
    assert "semverr:1.x" in message["Message"]["email"]


# -- who cannot be told ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["Publish", "PutEvents", "PutParameter", "GetParameters"])
def test_who_cannot_be_told_keeps_nobody_from_being_deployed(pipeline: Pipeline, action: str) -> None:
    aws = pipeline.aws

    def refuse(called: str, _phase: str) -> None:
        if called == action:
            raise Refused("AuthorizationError", "no", 403)

    aws.hook = refuse
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.sweep()
    pipeline.push("app", "prod", NEW)

    assert runs(aws) == NEW
    assert not aws.failed


def test_a_topic_that_does_not_answer_costs_the_deployer_little_time(pipeline: Pipeline) -> None:
    waited = []

    def silent(action: str, _phase: str) -> None:
        if action == "Publish":
            waited.append(action)
            raise ReadTimeoutError(endpoint_url="sns")

    pipeline.aws.hook = silent
    pipeline.push("app", "prod", GOOD)

    assert len(waited) <= 2
    assert runs(pipeline.aws) == GOOD


def test_an_event_that_the_bus_did_not_take_is_in_the_log(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalException", "ErrorMessage": "later"}]}
    monkeypatch.setattr(FakeAws, "_put_events", lambda _self, _body: answer)

    pipeline.push("app", "prod", GOOD)

    assert "later" in caplog.text


# -- parameters -----------------------------------------------------------------------------------------


def test_a_sweep_publishes_what_runs_where_nobody_has_yet_and_writes_nothing_twice(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    pipeline.sweep()
    assert aws.parameters == {PARAMETER: f"{HOST}/app:prod@{OLD}"}
    pipeline.push("app", "prod", GOOD)
    pipeline.sweep()
    assert aws.parameters == {PARAMETER: f"{HOST}/app:prod@{OLD}"}, "not completed yet"

    pipeline.tell(*aws.complete("prod", "web"))
    assert aws.parameters == {PARAMETER: f"{HOST}/app@{GOOD}"}
    written = aws.calls["PutParameter"]
    pipeline.sweep()

    assert aws.calls["PutParameter"] == written


def test_the_parameter_follows_ecs_when_a_rollout_is_rolled_back(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.complete("prod", "web"))
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))

    pipeline.sweep()

    assert aws.parameters[PARAMETER] == f"{HOST}/app@{GOOD}"


def test_the_parameter_follows_a_person_who_repaired_what_had_failed(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.fail_without_rollback("prod", "web"))
    aws.deploy(aws.services["prod", "web"], aws.services["prod", "web"]["taskDefinition"])
    pipeline.tell(*aws.complete("prod", "web"))

    pipeline.sweep()

    assert aws.parameters[PARAMETER] == f"{HOST}/app@{GOOD}"
    assert told(aws) == ["started", "failed"], "what the person did is not ours"


# -- how much is remembered -----------------------------------------------------------------------------


def test_what_is_remembered_of_a_service_stays_small_however_many_rollouts_it_has(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    for number in range(1, 31):
        pipeline.push("app", "prod", f"sha256:{number:064d}")
        end = aws.complete if number % 3 else aws.fail
        pipeline.tell(*end("prod", "web"))
        if not number % 3:
            pipeline.tell(*aws.complete_rollback("prod", "web"))
    record = pipeline.record("prod", "web")

    assert record
    assert len(record.orders) <= 2
    kept = [item for key, item in aws.table.items() if key[0] == "service/prod/web"]
    assert sum("expires" not in item for item in kept) == 1, "the record; the log expires"
    assert len(aws.table["service/prod/web", "record"]["record"]["S"]) < 20_000
