"""At most one reads the fleet at a time; others come back; and who runs out of time goes on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from support.fake_aws import FakeAws, Refused
from support.fleets import calls_of, deliver_all, digest, follows, of_ecs, serve
from support.pipeline import Context, Crash, Pipeline, start_afresh

TURN = timedelta(seconds=45)


@pytest.fixture(autouse=True)
def hourly_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGALONG_SWEEP_MINUTES", "60")


@dataclass
class Ending(Context):
    """An invocation that ends after so many calls of an action: each takes a second."""

    aws: FakeAws = field(default_factory=FakeAws)
    action: str = "DescribeTaskDefinition"
    seconds: int = 130

    def __post_init__(self) -> None:
        self.began = self.aws.calls[self.action]

    def get_remaining_time_in_millis(self) -> int:
        return 1000 * (self.seconds - self.aws.calls[self.action] + self.began)


@contextmanager
def meanwhile(pipeline: Pipeline, do: Callable[[], object]) -> Iterator[None]:
    """Something else happens while the fleet is read: once, at the first ListServices."""

    def happen(action: str, phase: str) -> None:
        if (action, phase) == ("ListServices", "before"):
            pipeline.aws.hook = lambda _action, _phase: None
            do()

    pipeline.aws.hook = happen
    yield


def test_a_push_beside_a_full_read_comes_back_when_that_is_done(pipeline: Pipeline) -> None:
    serve(pipeline.aws, "one", "app-1")
    serve(pipeline.aws, "two", "app-2")
    first, second = (pipeline.aws.push(f"app-{n}", "prod", digest(1)) for n in (1, 2))
    with meanwhile(pipeline, lambda: pipeline.deliver(second)):
        pipeline.deliver(first)
    pipeline.work()

    assert pipeline.aws.calls["ListServices"] == 1
    assert (follows(pipeline, "prod", "one"), follows(pipeline, "prod", "two")) == (True, False)
    pipeline.wait(TURN)
    assert follows(pipeline, "prod", "two")
    assert pipeline.aws.calls["ListServices"] == 1, "the second push found the index complete"


def test_a_hundred_pushes_at_once_read_the_fleet_once(pipeline: Pipeline) -> None:
    for number in range(100):
        serve(pipeline.aws, f"s{number}", f"app-{number}")
    events = [pipeline.aws.push(f"app-{number}", "prod", digest(1)) for number in range(100)]
    with meanwhile(pipeline, lambda: deliver_all(pipeline, events[1:])):
        pipeline.deliver(events[0])
    pipeline.settle()

    assert all(follows(pipeline, "prod", f"s{number}") for number in range(100))
    assert pipeline.aws.calls["ListServices"] == 1
    assert not pipeline.aws.failed


def test_without_sweeps_one_full_read_serves_all_pushes_that_came_before_it(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_SWEEP_MINUTES", "off")
    start_afresh()
    for number in range(5):
        serve(pipeline.aws, f"s{number}", f"app-{number}")
    events = [pipeline.aws.push(f"app-{number}", "prod", digest(1)) for number in range(5)]
    pipeline.aws.advance(timedelta(seconds=2))
    with meanwhile(pipeline, lambda: deliver_all(pipeline, events[1:])):
        pipeline.deliver(events[0])
    pipeline.settle()

    assert all(follows(pipeline, "prod", f"s{number}") for number in range(5))
    assert pipeline.aws.calls["ListServices"] == 1


def test_a_lease_of_a_finder_that_crashed_runs_out(pipeline: Pipeline) -> None:
    serve(pipeline.aws, "one", "app-1")

    def crash() -> None:
        raise Crash

    with meanwhile(pipeline, crash), pytest.raises(AssertionError, match="failed"):
        pipeline.deliver(pipeline.aws.push("app-2", "prod", digest(1)), attempts=1)
    pipeline.push("app-1", "prod", digest(1))
    assert not follows(pipeline, "prod", "one")
    pipeline.wait(timedelta(minutes=5))

    assert follows(pipeline, "prod", "one")


def test_a_full_read_that_fails_gives_its_lease_back(pipeline: Pipeline) -> None:
    serve(pipeline.aws, "one", "app-1")

    def fail(action: str, phase: str) -> None:
        if action == "ListClusters":
            raise Refused("AccessDeniedException", "not now")

    pipeline.aws.hook = fail
    with pytest.raises(AssertionError, match="failed three times"):
        pipeline.deliver(pipeline.aws.push("app-1", "prod", digest(1)))
    pipeline.aws.hook = lambda _action, _phase: None
    pipeline.push("app-1", "prod", digest(2))

    assert follows(pipeline, "prod", "one")


@pytest.mark.parametrize("clusters", [1, 3])
def test_a_push_that_runs_out_of_time_goes_on_where_it_stopped(pipeline: Pipeline, clusters: int) -> None:
    for number in range(300):
        serve(pipeline.aws, f"s{number:03}", "app", cluster=f"cluster-{number % clusters}")
    event, handled = pipeline.aws.push("app", "prod", digest(1)), []
    pipeline.context = Ending(aws=pipeline.aws)
    pipeline.deliver(event)
    while pipeline.aws.rechecks:
        handled.append(pipeline.aws.calls["DescribeTaskDefinition"])
        pipeline.aws.advance(timedelta(seconds=1))
        pipeline.context = Ending(aws=pipeline.aws)
        pipeline.invoke_recheck()

    assert pipeline.aws.calls["DescribeTaskDefinition"] == 300, "what was read is not read again"
    assert len(handled) >= 3
    pipeline.context = Context()
    pipeline.work(rounds=1000)
    assert all(follows(pipeline, f"cluster-{n % clusters}", f"s{n:03}") for n in range(300))


def test_a_sweep_that_runs_out_of_time_goes_on_where_it_stopped(pipeline: Pipeline) -> None:
    for number in range(300):
        serve(pipeline.aws, f"s{number:03}", "app")
    pipeline.context = Ending(aws=pipeline.aws, aws_request_id="sweep-a")
    pipeline.deliver({"sweep": {}})
    while pipeline.aws.rechecks:
        pipeline.aws.advance(timedelta(seconds=1))
        pipeline.context = Ending(aws=pipeline.aws)
        pipeline.invoke_recheck()
    pipeline.context = Context()
    pipeline.work(rounds=1000)

    assert all(pipeline.record("prod", f"s{number:03}") for number in range(300))
    event = pipeline.aws.push("nobody", "prod", digest(1))
    assert not of_ecs(calls_of(pipeline, lambda: pipeline.deliver(event)))


def test_a_sweep_beside_a_sweep_does_nothing(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    serve(pipeline.aws, "one", "app-1")

    def another() -> None:
        pipeline.context = Context(aws_request_id="another")
        pipeline.deliver({"sweep": {}})

    with meanwhile(pipeline, another):
        pipeline.deliver({"sweep": {}})

    assert pipeline.aws.calls["ListServices"] == 1
    assert "another sweep is under way" in capsys.readouterr().out
    assert not pipeline.aws.rechecks
