"""Every kind of fault at every call of a rollout: the end is the same, and nothing is lost."""

import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from support.fake_aws import HOST, FakeAws, Refused
from support.pipeline import Crash, Pipeline
from support.thorough import pairs

OLD, NEW, NEWER = ("sha256:" + letter * 64 for letter in "0ef")
CALLS = 160  # of a rollout: checked below

FAULTS: dict[str, tuple[str, Callable[[], Exception]]] = {
    "refused": ("before", lambda: Refused("AccessDeniedException", "not yet")),
    "throttled": ("before", lambda: Refused("ThrottlingException", "Rate exceeded")),
    "5xx": ("before", lambda: Refused("ServerException", "", 500)),
    "5xx though it was done": ("after", lambda: Refused("ServerException", "", 500)),
    "cut before it was done": ("before", lambda: ConnectionClosedError(endpoint_url="http://aws")),
    "cut after it was done": ("after", lambda: ConnectionClosedError(endpoint_url="http://aws")),
    "timed out though it was done": ("after", lambda: ReadTimeoutError(endpoint_url="http://aws")),
}


def company(aws: FakeAws) -> None:
    """Three services on two revisions of one family, with a sidecar; one service of another family."""
    for repository in ("app", "proxy"):
        aws.push(repository, "prod", OLD)
    images = [f"{HOST}/{name}:prod@{OLD}" for name in ("app", "proxy")]
    first, second = (
        aws.register("web", *images, cpu=cpu, tags=[{"key": "team", "value": "shop"}])
        for cpu in ("256", "512")
    )
    for name, revision in (("one", first), ("two", first), ("three", second)):
        aws.serve("prod", name, revision)
    aws.serve("prod", "other", aws.register("other", f"{HOST}/app:prod@{OLD}"))


def assert_all_moved(aws: FakeAws) -> None:
    for name, (image, *_) in {name: aws.images("prod", name) for _, name in aws.services}.items():
        assert image == f"{HOST}/app@{NEW}", f"{name} was left behind"
    assert [aws.running("prod", name)["cpu"] for name in ("one", "two", "three")] == ["256", "256", "512"]
    assert all(aws.running("prod", name)["tags"] for name in ("one", "two", "three")), "tags were lost"


def roll_out(pipeline: Pipeline) -> None:
    """A push, its retries, and the end of each deployment."""
    pipeline.push("app", "prod", NEW)
    pipeline.settle(timedelta(minutes=5))
    for cluster, name in pipeline.aws.services:
        pipeline.tell(*pipeline.aws.complete(cluster, name))
    pipeline.settle()


def fault_at(aws: FakeAws, index: int, phase: str, make: Callable[[], Exception]) -> None:
    numbers = count()

    def hook(_action: str, when: str) -> None:
        if when == phase and next(numbers) == index:
            raise make()

    aws.hook = hook


@pytest.mark.parametrize(("kind", "index"), pairs(len(FAULTS), CALLS))
def test_a_fault_at_any_call_changes_nothing_in_the_end(pipeline: Pipeline, kind: int, index: int) -> None:
    aws = pipeline.aws
    phase, make = list(FAULTS.values())[kind]
    company(aws)
    fault_at(aws, index, phase, make)

    roll_out(pipeline)

    assert_all_moved(aws)
    assert (len(aws.revisions["web"]), len(aws.revisions["other"])) == (4, 2), (
        "a twin revision was left behind"
    )
    for _, name in aws.services:
        record = pipeline.record("prod", name)
        assert record
        assert record.order
        assert record.order.status == "completed", f"nobody knows what became of {name}"
    assert not aws.failed
    assert not aws.rechecks


def test_the_faults_above_reach_every_call(pipeline: Pipeline) -> None:
    company(pipeline.aws)
    roll_out(pipeline)

    assert pipeline.aws.calls.total() <= CALLS


