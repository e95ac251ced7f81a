"""Whatever happens on the way, the end state is what ECR says."""

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.fake_aws import HOST, FakeAws
from support.pipeline import Crash, Pipeline

DIGESTS = ["sha256:" + letter * 64 for letter in "abc"]
START = DIGESTS[0]
SERVICES = ("one", "two", "three")
CALLS = 260  # before and after each call of a rollout: checked below

pushes = st.tuples(st.just("push"), st.sampled_from(["app", "proxy"]), st.sampled_from(DIGESTS))
deliveries = st.tuples(st.just("deliver"), st.integers(0, 20), st.none())
works = st.tuples(st.just("work"), st.none(), st.none())
ends = st.tuples(st.just("end"), st.sampled_from(SERVICES), st.booleans())  # and whether its event is lost


def pinned_family(aws: FakeAws) -> None:
    """Three services on two revisions of one family: an app and its proxy, both at the first digest."""
    for repository in ("app", "proxy"):
        aws.push(repository, "prod", START)
    images = [f"{HOST}/{name}:prod@{START}" for name in ("app", "proxy")]
    first, second = (aws.register("web", *images, cpu=cpu) for cpu in ("256", "512"))
    for name, revision in (("one", first), ("two", first), ("three", second)):
        aws.serve("prod", name, revision)


def assert_converged(aws: FakeAws) -> None:
    wanted = [f"{HOST}/{name}@{aws.tags[name, 'prod']}" for name in ("app", "proxy")]
    for service in SERVICES:
        runs = [image.replace(":prod@", "@") for image in aws.images("prod", service)]
        assert runs == wanted, f"{service} does not run what ECR says"


def complete(pipeline: Pipeline, name: str, *, lost: bool = False) -> None:
    """The deployment of the service that is under way, if there is one, is completed."""
    aws = pipeline.aws
    if aws.services["prod", name]["deployments"][0]["rolloutState"] == "IN_PROGRESS":
        events = aws.complete("prod", name)
        pipeline.tell(*([] if lost else events))


@given(st.lists(pushes | deliveries | works | ends, max_size=20))
def test_any_order_duplication_and_interleaving_of_pushes_ends_at_what_ecr_says(
    pipeline: Pipeline, steps: list[tuple[str, str, str]]
) -> None:
    aws = pipeline.aws
    aws.reset()
    pinned_family(aws)
    pipeline.sweep()
    events, changes = [], 0
    for what, one, other in steps:
        if what == "push":
            changes += aws.tags[one, "prod"] != other
            events.append(aws.push(one, "prod", other))
        elif what == "deliver" and events:
            pipeline.deliver(events[int(one) % len(events)])
        elif what == "end":
            complete(pipeline, one, lost=bool(other))
        else:
            pipeline.work()
    for event in reversed(events):
        pipeline.deliver(event)
    pipeline.work()

    assert_converged(aws)
    assert aws.calls["RegisterTaskDefinition"] <= changes * 2, "more revisions than changes, for two bases"


def roll_out(pipeline: Pipeline) -> None:
    """A push, its retries, and the end of each deployment."""
    pipeline.push("app", "prod", DIGESTS[1])
    pipeline.settle(timedelta(minutes=5))
    for name in SERVICES:
        complete(pipeline, name)
    pipeline.settle()


@pytest.mark.parametrize("crash_at", range(CALLS))
def test_a_crash_around_any_call_loses_nothing_and_leaves_no_twin(pipeline: Pipeline, crash_at: int) -> None:
    """Before a call reaches AWS, or after it was carried out and before its answer arrived."""
    aws = pipeline.aws
    pinned_family(aws)
    numbers = count()

    def crash(action: str, phase: str) -> None:
        if next(numbers) == crash_at:
            raise Crash(f"{phase} {action}")

    aws.hook = crash
    roll_out(pipeline)

    assert_converged(aws)
    assert len(aws.revisions["web"]) == 4, "a twin revision was left behind"
    for name in SERVICES:
        deployed = [it for it in aws.service_deployments if it["serviceArn"].endswith(f"/{name}")]
        assert len(deployed) == 2, "it was deployed more than once"
        record = pipeline.record("prod", name)
        assert record
        assert record.order
        assert record.order.status == "completed", "nobody knows what became of it"


def test_the_crashes_above_reach_every_call(pipeline: Pipeline) -> None:
    numbers = count()
    pinned_family(pipeline.aws)
    pipeline.aws.hook = lambda _action, _phase: next(numbers) and None

    roll_out(pipeline)

    assert next(numbers) <= CALLS


def test_moving_a_tag_there_and_back_within_minutes_is_three_changes(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod"))
    ran = []
    for digest in (DIGESTS[1], DIGESTS[2], DIGESTS[1]):
        pipeline.push("app", "prod", digest)
        ran += aws.images("prod", "web")

    assert ran == [f"{HOST}/app@{digest}" for digest in (DIGESTS[1], DIGESTS[2], DIGESTS[1])]


def test_pushes_of_app_and_sidecar_that_arrive_together_both_land_in_one_revision(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pinned_family(aws)
    pipeline.sweep()
    for event in [aws.push(name, "prod", DIGESTS[2]) for name in ("app", "proxy")]:
        pipeline.deliver(event)
    pipeline.work()

    assert_converged(aws)
    assert len(aws.revisions["web"]) == 4, "two bases, one new revision each"


@pytest.mark.parametrize("order", [("app", "proxy"), ("proxy", "app")])
def test_pushes_that_arrive_together_both_land_when_the_service_was_never_looked_at(
    pipeline: Pipeline, order: tuple[str, str]
) -> None:
    aws = pipeline.aws
    pinned_family(aws)
    events = {name: aws.push(name, "prod", DIGESTS[2]) for name in ("app", "proxy")}
    for name in order:
        pipeline.deliver(events[name])
    pipeline.work()

    assert_converged(aws)
