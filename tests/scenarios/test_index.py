"""A push costs what it concerns: the index knows who follows what, and is only ever a cache."""

import json
from datetime import timedelta

import pytest

from support.fake_aws import FakeAws, Json, deployment_event
from support.fleets import calls_of, create, deliver_all, digest, follows, of_ecs, serve
from support.pipeline import Pipeline, start_afresh

FLEET = 30


@pytest.fixture(autouse=True)
def hourly_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGALONG_SWEEP_MINUTES", "60")


@pytest.fixture
def swept(pipeline: Pipeline) -> Pipeline:
    """30 services in two clusters, of which the index knows everybody."""
    for number in range(FLEET):
        serve(pipeline.aws, f"s{number}", f"app-{number}", cluster=f"cluster-{number % 2}")
    pipeline.sweep()
    return pipeline


def started(aws: FakeAws, cluster: str, name: str) -> Json:
    service = aws.services[cluster, name]
    return deployment_event(service, "IN_PROGRESS", service["deployments"][0]["id"], "", aws.clock)


def deploy_by_hand(aws: FakeAws, cluster: str, name: str, revision: str) -> None:
    aws.deploy(aws.services[cluster, name], revision)
    aws.complete(cluster, name)


def test_a_push_that_nobody_follows_costs_two_reads_of_the_table(swept: Pipeline) -> None:
    event = swept.aws.push("nobody", "prod", digest(1))
    assert calls_of(swept, lambda: swept.deliver(event)) == {"GetItem": 1, "Query": 1}