def test_services_that_can_never_be_moved_end_in_the_dead_letters_and_hold_up_nobody(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    company(aws)

    def refuse(action: str, phase: str) -> None:
        registers = (action, phase) == ("RegisterTaskDefinition", "before")
        if registers and aws.requests[-1][1]["family"] == "web":
            raise Refused("ClientException", "Role is not valid")

    aws.hook = refuse
    pipeline.push("app", "prod", NEW)
    assert aws.images("prod", "other") == [f"{HOST}/app@{NEW}"]
    pipeline.settle()

    services = [json.loads(it["MessageBody"])["services"] for it in aws.failed]
    assert sorted(name for it in services for [name] in it.values()) == ["one", "three", "two"]
    assert {it["MessageGroupId"] for it in aws.failed} == {"web"}
    reasons = {it["MessageAttributes"]["reason"]["StringValue"] for it in aws.failed}
    assert reasons == {"RegisterTaskDefinition: ClientException: Role is not valid"}


def test_dead_letters_that_are_given_back_to_the_job_queue_are_tried_anew(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    company(aws)

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("RegisterTaskDefinition", "before"):
            raise Refused("ClientException", "Role is not valid")

    aws.hook = refuse
    pipeline.push("app", "prod", NEW)
    pipeline.settle()
    aws.hook = lambda _action, _phase: None
    aws.queue, aws.failed = aws.failed, []
    pipeline.work()

    assert_all_moved(aws)
    assert not aws.failed


def test_a_poisoned_message_in_the_middle_of_a_batch_stops_only_itself(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    company(aws)
    pipeline.deliver(aws.push("app", "prod", NEW))
    poison = {"MessageBody": "{}", "MessageGroupId": "poison", "MessageDeduplicationId": "poison"}
    aws.queue.insert(1, poison)

    pipeline.work()

    assert_all_moved(aws)
    [given_up] = aws.failed
    assert given_up["MessageBody"] == poison["MessageBody"]
    assert given_up["MessageAttributes"]["reason"]["StringValue"] == "not a Job: KeyError('family')"


@pytest.mark.parametrize("at", ["ListServiceDeployments", "RegisterTaskDefinition"])
def test_a_service_that_ends_the_function_each_time_is_given_up_with_the_reason(
    pipeline: Pipeline, at: str
) -> None:
    aws = pipeline.aws
    company(aws)

    def crash(action: str, _phase: str) -> None:
        if action == at:
            raise Crash

    aws.hook = crash
    pipeline.push("app", "prod", NEW)
    pipeline.settle()

    assert not aws.queue
    assert not aws.rechecks
    letters = [json.loads(message["MessageBody"]) for message in aws.failed]
    assert sorted(name for it in letters for [name] in it["services"].values()) == [
        "one",
        "other",
        "three",
        "two",
    ]
    assert {it["failure"]["reason"] for it in letters} == {
        "the function has ended 3 times before this was done"
    }


def test_a_service_that_ends_the_function_each_time_holds_up_no_other(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    company(aws)

    def crash(action: str, _phase: str) -> None:
        if action == "UpdateService" and aws.requests[-1][1]["service"] == "two":
            raise Crash

    aws.hook = crash
    pipeline.push("app", "prod", NEW)
    pipeline.settle(timedelta(hours=3))

    moved = [name for _, name in aws.services if aws.images("prod", name)[0] == f"{HOST}/app@{NEW}"]
    assert sorted(moved) == ["one", "other", "three"]
    [letter] = [json.loads(message["MessageBody"]) for message in aws.failed]
    assert list(letter["services"].values()) == [["two"]]
    assert letter["failure"]["attempts"] == 10
    assert letter["failure"]["reason"] == "the update to web:3 did not reach ECS"


def test_a_function_that_ends_once_before_its_update_costs_a_try_and_no_more(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    company(aws)
    left = [Crash]

    def crash(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before") and left:
            raise left.pop()

    aws.hook = crash
    pipeline.push("app", "prod", NEW)
    pipeline.settle()

    assert_all_moved(aws)
    assert not aws.failed


def test_a_message_that_is_delivered_twice_is_done_once(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    company(aws)
    pipeline.deliver(aws.push("app", "prod", NEW))
    waiting = list(aws.queue)
    pipeline.work()
    done = dict(aws.calls)
    aws.queue = waiting
    pipeline.work()

    assert_all_moved(aws)
    for action in ("RegisterTaskDefinition", "UpdateService"):
        assert aws.calls[action] == done[action]
