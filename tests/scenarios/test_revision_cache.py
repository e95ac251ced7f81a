"""What is known of revisions survives the function, and is only ever a cache."""

from itertools import groupby

import pytest

from support.fake_aws import HOST, FakeAws, Refused
from support.pipeline import Pipeline
from tagalong.handlers import finder
from tagalong.ports import AwsError

NEW = "sha256:" + "f" * 64


def fleet(aws: FakeAws, families: int) -> None:
    for number in range(families):
        image = f"{HOST}/app:prod" if number == 0 else f"{HOST}/other:prod"
        aws.serve("prod", f"s{number}", aws.register(f"f{number}", image))


def reads_of_a_cold_finder(pipeline: Pipeline) -> int:
    """DescribeTaskDefinition calls that a newly started finder makes for a push."""
    finder.finder.cache_clear()
    before = pipeline.aws.calls["DescribeTaskDefinition"]
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))
    return pipeline.aws.calls["DescribeTaskDefinition"] - before


def test_a_cold_finder_reads_from_ecs_only_revisions_that_no_finder_has_seen(pipeline: Pipeline) -> None:
    fleet(pipeline.aws, 120)

    assert [reads_of_a_cold_finder(pipeline) for _ in range(2)] == [120, 0]
    pipeline.work()
    assert pipeline.aws.images("prod", "s0") == [f"{HOST}/app@{NEW}"]
    assert reads_of_a_cold_finder(pipeline) == 1, "the new revision of s0"


def test_a_warm_finder_reads_nothing_that_it_knows_from_anywhere(pipeline: Pipeline) -> None:
    fleet(pipeline.aws, 30)
    reads_of_a_cold_finder(pipeline)
    before = pipeline.aws.calls.copy()
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))

    calls = pipeline.aws.calls - before
    table = {"GetItem", "PutItem", "DeleteItem", "Query", "TransactWriteItems"}
    assert {action: number for action, number in calls.items() if action not in table} == {
        "ListClusters": 1,
        "ListServices": 1,
        "DescribeServices": 3,
        "SendMessageBatch": 1,
    }


def test_a_finder_of_1000_services_needs_111_reads(pipeline: Pipeline) -> None:
    fleet(pipeline.aws, 1000)
    reads_of_a_cold_finder(pipeline)
    before = pipeline.aws.calls.copy()
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))

    reads = pipeline.aws.calls - before
    assert sum(reads[it] for it in ("ListClusters", "ListServices", "DescribeServices")) == 111
    assert not reads["DescribeTaskDefinition"]


def test_revisions_are_read_while_the_quota_for_services_fills_up_again(pipeline: Pipeline) -> None:
    """ECS lets 100 DescribeServices pass at once, and these are 10."""
    fleet(pipeline.aws, 250)
    reads_of_a_cold_finder(pipeline)

    order = [action for action, _ in pipeline.aws.requests if action.startswith("Describe")]
    runs = [(action, len(list(calls))) for action, calls in groupby(order)]
    assert runs == [
        ("DescribeServices", 10),
        ("DescribeTaskDefinition", 100),
        ("DescribeServices", 10),
        ("DescribeTaskDefinition", 100),
        ("DescribeServices", 5),
        ("DescribeTaskDefinition", 50),
    ]


@pytest.mark.parametrize("action", ["BatchGetItem", "BatchWriteItem"])
def test_without_the_table_everything_works_and_only_takes_longer(pipeline: Pipeline, action: str) -> None:
    fleet(pipeline.aws, 3)

    def refuse(called: str, phase: str) -> None:
        of_revisions = "containers" in str(pipeline.aws.requests[-1][1])
        if (called, phase) == (action, "before") and of_revisions:
            raise Refused("ResourceNotFoundException", "Requested resource not found")

    pipeline.aws.hook = refuse
    assert [reads_of_a_cold_finder(pipeline) for _ in range(2)] == [3, 3]
    pipeline.work()

    assert pipeline.aws.images("prod", "s0") == [f"{HOST}/app@{NEW}"]


def test_what_the_table_says_is_what_ecs_said(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    revision = aws.register("web", f"{HOST}/app:prod", "nginx", f"{HOST}/proxy@{NEW}")
    aws.revisions["web"][0]["containerDefinitions"][2]["dockerLabels"] = {"tagalong.tag": "v1", "other": "x"}
    aws.serve("prod", "web", revision)
    inventory = finder.finder().inventory

    read = dict(inventory.containers([revision]))
    finder.finder.cache_clear()
    known = dict(finder.finder().inventory.containers([revision]))

    assert known == read
    containers = known[revision]
    assert not isinstance(containers, AwsError)
    assert [(c.name, c.tag) for c in containers] == [("c0", "prod"), ("c2", "v1")]
    assert aws.calls["DescribeTaskDefinition"] == 1


def test_a_finder_that_runs_out_of_time_leaves_what_it_learned(pipeline: Pipeline) -> None:
    fleet(pipeline.aws, 60)

    def time_out(called: str, phase: str) -> None:
        if pipeline.aws.calls["DescribeTaskDefinition"] == 55 and called == "DescribeTaskDefinition":
            pipeline.aws.hook = lambda _called, _phase: None
            raise Refused("ServerException", "out of time", 400)

    pipeline.aws.hook = time_out
    finder.finder.cache_clear()
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))

    assert pipeline.aws.calls["DescribeTaskDefinition"] <= 55 + 10 + 1
