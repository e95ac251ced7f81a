"""The limiter never lets more through than AWS would, and never waits longer than it must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.aws.rate_limit import TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", lambda: clock.now)
    monkeypatch.setattr("time.sleep", clock.sleep)
    return clock


def taken(bucket: TokenBucket, clock: Clock, pauses: list[float]) -> list[float]:
    """When each call was let through, with these pauses before them."""
    moments = []
    for pause in pauses:
        clock.now += pause
        bucket.acquire()
        moments.append(clock.now)
    return moments


@given(st.integers(1, 20), st.sampled_from([0.5, 1, 5, 20]), st.lists(st.floats(0, 3), max_size=60))
def test_in_no_window_more_calls_pass_than_burst_and_rate_allow(
    clock: Clock, burst: int, rate: float, pauses: list[float]
) -> None:
    moments = taken(TokenBucket(burst, rate), clock, pauses)

    for first, start in enumerate(moments):
        for last, end in enumerate(moments[first:], first):
            assert last - first + 1 <= burst + (end - start) * rate + 1e-6


def test_a_full_bucket_lets_its_burst_through_at_once_and_then_one_at_a_time(clock: Clock) -> None:
    moments = taken(TokenBucket(3, 2), clock, [0] * 6)

    assert [moment - 1000 for moment in moments] == pytest.approx([0, 0, 0, 0.5, 1, 1.5])


def test_an_idle_bucket_fills_up_again_but_not_beyond_its_burst(clock: Clock) -> None:
    bucket = TokenBucket(2, 1)
    taken(bucket, clock, [0, 0, 0])

    moments = taken(bucket, clock, [100, 0, 0])

    assert [moment - moments[0] for moment in moments] == pytest.approx([0, 0, 1])
