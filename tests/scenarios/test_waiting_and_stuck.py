"""Every wait has an end and says which; what does not get on is told; updated is not deployed."""

from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Pipeline

OLD, BAD, GOOD, NEW = ("sha256:" + letter * 64 for letter in "0bcd")
RULES = {"track": ("prod",) * 4, "semver:1.x": tuple(f"1.{n}.0" for n in range(4))}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """With a service that has a circuit breaker."""
    serve(pipeline.aws)
    return pipeline


def serve(aws: FakeAws, tag: str = "prod", **fields: object) -> None:
    aws.push("app", tag, OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:{tag}@{OLD}"), **fields)


def without_breaker(pipeline: Pipeline) -> FakeAws:
    serve(pipeline.aws, breaker={})
    return pipeline.aws


def somebody_deploys(aws: FakeAws, **fields: object) -> str:
    """Terraform, with an edit of its own."""
    return aws.deploy(
        aws.services["prod", "web"],
        aws.register("web", f"{HOST}/app:prod@{OLD}", **(fields or {"cpu": "512"})),
    )


def runs(aws: FakeAws) -> str:
    [image] = aws.images("prod", "web")
    return image.rpartition("@")[2]


def decision(pipeline: Pipeline) -> tuple[str, str]:
    record = pipeline.record("prod", "web")
    assert record
    assert record.decision
    return record.decision.reason, record.decision.message


def why(pipeline: Pipeline) -> str:
    return decision(pipeline)[0]


def told(aws: FakeAws) -> list[str]:
    return [message["MessageAttributes.entry.1.Value.StringValue"] for message in aws.published]


def set_tag(aws: FakeAws, key: str, value: str) -> None:
    arn = aws.services["prod", "web"]["serviceArn"]
    aws._tag_resource({"resourceArn": arn, "tags": [{"key": key, "value": value}]})


# -- nobody gives up (input 9) --------------------------------------------------------------------------


def test_a_crash_loop_without_a_circuit_breaker_is_never_up_to_date(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    pipeline.push("app", "prod", BAD)
    aws.crash_loop("prod", "web")

    reasons = []
    for _ in range(5):
        pipeline.sweep()
        reasons.append(why(pipeline))
        aws.advance(20 * MINUTE)

    assert reasons == ["deployment-in-progress", "deployment-in-progress", "stuck", "stuck", "stuck"]


def test_a_crash_loop_is_told_and_counted_once_though_no_sweep_and_no_event_comes(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = without_breaker(pipeline)
    pipeline.push("app", "prod", BAD)
    aws.crash_loop("prod", "web")

    pipeline.wait(29 * MINUTE)
    assert told(aws) == ["started"]
    pipeline.wait(3 * MINUTE)
    assert told(aws) == ["started", "stuck"]
    pipeline.wait(5 * 60 * MINUTE)

    assert told(aws) == ["started", "stuck"]
    assert capsys.readouterr().out.count('"DeploymentsStuck":[1.0]') == 1


def test_a_service_without_a_circuit_breaker_is_listed_as_such(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    pipeline.push("app", "prod", BAD)
    aws.crash_loop("prod", "web")

    pipeline.wait(40 * MINUTE)
    pipeline.sweep()

    assert "no deployment circuit breaker" in decision(pipeline)[1]


def test_a_stuck_rollout_costs_no_calls_between_sweeps(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    pipeline.push("app", "prod", BAD)
    aws.crash_loop("prod", "web")
    pipeline.wait(60 * MINUTE)
    calls = aws.calls.total()

    pipeline.wait(24 * 60 * MINUTE)

    assert aws.calls.total() == calls


def test_a_stuck_rollout_that_completes_after_all_is_completed(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    pipeline.push("app", "prod", GOOD)
    pipeline.wait(40 * MINUTE)
    pipeline.tell(*aws.complete("prod", "web"))

    pipeline.sweep()

    assert told(aws) == ["started", "stuck", "completed"]
    assert why(pipeline) == "up-to-date"


def test_a_stuck_rollout_that_fails_after_all_is_rejected(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.wait(40 * MINUTE)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))

    pipeline.sweep()

    assert told(aws)[:3] == ["started", "stuck", "rolled-back"]
    assert (runs(aws), why(pipeline)) == (OLD, "rolled-back")


def test_somebodys_stuck_deployment_is_told_once_by_the_sweeps(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    somebody_deploys(aws)
    aws.crash_loop("prod", "web")
    pipeline.sweep()
    assert why(pipeline) == "deployment-in-progress"

    for _ in range(3):
        aws.advance(31 * MINUTE)
        pipeline.sweep()
        assert why(pipeline) == "stuck"

    assert told(aws) == ["stuck"]


def test_each_stuck_deployment_is_told(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    for digest in (BAD, GOOD):
        pipeline.push("app", "prod", digest)
        aws.crash_loop("prod", "web")
        pipeline.wait(40 * MINUTE)

    assert told(aws) == ["started", "stuck", "started", "replaced", "stuck"]


@pytest.mark.parametrize(
    ("stage", "fields"),
    [
        ("PRE_SCALE_UP", {"hooks": [{"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "arn:hook"}]}),
        ("BAKE_TIME", {"bake": 600}),
    ],
)
@pytest.mark.parametrize("ours", [True, False])
def test_what_waits_in_a_hook_or_bakes_is_said_as_that_and_is_never_stuck(
    pipeline: Pipeline, stage: str, fields: Json, ours: bool
) -> None:
    aws = pipeline.aws
    serve(aws, strategy="CANARY", **fields)
    if ours:
        pipeline.push("app", "prod", GOOD)
    else:
        somebody_deploys(aws)
    aws.reach("prod", "web", stage, "arn:hook")

    pipeline.wait(3 * 60 * MINUTE)
    pipeline.sweep()

    assert "stuck" not in told(aws)
    assert why(pipeline) == "deployment-in-progress"
    assert stage in decision(pipeline)[1]


@pytest.mark.parametrize("ours", [True, False])
def test_what_waits_in_a_hook_is_not_overtaken_however_long(pipeline: Pipeline, ours: bool) -> None:
    aws = pipeline.aws
    serve(aws, strategy="CANARY", hooks=[{"lifecycleStages": ["PRE_SCALE_UP"], "hookTargetArn": "arn:hook"}])
    if ours:
        pipeline.push("app", "prod", GOOD)
    else:
        somebody_deploys(aws)
    aws.reach("prod", "web", "PRE_SCALE_UP", "arn:hook")
    running = runs(aws)
    aws.advance(3 * 60 * MINUTE)

    pipeline.push("app", "prod", NEW)
    pipeline.wait(3 * 60 * MINUTE)
    assert (runs(aws), why(pipeline)) == (running, "deployment-in-progress")

    pipeline.tell(*aws.complete("prod", "web"))
    assert runs(aws) == NEW


@pytest.mark.parametrize(
    ("refused", "overtakes"),
    [(Refused("AccessDeniedException", "not yours"), True), (Refused("ThrottlingException", "later"), False)],
)
def test_a_stage_that_is_denied_counts_as_none_and_one_that_is_throttled_is_waited_for(
    pipeline: Pipeline, refused: Refused, overtakes: bool
) -> None:
    aws = pipeline.aws
    serve(aws, strategy="CANARY", bake=10)
    pipeline.push("app", "prod", GOOD)
    aws.reach("prod", "web", "SCALE_UP")

    def deny(action: str, _phase: str) -> None:
        if action == "DescribeServiceDeployments":
            raise refused

    aws.hook = deny
    pipeline.push("app", "prod", NEW)
    assert runs(aws) == (NEW if overtakes else GOOD)

    aws.hook = lambda _action, _phase: None
    pipeline.wait(10 * MINUTE)
    assert runs(aws) == NEW


# -- others are under way (input 15) --------------------------------------------------------------------


def crashing_under_terraform(pipeline: Pipeline) -> FakeAws:
    aws = without_breaker(pipeline)
    somebody_deploys(aws)
    aws.crash_loop("prod", "web")
    return aws


def test_a_repaired_image_waits_for_somebodys_deployment_at_first(pipeline: Pipeline) -> None:
    aws = crashing_under_terraform(pipeline)
    aws.advance(10 * MINUTE)

    pipeline.push("app", "prod", GOOD)

    assert (runs(aws), why(pipeline)) == (OLD, "deployment-in-progress")


def test_a_repaired_image_goes_ahead_when_somebodys_deployment_is_stuck(pipeline: Pipeline) -> None:
    aws = crashing_under_terraform(pipeline)
    aws.advance(10 * MINUTE)
    pipeline.push("app", "prod", GOOD)

    pipeline.wait(25 * MINUTE)

    assert runs(aws) == GOOD
    assert aws.running("prod", "web")["cpu"] == "512", "on top of their revision"


def test_a_repaired_image_goes_ahead_at_once_when_somebodys_deployment_has_been_stuck(
    pipeline: Pipeline,
) -> None:
    aws = crashing_under_terraform(pipeline)
    aws.advance(40 * MINUTE)

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD


@pytest.mark.parametrize("minutes", [10, 40])
def test_a_repaired_image_goes_ahead_when_the_event_of_its_push_is_lost(
    pipeline: Pipeline, minutes: int
) -> None:
    aws = without_breaker(pipeline)
    pipeline.sweep()
    somebody_deploys(aws)
    aws.crash_loop("prod", "web")
    aws.advance(minutes * MINUTE)
    aws.push("app", "prod", GOOD)

    pipeline.sweep()
    pipeline.wait(25 * MINUTE)

    assert runs(aws) == GOOD


def test_a_repaired_image_goes_ahead_on_a_service_that_was_never_looked_at_before(pipeline: Pipeline) -> None:
    aws = crashing_under_terraform(pipeline)
    aws.advance(40 * MINUTE)
    aws.push("app", "prod", GOOD)

    pipeline.sweep()
    assert runs(aws) == OLD, "adopted: it has completed a deployment before"

    aws.push("app", "prod", NEW)
    pipeline.sweep()
    assert runs(aws) == NEW


def test_a_repaired_image_goes_ahead_on_a_service_that_has_never_completed_a_deployment(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.create_service("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}"), breaker={})
    aws.crash_loop("prod", "web")
    aws.push("app", "prod", GOOD)

    pipeline.sweep()
    pipeline.wait(35 * MINUTE)

    assert runs(aws) == GOOD


def test_a_push_comes_right_after_somebodys_deployment_has_ended(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    somebody_deploys(aws)
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == OLD

    pipeline.tell(*aws.complete("prod", "web"))

    assert runs(aws) == GOOD
    assert aws.running("prod", "web")["cpu"] == "512"


@pytest.mark.parametrize("cause", ["breaker", "alarm", "hook", "person"])
def test_a_push_comes_right_after_somebodys_deployment_was_rolled_back(
    pipeline: Pipeline, cause: str
) -> None:
    aws = pipeline.aws
    somebody_deploys(aws)
    pipeline.push("app", "prod", GOOD)

    pipeline.tell(*aws.fail("prod", "web", cause))  # type: ignore[arg-type]  # one of the causes
    assert runs(aws) == OLD
    pipeline.tell(*aws.complete_rollback("prod", "web"))
    pipeline.wait(5 * MINUTE)

    assert runs(aws) == GOOD
    assert "cpu" not in aws.running("prod", "web")


def test_a_push_comes_within_minutes_when_nobody_tells_the_end_of_somebodys_deployment(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    somebody_deploys(aws)
    pipeline.push("app", "prod", GOOD)
    aws.complete("prod", "web")

    pipeline.wait(5 * MINUTE)

    assert runs(aws) == GOOD


def test_a_rollback_that_never_ends_is_overtaken_by_a_push(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == OLD

    pipeline.wait(45 * MINUTE)

    assert runs(aws) == GOOD


@pytest.mark.parametrize("end", ["completed", "failed"])
def test_nothing_is_started_during_a_rollback_and_the_push_comes_after_it(
    pipeline: Pipeline, end: str
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail("prod", "web"))
    pipeline.push("app", "prod", GOOD)
    assert (runs(aws), why(pipeline)) == (OLD, "deployment-in-progress")

    ended = aws.complete_rollback if end == "completed" else aws.fail_rollback
    pipeline.tell(*ended("prod", "web"))

    assert runs(aws) == GOOD


def test_a_rollback_is_seen_when_the_service_tells_no_state_of_its_deployments(pipeline: Pipeline) -> None:
    """Documents give `rolloutState` to rolling updates only."""
    aws = pipeline.aws
    somebody_deploys(aws)
    aws.fail("prod", "web")
    states = [it.pop("rolloutState") for it in aws.services["prod", "web"]["deployments"]]
    pipeline.push("app", "prod", GOOD)
    assert (runs(aws), why(pipeline)) == (OLD, "deployment-in-progress")

    for deployment, state in zip(aws.services["prod", "web"]["deployments"], states, strict=True):
        deployment["rolloutState"] = state
    pipeline.tell(*aws.complete_rollback("prod", "web"))
    assert runs(aws) == GOOD


def test_a_rollout_beside_one_that_failed_is_not_taken_for_the_rollback_of_that(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.fail_without_rollback("prod", "web"))
    pipeline.push("app", "prod", GOOD)
    states = [it["rolloutState"] for it in aws.services["prod", "web"]["deployments"]]
    assert states[:2] == ["IN_PROGRESS", "FAILED"]

    pipeline.push("app", "prod", NEW)

    assert runs(aws) == NEW


def test_a_rollback_that_a_person_requested_may_still_end_as_a_success(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    aws.request_stop("prod", "web", "ROLLBACK")
    pipeline.push("app", "prod", NEW)
    assert runs(aws) == GOOD, "ECS may roll back any moment"

    pipeline.tell(*aws.complete("prod", "web"))

    assert runs(aws) == NEW
    assert told(aws) == ["started", "completed", "started"]


def test_our_own_rollout_is_overtaken_by_the_next_push_at_once(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


def test_our_own_rollout_is_overtaken_when_its_tag_is_moved_back(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)

    pipeline.push("app", "prod", OLD)

    assert runs(pipeline.aws) == OLD


@pytest.mark.parametrize("code", ["InvalidParameterException", "ConflictException"])
def test_a_refusal_because_of_a_deployment_under_way_is_such_a_wait(pipeline: Pipeline, code: str) -> None:
    aws = pipeline.aws
    refuse(aws, Refused(code, "A deployment is already in progress for this service."))
    pipeline.push("app", "prod", GOOD)
    pipeline.wait(3 * 60 * MINUTE)
    assert why(pipeline) == "deployment-in-progress"
    assert not aws.failed

    aws.hook = lambda _action, _phase: None
    pipeline.wait(5 * MINUTE)

    assert runs(aws) == GOOD


# -- no task is wanted (input 15, R3) -------------------------------------------------------------------


def scaled_to_zero_at_night(pipeline: Pipeline) -> FakeAws:
    """A failing image: with no task its deployment is SUCCESSFUL."""
    aws = without_breaker(pipeline)
    pipeline.push("app", "prod", BAD)
    aws.crash_loop("prod", "web")
    pipeline.tell(*aws.scale("prod", "web", 0))
    return aws


def test_a_failing_image_that_was_scaled_to_zero_is_not_completed(pipeline: Pipeline) -> None:
    aws = scaled_to_zero_at_night(pipeline)

    pipeline.sweep()

    assert told(aws) == ["started"]
    record = pipeline.record("prod", "web")
    assert record
    assert record.order
    assert record.order.status == "not-started"


def test_a_failing_image_that_crashes_in_the_morning_is_stuck(pipeline: Pipeline) -> None:
    aws = scaled_to_zero_at_night(pipeline)
    aws.advance(8 * 60 * MINUTE)
    aws.scale("prod", "web", 1)

    pipeline.sweep()
    aws.advance(31 * MINUTE)
    pipeline.sweep()

    assert told(aws) == ["started", "stuck"]
    assert why(pipeline) == "stuck"


def test_an_image_that_runs_in_the_morning_is_completed(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    pipeline.tell(*aws.scale("prod", "web", 0))
    aws.advance(8 * 60 * MINUTE)
    pipeline.sweep()
    assert told(aws) == ["started"]
    aws.scale("prod", "web", 2)

    pipeline.sweep()

    assert told(aws) == ["started", "completed"]


def test_a_repaired_image_is_deployed_in_the_morning(pipeline: Pipeline) -> None:
    aws = scaled_to_zero_at_night(pipeline)
    aws.advance(8 * 60 * MINUTE)
    aws.scale("prod", "web", 1)
    pipeline.sweep()

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == GOOD


def test_an_image_that_never_ran_is_rejected_with_what_came_on_top_of_it(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}"))
    pipeline.tell(*aws.scale("prod", "web", 0))
    pipeline.push("app", "prod", BAD)
    pipeline.tell(*aws.scale("prod", "web", 0))
    pipeline.sweep()
    aws.services["prod", "web"]["desiredCount"] = 1
    pipeline.push("proxy", "prod", GOOD)

    # ECS goes back to the app that never ran, and that crashes
    pipeline.tell(*aws.fail("prod", "web"), *aws.fail_rollback("prod", "web"))
    pipeline.sweep()

    record = pipeline.record("prod", "web")
    assert record
    assert [set(it.change.values()) for it in record.rejections] == [{BAD, GOOD}]


def test_a_service_without_tasks_gets_the_next_push(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.tell(*aws.scale("prod", "web", 0))
    for digest in (BAD, GOOD):
        pipeline.push("app", "prod", digest)
        pipeline.tell(*aws.complete("prod", "web"))

    assert runs(aws) == GOOD
    assert not aws.failed


# -- five deployments (input 17) ------------------------------------------------------------------------

FIVE = "5 active deployments exist, unable to create new deployment."


def refuse(aws: FakeAws, refused: Refused) -> None:
    def hook(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            raise refused

    aws.hook = hook


def test_five_active_deployments_are_a_reason_of_their_own(pipeline: Pipeline) -> None:
    refuse(pipeline.aws, Refused("InvalidParameterException", FIVE))

    pipeline.push("app", "prod", GOOD)

    assert why(pipeline) == "too-many-deployments"
    assert not pipeline.aws.failed


def test_five_active_deployments_are_waited_for_however_long_and_count_no_attempt(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refuse(aws, Refused("InvalidParameterException", FIVE))
    pipeline.push("app", "prod", GOOD)

    pipeline.wait(10 * 60 * MINUTE)
    assert not aws.failed
    assert told(aws).count("blocked") == 1

    aws.hook = lambda _action, _phase: None
    pipeline.wait(5 * MINUTE)
    assert runs(aws) == GOOD


def test_a_push_comes_at_the_end_of_one_of_five_deployments(pipeline: Pipeline) -> None:
    aws = without_breaker(pipeline)
    for number in range(1, 6):
        pipeline.push("app", "prod", f"sha256:{number:064d}")
        aws.crash_loop("prod", "web")
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == f"sha256:{5:064d}"

    aws.crashing.clear()
    pipeline.tell(*aws.complete("prod", "web"))

    assert runs(aws) == GOOD
    assert not aws.failed


def test_a_refused_order_leaves_no_twin_of_its_revision(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refuse(aws, Refused("InvalidParameterException", FIVE))
    pipeline.push("app", "prod", GOOD)
    pipeline.wait(60 * MINUTE)

    aws.hook = lambda _action, _phase: None
    pipeline.wait(5 * MINUTE)

    assert runs(aws) == GOOD
    assert len(aws.revisions["web"]) == 2


def test_an_order_that_was_refused_is_reported_as_started_once_it_is(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    refuse(aws, Refused("InvalidParameterException", FIVE))
    pipeline.push("app", "prod", GOOD)
    assert "started" not in told(aws)

    aws.hook = lambda _action, _phase: None
    pipeline.wait(5 * MINUTE)

    assert told(aws) == ["blocked", "started"]


# -- consent --------------------------------------------------------------------------------------------


def test_a_hold_ends_when_it_says_so(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    set_tag(aws, "tagalong:hold", (aws.clock + 60 * MINUTE).isoformat())
    pipeline.push("app", "prod", GOOD)
    assert (runs(aws), why(pipeline)) == (OLD, "on-hold")

    aws.advance(61 * MINUTE)
    pipeline.sweep()

    assert runs(aws) == GOOD


def test_a_rollout_that_ends_during_a_hold_is_reported(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    set_tag(aws, "tagalong:hold", "true")

    pipeline.tell(*aws.complete("prod", "web"))

    assert told(aws)[:2] == ["started", "completed"]
