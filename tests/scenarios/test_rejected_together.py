"""What failed together is rejected together; success acquits; failures are bounded by pushes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Crash, Pipeline, start_afresh

OLD, GOOD, BAD, FIXED, NEW, LATER = ("sha256:" + letter * 64 for letter in "0cbfde")
TAGS = {
    "track": ("prod",) * 30,
    "newest:main-": tuple(f"main-{n}" for n in range(1, 10)),
    "semver:1.x": tuple(f"1.{n}.0" for n in range(1, 10)),
}


@dataclass
class Web:
    """The service `web` of app, proxy and agent, which all follow their tags by one rule."""

    pipeline: Pipeline
    tags: tuple[str, ...]
    pushed: int = 0

    @property
    def aws(self) -> FakeAws:
        return self.pipeline.aws

    @property
    def runs(self) -> list[str]:
        """The digests of app, proxy and agent."""
        return [image.rpartition("@")[2] for image in self.aws.images("prod", "web")]

    @property
    def rejected(self) -> list[set[str]]:
        record = self.pipeline.record("prod", "web")
        return [set(it.change.values()) for it in record.rejections] if record else []

    @property
    def orders(self) -> int:
        return self.aws.calls["UpdateService"]

    def serve(self, rule: str, breaker: Json | None = None) -> None:
        self.pushed += 1
        names = ("app", "proxy", "agent")
        for name in names:
            self.aws.push(name, self.tags[0], OLD)
        images = [f"{HOST}/{name}:{self.tags[0]}@{OLD}" for name in names]
        self.aws.serve("prod", "web", self.aws.register("web", *images), breaker=breaker)
        self.set_tag("tagalong:rule", rule)

    def push(self, name: str, digest: str) -> None:
        self.pushed += 1
        self.pipeline.push(name, self.tags[self.pushed - 1], digest)

    def complete(self) -> None:
        self.pipeline.tell(*self.aws.complete("prod", "web"))

    def fail(self) -> None:
        """ECS goes back to what was completed last, and everything is heard."""
        self.pipeline.tell(*self.aws.fail("prod", "web"))
        self.pipeline.tell(*self.aws.complete_rollback("prod", "web"))

    def set_tag(self, key: str, value: str) -> None:
        arn = self.aws.services["prod", "web"]["serviceArn"]
        self.aws._tag_resource({"resourceArn": arn, "tags": [{"key": key, "value": value}]})

    def sweep(self, times: int = 1) -> None:
        for _ in range(times):
            self.pipeline.sweep()
            self.aws.advance(timedelta(hours=1))


@pytest.fixture(params=TAGS)
def any_web(pipeline: Pipeline, request: pytest.FixtureRequest) -> Web:
    """Under each kind of rule."""
    web = Web(pipeline, TAGS[request.param])
    web.serve(request.param)
    return web


@pytest.fixture
def web(pipeline: Pipeline) -> Web:
    web = Web(pipeline, TAGS["track"])
    web.serve("track")
    return web


# -- inputs 3 and 4, and how a rollout can end without success ------------------------------------------


def test_a_good_app_is_held_with_the_bad_sidecar_that_was_pushed_during_its_rollout(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.push("proxy", BAD)
    any_web.fail()

    orders = any_web.orders
    any_web.sweep(3)

    assert (any_web.runs, any_web.orders) == ([OLD, OLD, OLD], orders)
    assert any_web.rejected == [{GOOD, BAD}]


def test_app_and_sidecar_move_together_when_the_sidecar_is_repaired(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.push("proxy", BAD)
    any_web.fail()

    any_web.push("proxy", FIXED)

    assert any_web.runs == [GOOD, FIXED, OLD]


def test_a_bad_app_and_an_innocent_sidecar_are_held_together(any_web: Web) -> None:
    any_web.push("app", BAD)
    any_web.push("proxy", NEW)
    any_web.fail()

    orders = any_web.orders
    any_web.sweep(3)

    assert (any_web.runs, any_web.orders) == ([OLD, OLD, OLD], orders)
    assert any_web.rejected == [{BAD, NEW}]


def test_the_innocent_sidecar_moves_with_the_repaired_app(any_web: Web) -> None:
    any_web.push("app", BAD)
    any_web.push("proxy", NEW)
    any_web.fail()

    any_web.push("app", FIXED)

    assert any_web.runs == [FIXED, NEW, OLD]


def test_a_sweep_moves_both_when_the_event_of_the_repair_is_lost(any_web: Web) -> None:
    any_web.push("app", BAD)
    any_web.push("proxy", NEW)
    any_web.fail()
    any_web.pushed += 1
    any_web.aws.push("app", any_web.tags[any_web.pushed - 1], FIXED)

    any_web.sweep()

    assert any_web.runs == [FIXED, NEW, OLD]


def breaker_without_rollback(web: Web) -> list[Json]:
    return web.aws.fail_without_rollback("prod", "web")


def failing(cause: str) -> Callable[[Web], list[Json]]:
    def fail(web: Web) -> list[Json]:
        events = web.aws.fail("prod", "web", cause)  # type: ignore[arg-type]  # one of the causes
        return [*events, *web.aws.complete_rollback("prod", "web")]

    return fail


def stopped_by_a_person(web: Web) -> list[Json]:
    return [*web.aws.stop("prod", "web"), *web.aws.complete_rollback("prod", "web")]


def aborted_by_a_person(web: Web) -> list[Json]:
    return web.aws.stop("prod", "web", "ABORT")


def failed_to_roll_back(web: Web) -> list[Json]:
    return [*web.aws.fail("prod", "web"), *web.aws.fail_rollback("prod", "web")]


ENDS = [
    *(failing(cause) for cause in ("breaker", "alarm", "hook")),
    breaker_without_rollback,
    stopped_by_a_person,
    aborted_by_a_person,
    failed_to_roll_back,
]
NAMES = ["breaker", "alarm", "hook", "no rollback", "stopped", "aborted", "rollback failed"]


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("end", ENDS, ids=NAMES)
def test_both_are_rejected_together_however_their_rollout_ended(
    web: Web, end: Callable[[Web], list[Json]], heard: bool
) -> None:
    web.push("app", GOOD)
    web.push("proxy", BAD)
    events = end(web)
    if heard:
        web.pipeline.tell(*events)
    orders = web.orders

    web.sweep(3)
    assert (web.rejected, web.orders) == ([{GOOD, BAD}], orders)

    web.push("proxy", FIXED)
    assert web.runs == [GOOD, FIXED, OLD]


@pytest.mark.parametrize("left", ["FAILED", "IN_PROGRESS", "DRAINING", "gone"])
def test_both_are_held_whatever_the_failed_deployment_looks_like_beside_the_rollback(
    web: Web, left: str
) -> None:
    web.push("app", GOOD)
    web.push("proxy", BAD)
    orders = web.orders

    web.pipeline.tell(*web.aws.fail("prod", "web", "breaker", left))  # type: ignore[arg-type]  # one of them
    web.sweep()
    web.pipeline.tell(*web.aws.complete_rollback("prod", "web"))
    web.sweep(2)

    assert (web.runs, web.orders) == ([OLD, OLD, OLD], orders)
    assert web.rejected == [{GOOD, BAD}]


@pytest.mark.parametrize("order", ["late", "twice", "in reverse order", "only the last"])
def test_both_are_rejected_together_in_whatever_order_the_events_come(web: Web, order: str) -> None:
    web.push("app", GOOD)
    web.push("proxy", BAD)
    events = [*web.aws.fail("prod", "web"), *web.aws.complete_rollback("prod", "web")]
    if order == "late":
        web.sweep()
    told = {"twice": events * 2, "in reverse order": events[::-1], "only the last": events[-1:]}

    web.pipeline.tell(*told.get(order, events))
    web.sweep()

    assert (web.runs, web.rejected) == ([OLD, OLD, OLD], [{GOOD, BAD}])


CALLS = ["UpdateService", "PutItem", "Publish", "SendMessage", "RegisterTaskDefinition"]


@pytest.mark.parametrize("phase", ["before", "after"])
@pytest.mark.parametrize("action", CALLS)
def test_both_are_rejected_together_when_the_deployer_crashes(web: Web, action: str, phase: str) -> None:
    web.push("app", GOOD)
    crash_once(web.aws, action, phase)
    web.push("proxy", BAD)
    web.aws.hook = lambda _action, _phase: None
    web.pipeline.settle(timedelta(minutes=10))
    assert web.runs == [GOOD, BAD, OLD]

    crash_once(web.aws, action, phase)
    web.fail()
    web.sweep(2)

    assert (web.runs, web.rejected) == ([OLD, OLD, OLD], [{GOOD, BAD}])


def crash_once(aws: FakeAws, action: str, phase: str) -> None:
    def crash(*call: str) -> None:
        if call == (action, phase):
            aws.hook = lambda _action, _phase: None
            start_afresh()
            raise Crash

    aws.hook = crash


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("listed_late", [True, False])
def test_both_are_rejected_together_under_both_readings_of_what_aws_documents(
    web: Web, pinned: bool, listed_late: bool
) -> None:
    """Whether a service revision tells a digest that is pinned; whether the list is behind the service."""
    web.aws.tells_pinned_digests = pinned
    web.aws.listed_after = timedelta(seconds=40 * listed_late)
    web.push("app", GOOD)
    web.push("proxy", BAD)
    web.fail()

    web.pipeline.settle()
    web.sweep(2)

    assert (web.runs, web.rejected) == ([OLD, OLD, OLD], [{GOOD, BAD}])


# -- who is in it, and for how long ---------------------------------------------------------------------


def test_only_the_sidecar_is_rejected_when_the_app_was_completed_before_it(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.complete()
    any_web.push("proxy", BAD)
    any_web.fail()

    any_web.sweep(2)

    assert (any_web.runs, any_web.rejected) == ([GOOD, OLD, OLD], [{BAD}])


def test_a_third_container_moves_while_two_are_held(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.push("proxy", BAD)
    any_web.fail()

    any_web.push("agent", NEW)

    assert any_web.runs == [OLD, OLD, NEW]


def test_all_three_are_held_when_they_failed_in_one_rollout(any_web: Web) -> None:
    for name, digest in (("app", GOOD), ("proxy", NEW), ("agent", BAD)):
        any_web.push(name, digest)
    any_web.fail()

    any_web.sweep(2)
    assert (any_web.runs, any_web.rejected) == ([OLD, OLD, OLD], [{GOOD, NEW, BAD}])

    any_web.push("agent", FIXED)
    assert any_web.runs == [GOOD, NEW, FIXED]


def test_one_that_is_held_does_not_come_back_through_a_plain_tag(pipeline: Pipeline) -> None:
    web = Web(pipeline, TAGS["track"])
    web.serve("track")
    revision = web.aws.register("web", *(f"{HOST}/{name}:prod" for name in ("app", "proxy", "agent")))
    web.aws.serve("prod", "web", revision)
    web.push("app", BAD)
    web.fail()

    web.push("proxy", NEW)

    assert web.runs == [OLD, NEW, OLD]


def test_a_container_that_is_held_is_named_when_another_moves(
    web: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    web.push("app", BAD)
    web.fail()
    capsys.readouterr()

    web.push("agent", NEW)

    [update] = [line for line in capsys.readouterr().out.splitlines() if '"decision":"update"' in line]
    assert "the rollout of bbbbbbbb in c0 was rolled back" in update


def test_a_new_image_repairs_what_failed_without_rollback(any_web: Web) -> None:
    any_web.push("app", BAD)
    any_web.pipeline.tell(*any_web.aws.fail_without_rollback("prod", "web"))
    any_web.sweep(2)
    assert any_web.runs == [BAD, OLD, OLD]

    any_web.push("app", GOOD)

    assert any_web.runs == [GOOD, OLD, OLD]


def test_a_sidecar_takes_what_failed_without_rollback_back_to_what_ran_before(web: Web) -> None:
    web.push("app", GOOD)
    web.complete()
    web.push("app", BAD)
    web.pipeline.tell(*web.aws.fail_without_rollback("prod", "web"))

    web.push("proxy", NEW)

    assert web.runs == [GOOD, NEW, OLD]


def test_a_retry_lets_a_sidecar_through_beside_what_failed_without_rollback(web: Web) -> None:
    web.push("app", BAD)
    web.pipeline.tell(*web.aws.fail_without_rollback("prod", "web"))
    web.set_tag("tagalong:retry", web.aws.clock.isoformat())

    web.push("proxy", NEW)

    assert web.runs == [BAD, NEW, OLD]


def test_the_same_digest_pushed_again_changes_nothing(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.push("proxy", BAD)
    any_web.fail()
    orders = any_web.orders

    any_web.push("proxy", BAD)
    any_web.push("app", GOOD)

    assert (any_web.runs, any_web.orders) == ([OLD, OLD, OLD], orders)


def test_the_app_is_tried_alone_when_the_tag_of_the_sidecar_is_moved_back(web: Web) -> None:
    web.push("app", GOOD)
    web.push("proxy", BAD)
    web.fail()

    web.push("proxy", OLD)

    assert web.runs == [GOOD, OLD, OLD]


def test_a_combination_that_failed_is_held_whatever_runs_when_it_is_wanted_again(web: Web) -> None:
    web.push("app", GOOD)
    web.push("proxy", BAD)
    web.fail()
    web.push("proxy", OLD)
    web.fail()  # so the app alone is rejected, too
    web.push("agent", NEW)
    web.complete()
    orders = web.orders

    web.push("proxy", BAD)

    assert (web.runs, web.orders) == ([OLD, OLD, NEW], orders)


def test_a_rejection_ends_for_all_when_one_of_its_digests_is_seen_running(web: Web) -> None:
    web.push("app", GOOD)
    web.push("proxy", BAD)
    web.fail()
    web.push("proxy", OLD)
    web.complete()

    assert web.rejected == []


def test_deployments_that_fail_are_bounded_by_pushes(any_web: Web) -> None:
    pushes = [("app", BAD), ("proxy", NEW), ("app", GOOD), ("proxy", FIXED), ("agent", LATER)]
    for number, (name, digest) in enumerate(pushes, 1):
        any_web.push(name, digest)
        if any_web.runs != [OLD, OLD, OLD]:
            any_web.fail()
        any_web.sweep(2)

        assert any_web.orders <= number
    assert any_web.runs == [OLD, OLD, OLD]


def test_the_newest_twenty_rejections_are_kept(web: Web) -> None:
    digests = [f"sha256:{number:064d}" for number in range(1, 25)]
    for digest in digests:
        web.push("app", digest)
        web.fail()

    assert web.rejected == [{digest} for digest in reversed(digests)][:20]


def test_a_lower_version_is_deployed_when_the_highest_was_rejected(pipeline: Pipeline) -> None:
    web = Web(pipeline, TAGS["semver:1.x"])
    web.serve("semver:1.x")
    pipeline.push("app", "1.9.0", BAD)
    web.fail()

    pipeline.push("app", "1.8.0", GOOD)

    assert web.runs == [GOOD, OLD, OLD]


def test_a_retry_deploys_both_again(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.push("proxy", BAD)
    any_web.fail()

    any_web.set_tag("tagalong:retry", any_web.aws.clock.isoformat())
    any_web.sweep()

    assert any_web.runs == [GOOD, BAD, OLD]


def test_what_fails_after_a_retry_is_rejected_again(any_web: Web) -> None:
    any_web.push("app", BAD)
    any_web.fail()
    any_web.set_tag("tagalong:retry", any_web.aws.clock.isoformat())
    any_web.sweep()
    any_web.fail()
    orders = any_web.orders

    any_web.sweep(3)

    assert (any_web.runs, any_web.rejected, any_web.orders) == ([OLD, OLD, OLD], [{BAD}], orders)


@pytest.mark.parametrize("value", ["true", "now", "2999-01-01"])
def test_a_retry_that_names_no_instant_that_has_come_deploys_nothing(web: Web, value: str) -> None:
    web.push("app", BAD)
    web.fail()

    web.set_tag("tagalong:retry", value)
    web.sweep()

    assert web.runs == [OLD, OLD, OLD]


def test_another_service_still_gets_what_failed_here(web: Web) -> None:
    web.push("app", BAD)
    web.fail()
    web.aws.serve("prod", "api", web.aws.register("api", f"{HOST}/app:prod@{OLD}"))

    web.push("app", BAD)

    assert web.aws.images("prod", "api") == [f"{HOST}/app@{BAD}"]
    assert web.runs == [OLD, OLD, OLD]


def test_what_a_newer_push_replaced_is_not_rejected(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.push("app", BAD)
    any_web.fail()

    assert any_web.rejected == [{BAD}]


def test_an_image_whose_rollout_a_person_replaced_is_not_rejected(web: Web) -> None:
    web.push("app", GOOD)
    edited = web.aws.register(
        "web", *(f"{HOST}/{it}:prod@{OLD}" for it in ("app", "proxy", "agent")), cpu="4096"
    )
    web.aws.deploy(web.aws.services["prod", "web"], edited)
    web.complete()
    web.sweep()

    assert web.rejected == []


@pytest.mark.parametrize("heard", [True, False])
def test_a_rollout_that_a_refused_order_followed_is_rejected_when_it_fails(web: Web, heard: bool) -> None:
    web.push("app", BAD)

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before"):
            raise Refused("InvalidParameterException", "5 active deployments exist")

    web.aws.hook = refuse
    web.push("app", GOOD)
    web.aws.hook = lambda _action, _phase: None
    events = [*web.aws.fail("prod", "web"), *web.aws.complete_rollback("prod", "web")]
    if heard:
        web.pipeline.tell(*events)
    web.pipeline.settle()

    assert {BAD} in web.rejected
    assert web.runs == [GOOD, OLD, OLD]


def test_a_failure_between_the_look_and_the_update_is_still_a_failure(web: Web) -> None:
    web.push("app", BAD)
    events: list[Json] = []

    def fail(action: str, phase: str) -> None:
        if (action, phase) == ("RegisterTaskDefinition", "before"):
            events.extend(web.aws.fail_without_rollback("prod", "web"))

    web.aws.hook = fail
    web.push("app", GOOD)
    web.aws.hook = lambda _action, _phase: None
    web.pipeline.tell(*events)
    web.pipeline.settle()

    assert {BAD} in web.rejected
    assert web.runs == [GOOD, OLD, OLD]


# -- somebody's edit was in it --------------------------------------------------------------------------


def failed_with_an_edit(web: Web) -> None:
    """A person's deployment with another CPU crashes for ever, the app goes on top of it, and both fail."""
    web.push("app", NEW)
    web.complete()
    images = [f"{HOST}/app:prod@{NEW}", f"{HOST}/proxy:prod@{OLD}", f"{HOST}/agent:prod@{OLD}"]
    web.aws.deploy(web.aws.services["prod", "web"], web.aws.register("web", *images, cpu="1"))
    web.aws.advance(timedelta(minutes=31))
    web.push("app", GOOD)
    web.fail()


