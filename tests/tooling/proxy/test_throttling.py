"""Token buckets, by themselves."""

from hypothesis import given
from hypothesis import strategies as st

from support.strict_proxy.quotas import Quota
from support.strict_proxy.throttling import Bucket, Throttle

quotas = st.builds(Quota, st.just("any"), st.integers(1, 20), st.integers(1, 10))
pauses = st.lists(st.integers(0, 40).map(lambda eighths: eighths / 8), max_size=80)  # exact as floats


def granted(quota: Quota, pauses: list[float]) -> list[float]:
    """When a token was granted to a client that asks again and again."""
    bucket, now, times = Bucket.full(quota, 0), 0.0, []
    for pause in pauses:
        now += pause
        if bucket.take(now):
            times.append(now)
    return times


@given(quotas, pauses)
def test_no_window_of_time_is_granted_more_than_a_burst_and_what_flows_in_meanwhile(
    quota: Quota, pauses: list[float]
) -> None:
    times = granted(quota, pauses)

    for first, begin in enumerate(times):
        for last, end in enumerate(times[first:], first):
            assert last - first + 1 <= quota.burst + quota.per_second * (end - begin)


@given(quotas)
def test_a_burst_is_granted_at_once_and_then_one_token_at_a_time(quota: Quota) -> None:
    assert len(granted(quota, [0.0] * (quota.burst + 5))) == quota.burst
    assert len(granted(quota, [0.0] * quota.burst + [1.0] + [0.0] * 20)) == quota.burst + min(
        quota.per_second, quota.burst
    )


def granted_at_once(throttle: Throttle, *actions: str, account: str = "1", region: str = "r") -> int:
    return sum(throttle.admits(action, account, region) for action in actions)


def test_the_actions_of_a_category_share_a_bucket_and_no_others() -> None:
    throttle = Throttle(lambda: 0.0)

    assert granted_at_once(throttle, *["ListServices", "DescribeServices"] * 60) == 100
    assert granted_at_once(throttle, *["UpdateService"] * 60) == 50
    assert granted_at_once(throttle, *["RegisterTaskDefinition", "DeregisterTaskDefinition"] * 20) == 20
    assert granted_at_once(throttle, *["DescribeTaskDefinition"] * 60) == 50


def test_each_account_and_region_has_buckets_of_its_own() -> None:
    throttle = Throttle(lambda: 0.0)
    calls = ["RegisterTaskDefinition"] * 30

    assert granted_at_once(throttle, *calls) == 20
    assert granted_at_once(throttle, *calls) == 0
    assert granted_at_once(throttle, *calls, account="2") == 20
    assert granted_at_once(throttle, *calls, region="s") == 20


def test_an_action_without_a_published_quota_is_not_throttled() -> None:
    assert granted_at_once(Throttle(lambda: 0.0), *["DiscoverPollEndpoint"] * 1000) == 1000
