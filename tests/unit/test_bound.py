"""The least time that the quotas of ECS leave, computed by hand beside the function."""

import pytest

from benchmarks.bound import Phase, bound, one_by_one, quota_bound, quota_seconds
from benchmarks.fleets import Fleet


@pytest.mark.parametrize(
    ("calls", "share", "seconds"),
    [
        ({}, 1, 0),
        ({"UpdateService": 50}, 1, 0),
        ({"UpdateService": 1000}, 1, 190),
        ({"UpdateService": 1000, "RegisterTaskDefinition": 200}, 1, 190),
        ({"UpdateService": 100, "RegisterTaskDefinition": 200}, 1, 180),
        ({"DescribeServices": 100, "ListServices": 20}, 1, 1),
        ({"UpdateService": 1000}, 0.8, 240),
        ({"SendMessageBatch": 1000}, 1, 0),
    ],
)
def test_the_slowest_bucket_is_the_bound(calls: dict[str, int], share: float, seconds: float) -> None:
    assert quota_seconds(calls, share) == pytest.approx(seconds)


def test_phases_add_up_where_they_wait_for_different_buckets() -> None:
    finding, deploying = Phase({"DescribeServices": 200}, 1), Phase({"UpdateService": 100}, 2)

    assert quota_bound([finding, deploying]) == pytest.approx(5 + 10)


def test_a_bucket_that_both_phases_use_is_full_only_once() -> None:
    both = [Phase({"DescribeServices": 100}, 1), Phase({"DescribeServices": 100}, 2)]

    assert quota_bound(both) == pytest.approx(5)


def test_calls_that_follow_each_other_take_their_latency() -> None:
    finding, deploying = Phase({}, 1, path=4), Phase({"DescribeServices": 100}, 2, path=10)

    assert bound([finding, deploying], latency=0.1) == pytest.approx(1.4)


def test_the_quotas_count_where_they_take_longer_than_the_calls() -> None:
    assert bound([Phase({"UpdateService": 100}, 2, path=10)], latency=0.1) == pytest.approx(10)


def test_before_every_call_of_a_function_waited_for_the_last() -> None:
    assert one_by_one([Phase({"DescribeServices": 10}, 2)], latency=0.1) == pytest.approx(0.5)


def test_a_family_of_500_services_is_read_ten_at_a_time_and_looked_at_once_more() -> None:
    calls = Fleet(500, 1, 1, following=1).deploying().calls

    assert (calls["DescribeServices"], calls["UpdateService"], calls["RegisterTaskDefinition"]) == (
        550,
        500,
        1,
    )