def test_an_image_that_failed_with_somebodys_edit_is_tried_once_without_it(web: Web) -> None:
    failed_with_an_edit(web)

    web.sweep()

    assert web.runs == [GOOD, OLD, OLD]
    assert "cpu" not in web.aws.running("prod", "web")


def test_an_image_that_fails_without_the_edit_too_is_rejected_for_good(web: Web) -> None:
    failed_with_an_edit(web)
    web.sweep()
    web.fail()
    orders = web.orders

    web.sweep(3)

    assert (web.runs, web.rejected, web.orders) == ([NEW, OLD, OLD], [{GOOD}], orders)


def test_an_edit_of_a_person_after_the_failure_does_not_bring_the_image_back(web: Web) -> None:
    web.push("app", BAD)
    web.fail()
    images = [f"{HOST}/{name}:prod@{OLD}" for name in ("app", "proxy", "agent")]
    web.aws.deploy(web.aws.services["prod", "web"], web.aws.register("web", *images, cpu="2"))
    web.complete()

    web.sweep(2)

    assert (web.runs, web.rejected) == ([OLD, OLD, OLD], [{BAD}])


# -- success acquits (input 6) --------------------------------------------------------------------------


def test_an_image_that_ran_after_a_retry_is_deployed_again_when_its_tag_comes_back(web: Web) -> None:
    web.push("app", GOOD)
    web.fail()
    web.set_tag("tagalong:retry", web.aws.clock.isoformat())
    web.sweep()
    web.complete()
    web.aws.advance(timedelta(weeks=5))
    web.push("app", BAD)
    web.fail()

    web.push("app", GOOD)

    assert web.runs == [GOOD, OLD, OLD]


