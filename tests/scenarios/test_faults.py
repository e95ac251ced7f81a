"""Every kind of fault at every call of a rollout: the end is the same, and nothing is lost."""

from collections.abc import Callable
from itertools import count

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from support.fake_aws import HOST, FakeAws, Refused
from support.pipeline import Crash, Pipeline

OLD, NEW, NEWER = ("sha256:" + letter * 64 for letter in "0ef")
CALLS = 55  # of a rollout: checked below

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


def fault_at(aws: FakeAws, index: int, phase: str, make: Callable[[], Exception]) -> None:
    numbers = count()

    def hook(_action: str, when: str) -> None:
        if when == phase and next(numbers) == index:
            raise make()

    aws.hook = hook


@pytest.mark.parametrize("index", range(CALLS))
@pytest.mark.parametrize(("phase", "make"), FAULTS.values(), ids=FAULTS)
def test_a_fault_at_any_call_changes_nothing_in_the_end(
    pipeline: Pipeline, phase: str, make: Callable[[], Exception], index: int
) -> None:
    aws = pipeline.aws
    company(aws)
    event = aws.push("app", "prod", NEW)
    fault_at(aws, index, phase, make)

    pipeline.deliver(event)
    pipeline.work()

    assert_all_moved(aws)
    assert (len(aws.revisions["web"]), len(aws.revisions["other"])) == (4, 2), (
        "a twin revision was left behind"
    )
    assert not aws.failed


def test_the_faults_above_reach_every_call(pipeline: Pipeline) -> None:
    company(pipeline.aws)
    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.calls.total() <= CALLS


def test_a_job_that_can_never_succeed_ends_in_the_dead_letters_and_holds_up_nobody(
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
    [given_up] = aws.failed
    assert given_up["MessageGroupId"] == "web"
    reason = given_up["MessageAttributes"]["reason"]["StringValue"]
    assert "one: RegisterTaskDefinition: ClientException: Role is not valid" in reason


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
    assert given_up["MessageAttributes"]["reason"]["StringValue"] == "KeyError('services')"


def test_a_job_that_crashes_the_function_each_time_is_given_up_by_sqs(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    company(aws)

    def crash(action: str, _phase: str) -> None:
        if action == "UpdateService":
            raise Crash

    aws.hook = crash
    pipeline.push("app", "prod", NEW)

    assert not aws.queue
    assert {message["MessageGroupId"] for message in aws.failed} == {"web", "other"}


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
