"""Quotas, as clients meet them."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecs import ECSClient

from support.lenient import LenientAws
from support.strict_proxy import StrictAws


def throttled(ecs: ECSClient, calls: int) -> int:
    """How many of so many calls are."""
    refusals = []
    for _ in range(calls):
        try:
            ecs.describe_task_definition(taskDefinition="web:1")
        except ClientError as error:
            refusals.append((error.response["Error"]["Code"], error.response["Error"]["Message"]))
    assert set(refusals) <= {("ThrottlingException", "Rate exceeded")}
    return len(refusals)


def test_calls_beyond_the_burst_are_refused_counted_and_not_applied(
    strict: StrictAws, lenient: LenientAws, ecs: ECSClient
) -> None:
    assert throttled(ecs, 60) == 10

    assert strict.calls == {"DescribeTaskDefinition": 60}
    assert strict.throttled == {"DescribeTaskDefinition": 10}
    assert lenient.actions == ["DescribeTaskDefinition"] * 50


@pytest.mark.parametrize("strict", [1000], indirect=True)
def test_the_scale_fills_buckets_faster(strict: StrictAws, ecs: ECSClient) -> None:
    assert throttled(ecs, 60) == 0


def test_two_roles_of_an_account_share_its_buckets(client: Callable[..., Any]) -> None:
    finder, deployer = client("ecs", "ASIAFINDERFINDER0000"), client("ecs", "ASIADEPLOYER00000000")

    assert throttled(finder, 30) == 0
    assert throttled(deployer, 30) == 10


def test_another_account_and_another_region_have_their_own(client: Callable[..., Any]) -> None:
    assert throttled(client("ecs"), 60) == 10
    assert throttled(client("ecs", access_key="444455556666"), 60) == 10
    assert throttled(client("ecs", region="eu-north-1"), 60) == 10


def test_a_reset_forgets_the_counts_and_fills_the_buckets(strict: StrictAws, ecs: ECSClient) -> None:
    throttled(ecs, 60)

    strict.reset()

    assert (strict.calls, strict.throttled) == ({}, {})
    assert throttled(ecs, 60) == 10


def test_other_services_pass_untouched_and_are_counted(
    strict: StrictAws, lenient: LenientAws, client: Callable[..., Any]
) -> None:
    queue, sqs = "https://sqs.eu-west-1.amazonaws.com/1/jobs", client("sqs")
    for number in range(200):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))

    assert strict.calls == {"SendMessage": 200}
    assert '"MessageBody": "199"' in lenient.received[-1].body
    assert "Credential=111122223333/" in lenient.received[-1].headers["authorization"]