def test_a_branch_build_costs_as_little_and_is_told(
    swept: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    event = swept.aws.push("app-3", "feature-x", digest(1))
    assert calls_of(swept, lambda: swept.deliver(event)) == {"GetItem": 1, "Query": 1}
    assert "s3 skipped (tag-not-followed)" in capsys.readouterr().out


def test_a_push_reaches_who_follows_and_the_finder_asks_ecs_nothing(swept: Pipeline) -> None:
    event = swept.aws.push("app-3", "prod", digest(1))
    calls = calls_of(swept, lambda: swept.deliver(event))

    assert not of_ecs(calls)
    swept.work()
    assert follows(swept, "cluster-1", "s3")
    assert sum(follows(swept, f"cluster-{n % 2}", f"s{n}") for n in range(FLEET)) == FLEET


def test_the_next_push_still_finds_what_the_first_has_moved(swept: Pipeline) -> None:
    for number in (1, 2):
        swept.push("app-3", "prod", digest(number))
        swept.aws.complete("cluster-1", "s3")

    assert follows(swept, "cluster-1", "s3")


def test_a_new_service_is_known_once_its_deployment_has_started(swept: Pipeline) -> None:
    serve(swept.aws, "new", "fresh")
    swept.tell(started(swept.aws, "prod", "new"))
    swept.push("fresh", "prod", digest(1))

    assert follows(swept, "prod", "new")


def test_started_deployments_are_read_ten_at_a_time(swept: Pipeline) -> None:
    for number in range(20):
        serve(swept.aws, f"new-{number}", "fresh")
    events = [started(swept.aws, "prod", f"new-{number}") for number in range(20)]
    swept.tell(*events)

    calls = calls_of(swept, lambda: swept.tell(*events))

    assert of_ecs(calls) == {"DescribeServices": 2}


def test_a_new_service_is_looked_at_once_and_not_at_each_of_its_deployments(swept: Pipeline) -> None:
    serve(swept.aws, "new", "fresh")
    swept.tell(started(swept.aws, "prod", "new"))
    assert swept.record("prod", "new")

    calls = calls_of(swept, lambda: swept.tell(started(swept.aws, "prod", "new")))

    assert of_ecs(calls) == {"DescribeServices": 1}


@pytest.mark.parametrize("completed", [True, False])
def test_a_push_that_comes_before_the_first_event_of_a_new_service_reaches_it(
    swept: Pipeline, *, completed: bool
) -> None:
    create(swept.aws, "new", "fresh")
    event = started(swept.aws, "prod", "new")
    if completed:
        swept.aws.complete("prod", "new")
    swept.push("fresh", "prod", digest(1))
    assert not follows(swept, "prod", "new")

    swept.tell(event)
    if not completed:
        swept.tell(*swept.aws.complete("prod", "new"))
        swept.settle()

    assert follows(swept, "prod", "new")


def test_a_push_reaches_a_new_service_whose_event_was_lost_at_the_next_sweep(swept: Pipeline) -> None:
    create(swept.aws, "new", "fresh")
    swept.aws.complete("prod", "new")
    swept.push("fresh", "prod", digest(1))
    assert not follows(swept, "prod", "new")

    swept.sweep()

    assert follows(swept, "prod", "new")


def test_an_image_from_before_the_service_was_made_is_adopted_by_the_sweep(swept: Pipeline) -> None:
    swept.aws.push("fresh", "prod", digest(0))
    swept.aws.push("fresh", "prod", digest(1))
    swept.aws.advance(timedelta(seconds=2))  # ECR tells seconds
    create(swept.aws, "new", "fresh")
    swept.aws.complete("prod", "new")

    swept.sweep()

    assert not follows(swept, "prod", "new")


def test_a_service_that_was_there_before_it_was_allowed_is_adopted_by_the_sweep(swept: Pipeline) -> None:
    serve(swept.aws, "old", "fresh")
    swept.aws.services["prod", "old"]["tags"] = [{"key": "tagalong:enabled", "value": "false"}]
    swept.sweep()
    swept.push("fresh", "prod", digest(1))
    swept.aws.services["prod", "old"]["tags"] = []

    swept.sweep()

    assert not follows(swept, "prod", "old")


def test_a_service_that_may_not_be_deployed_by_us_is_no_news_at_any_of_its_deployments(
    swept: Pipeline,
) -> None:
    serve(swept.aws, "new", "fresh")
    swept.aws.services["prod", "new"]["tags"] = [{"key": "tagalong:hold", "value": "true"}]
    for _ in range(2):
        calls = calls_of(swept, lambda: swept.tell(started(swept.aws, "prod", "new")))

        assert of_ecs(calls) in (
            {"DescribeServices": 1, "DescribeTaskDefinition": 1},
            {"DescribeServices": 1},
        )


def test_a_service_of_another_family_by_now_is_moved_on_its_new_base(swept: Pipeline) -> None:
    revision = swept.aws.register("other", *swept.aws.images("cluster-1", "s3"), cpu="512")
    deploy_by_hand(swept.aws, "cluster-1", "s3", revision)
    swept.push("app-3", "prod", digest(1))
    swept.settle()

    assert follows(swept, "cluster-1", "s3")
    assert swept.aws.running("cluster-1", "s3")["family"] == "other"


def test_who_no_longer_uses_a_repository_is_forgotten_by_the_next_sweep(swept: Pipeline) -> None:
    revision = swept.aws.register("s3", *swept.aws.images("cluster-1", "s5"))
    deploy_by_hand(swept.aws, "cluster-1", "s3", revision)
    swept.aws.delete_service("cluster-0", "s4", forgotten=True)
    swept.sweep()

    events = [swept.aws.push(repository, "prod", digest(1)) for repository in ("app-3", "app-4")]
    calls = calls_of(swept, lambda: deliver_all(swept, events))
    assert calls == {"GetItem": 2, "Query": 2}


def test_only_the_cluster_that_sweeps_missed_is_read(swept: Pipeline) -> None:
    swept.wait(swept.aws.step * 3 * 3600)
    swept.aws.clock += swept.aws.step * 3 * 3600
    swept.deliver({"sweep": {"cluster": "cluster-0"}})
    start = len(swept.aws.requests)
    swept.push("app-3", "prod", digest(1))

    listed = [body["cluster"] for action, body in swept.aws.requests[start:] if action == "ListServices"]
    assert listed == ["cluster-1"]
    assert follows(swept, "cluster-1", "s3")


@pytest.mark.parametrize("lost", ["everything", "rows", "a row unreadable", "completeness unreadable"])
def test_a_lost_or_broken_index_costs_time_and_nothing_else(swept: Pipeline, lost: str) -> None:
    table = swept.aws.table
    rows = [key for key in table if key[0].startswith("repository/")]
    if lost in {"everything", "rows"}:
        for key in [*rows, *([("fleet", "complete")] if lost == "everything" else [])]:
            del table[key]
            swept.aws.items[key[0]].discard(key[1])
    elif lost == "a row unreadable":
        table[next(key for key in rows if key[0].endswith("/app-3"))]["row"] = {"S": "{"}
    else:
        table["fleet", "complete"]["complete"] = {"S": "{"}
    if lost == "rows":  # which nobody can tell: the next sweep
        swept.sweep()
    swept.push("app-3", "prod", digest(1))

    assert follows(swept, "cluster-1", "s3")
    event = swept.aws.push("app-3", "other", digest(2))
    assert not of_ecs(calls_of(swept, lambda: swept.deliver(event))), "it is complete again"


def test_another_scope_makes_the_index_unknown(swept: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGALONG_CLUSTERS", "cluster-1")
    start_afresh()
    swept.push("app-3", "prod", digest(1))
    swept.push("app-4", "prod", digest(1))

    assert follows(swept, "cluster-1", "s3")
    assert not follows(swept, "cluster-0", "s4")


def test_without_sweeps_every_push_reads_the_fleet(swept: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGALONG_SWEEP_MINUTES", "off")
    start_afresh()
    serve(swept.aws, "new", "fresh")
    swept.push("fresh", "prod", digest(1))

    assert follows(swept, "prod", "new")


def test_a_revision_that_cannot_be_read_keeps_its_cluster_incomplete_and_no_other_service_back(
    pipeline: Pipeline,
) -> None:
    serve(pipeline.aws, "good", "app")
    serve(pipeline.aws, "bad", "other")
    del pipeline.aws.revisions["bad"]
    event = pipeline.aws.push("app", "prod", digest(1))
    with pytest.raises(AssertionError, match="failed three times"):
        pipeline.deliver(event)
    pipeline.work()

    assert follows(pipeline, "prod", "good")
    complete = json.loads(pipeline.aws.table["fleet", "complete"]["complete"]["S"])
    assert complete["clusters"]["prod"].startswith("0001")
