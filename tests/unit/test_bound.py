"""The least time that the quotas of ECS leave, computed by hand beside the function."""

import pytest

from benchmarks.bound import Phase, bound, quota_bound, quota_seconds
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
    finding, deploying = Phase({"DescribeServices": 10}, 1), Phase({"DescribeServices": 10}, 2)

    assert bound([finding, deploying], {"DescribeServices": 0.1}) == pytest.approx(1 + 0.5)


def test_a_finder_of_1000_services_needs_111_reads() -> None:
    calls = dict(Fleet(1000, 200, 5, following=1).finding(unknown=0, unseen=0).calls)

    assert calls.pop("SendMessageBatch") == 1
    assert sum(calls.values()) == 111


def test_a_family_of_500_services_is_looked_at_in_parts() -> None:
    assert Fleet(500, 1, 1, following=1).deploying() == Phase(
        {
            "DescribeServices": 50 + 500,
            "DescribeTaskDefinition": 2 + 4 * 3,
            "DescribeImages": 5 * 2,
            "RegisterTaskDefinition": 1,
            "UpdateService": 500,
            "Query": 500,
            "PutItem": 2 * 500,
            "PutEvents": 500,
        },
        at_once=1,
    )