def test_an_image_that_ran_after_a_retry_is_rejected_no_more(any_web: Web) -> None:
    any_web.push("app", GOOD)
    any_web.fail()
    any_web.set_tag("tagalong:retry", any_web.aws.clock.isoformat())
    any_web.sweep()
    any_web.complete()

    assert any_web.rejected == []


@pytest.mark.parametrize("heard", [True, False])
def test_an_image_that_a_person_started_again_with_success_is_rejected_no_more(
    any_web: Web, heard: bool
) -> None:
    any_web.push("app", GOOD)
    any_web.pipeline.tell(*any_web.aws.fail_without_rollback("prod", "web"))
    service = any_web.aws.services["prod", "web"]
    any_web.aws.deploy(service, service["taskDefinition"])  # aws ecs update-service --force-new-deployment
    events = any_web.aws.complete("prod", "web")
    if heard:
        any_web.pipeline.tell(*events)

    any_web.sweep()
    assert any_web.rejected == []

    any_web.push("app", NEW)
    any_web.complete()
    assert any_web.runs == [NEW, OLD, OLD]


def test_an_image_that_was_acquitted_is_deployed_by_a_tag_that_comes_back_though_its_event_is_lost(
    web: Web,
) -> None:
    web.push("app", GOOD)
    web.pipeline.tell(*web.aws.fail_without_rollback("prod", "web"))
    service = web.aws.services["prod", "web"]
    web.aws.deploy(service, service["taskDefinition"])
    web.complete()
    web.sweep()
    web.push("app", BAD)
    web.pipeline.tell(*web.aws.fail("prod", "web"))
    web.aws.push("app", "prod", GOOD)

    web.sweep()

    assert web.runs == [GOOD, OLD, OLD]


def test_an_image_that_completed_without_a_task_is_not_acquitted(web: Web) -> None:
    web.push("app", BAD)
    web.fail()
    web.set_tag("tagalong:hold", "true")
    web.pipeline.tell(*web.aws.scale("prod", "web", 0))
    revision = web.aws.register("web", *(f"{HOST}/{it}@{d}" for it, d in (("app", BAD), ("proxy", OLD))))
    web.aws.deploy(web.aws.services["prod", "web"], revision)
    web.complete()

    web.sweep()

    assert web.rejected == [{BAD}]
