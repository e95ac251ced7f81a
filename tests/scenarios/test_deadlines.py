"""Nothing runs into the timeout of a function: what is left goes back in good order."""

from dataclasses import dataclass, field

import pytest

from support.fake_aws import HOST, FakeAws
from support.fleets import digest, follows
from support.pipeline import Context, Pipeline
from tagalong.aws.rate_limit import TokenBucket
from tagalong.handlers import deployer
from tagalong.ports import OutOfTime


@dataclass
class Slow(Context):
    """Each call of ECS takes seconds of the 120 that an invocation has."""

    aws: FakeAws = field(default_factory=FakeAws)
    seconds: float = 1

    def __post_init__(self) -> None:
        self.began = self._calls()

    def _calls(self) -> int:
        calls = self.aws.calls
        return sum(
            calls[it] for it in ("DescribeServices", "DescribeTaskDefinition", "RegisterTaskDefinition")
        )

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (120 - self.seconds * (self._calls() - self.began)))


def invoke_until_done(pipeline: Pipeline, seconds: float) -> list[int]:
    """The milliseconds that each invocation has left at its end."""
    left = []
    while pipeline.aws.queue:
        pipeline.context = Slow(aws=pipeline.aws, seconds=seconds)
        pipeline.invoke_deployer()
        left.append(pipeline.context.get_remaining_time_in_millis())
    return left


@pytest.mark.parametrize("families", [1, 10])
def test_families_with_a_revision_for_each_service_are_done_in_several_invocations(
    pipeline: Pipeline, families: int
) -> None:
    aws = pipeline.aws
    aws.push("app", "prod", digest(0))
    for number in range(60):
        family = f"family-{number % families}"
        aws.serve("prod", f"s{number}", aws.register(family, f"{HOST}/app:prod@{digest(0)}", cpu=str(number)))
    pipeline.deliver(aws.push("app", "prod", digest(1)))

    left = invoke_until_done(pipeline, seconds=2)

    assert len(left) > 1
    assert min(left) > 0, "an invocation ran into its timeout"
    assert all(follows(pipeline, "prod", f"s{number}") for number in range(60))
    assert aws.calls["RegisterTaskDefinition"] == aws.calls["UpdateService"] == 60
    assert not aws.failed


def test_an_order_whose_update_came_too_late_is_not_remembered(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "prod", digest(0))
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{digest(0)}"))
    pipeline.deliver(aws.push("app", "prod", digest(1)))

    def late(action: str, phase: str) -> None:
        if action == "UpdateService" and phase == "before":
            aws.hook = lambda _action, _phase: None
            raise OutOfTime("no time is left")

    aws.hook = late
    pipeline.invoke_deployer()
    record = pipeline.record("prod", "web")
    assert record
    assert not record.orders
    pipeline.work()

    assert follows(pipeline, "prod", "web")
    assert aws.calls["RegisterTaskDefinition"] == 1


def test_a_call_that_its_quota_lets_pass_too_late_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tagalong.aws.rate_limit.time.monotonic", lambda: 0.0)
    monkeypatch.setattr("tagalong.aws.rate_limit.time.sleep", lambda _seconds: None)
    bucket = TokenBucket(1, 0.1)
    bucket.acquire(left=5)

    with pytest.raises(OutOfTime, match="asks for 10"):
        bucket.acquire(left=5)
    bucket.acquire(left=11)


def test_the_deployer_makes_no_call_in_the_time_that_a_slow_one_needs(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "prod", digest(0))
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{digest(0)}"))
    pipeline.deliver(aws.push("app", "prod", digest(1)))
    reads = aws.calls["DescribeServices"]
    pipeline.context = Context(milliseconds=deployer._RESERVE * 1000)
    pipeline.invoke_deployer()

    assert aws.calls["DescribeServices"] == reads
    assert len(aws.queue) == 1, "it is back in the queue"
