"""A sweep leaves alone what was decided before, and looks at everything else."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import HOST, Refused
from support.fleets import calls_of, digest, follows, of_ecs, serve
from support.pipeline import Pipeline, start_afresh

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def hourly_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGALONG_SWEEP_MINUTES", "60")


def jobs_of(pipeline: Pipeline) -> list[str]:
    """The families that a sweep makes jobs for; they are not done."""
    pipeline.context.aws_request_id = f"sweep at {pipeline.aws.clock}"
    pipeline.deliver({"sweep": {}})
    families = sorted(message["MessageGroupId"] for message in pipeline.aws.queue)
    pipeline.work()
    return families


@pytest.fixture
def settled(pipeline: Pipeline) -> Pipeline:
    """Two services, one of them moved by a push that completed."""
    serve(pipeline.aws, "one", "app-1")
    serve(pipeline.aws, "two", "app-2")
    pipeline.sweep()
    pipeline.push("app-1", "prod", digest(1))
    pipeline.tell(pipeline.aws.end("prod", "one"))
    pipeline.wait(HOUR)
    assert jobs_of(pipeline) == []
    return pipeline


def test_a_sweep_where_nothing_changed_makes_no_job_and_asks_ecr_once_per_repository(
    settled: Pipeline,
) -> None:
    calls = calls_of(settled, settled.sweep)

    assert of_ecs(calls) == {"ListClusters": 1, "ListServices": 1, "DescribeServices": 1}
    assert calls["DescribeImages"] == 2
    assert not calls["SendMessageBatch"]


def test_a_service_without_a_record_is_looked_at(settled: Pipeline) -> None:
    serve(settled.aws, "three", "app-3")
    assert jobs_of(settled) == ["three"]
    assert jobs_of(settled) == []


def test_a_service_made_again_under_its_name_is_looked_at(settled: Pipeline) -> None:
    settled.aws.delete_service("prod", "two", forgotten=True)
    [first] = settled.aws.revisions["two"]
    settled.aws.create_service("prod", "two", first["taskDefinitionArn"])
    settled.aws.complete("prod", "two")
    assert jobs_of(settled) == ["two"]


def test_a_service_whose_tag_moved_though_the_event_was_lost_is_looked_at(settled: Pipeline) -> None:
    settled.aws.push("app-2", "prod", digest(2))
    assert jobs_of(settled) == ["two"]
    assert follows(settled, "prod", "two")


def test_a_service_whose_tag_is_gone_is_looked_at(settled: Pipeline) -> None:
    del settled.aws.tags["app-2", "prod"]
    assert jobs_of(settled) == ["two"]


@pytest.mark.parametrize(
    ("key", "value"),
    [("tagalong:hold", "true"), ("tagalong:retry", "2026-11-26T09:00Z"), ("tagalong:rule", "pin")],
)
def test_a_service_whose_tags_changed_is_looked_at_once(settled: Pipeline, key: str, value: str) -> None:
    settled.aws.services["prod", "two"]["tags"] = [{"key": key, "value": value}]
    assert jobs_of(settled) == ["two"]
    assert jobs_of(settled) == []


def test_a_service_that_opted_out_needs_no_look(settled: Pipeline) -> None:
    settled.aws.services["prod", "two"]["tags"] = [{"key": "tagalong:enabled", "value": "false"}]
    settled.aws.push("app-2", "prod", digest(2))
    assert jobs_of(settled) == []


def test_a_hold_that_has_run_out_is_looked_at(settled: Pipeline) -> None:
    until = (settled.aws.clock + 3 * HOUR).isoformat()
    settled.aws.services["prod", "two"]["tags"] = [{"key": "tagalong:hold", "value": until}]
    assert jobs_of(settled) == ["two"]
    settled.aws.push("app-2", "prod", digest(2))
    assert jobs_of(settled) == ["two"], "what the tag says is noted"
    assert jobs_of(settled) == []
    settled.wait(4 * HOUR)

    assert jobs_of(settled) == ["two"]
    assert follows(settled, "prod", "two")


def _template(pipeline: Pipeline) -> None:
    revision = pipeline.aws.register("two", f"{HOST}/app-2:prod")
    pipeline.aws.deploy(pipeline.aws.services["prod", "two"], revision)
    pipeline.aws.complete("prod", "two")


def _deploys(pipeline: Pipeline) -> None:
    service = pipeline.aws.services["prod", "two"]
    pipeline.aws.deploy(service, service["taskDefinition"])


def _fails(pipeline: Pipeline) -> None:
    pipeline.push("app-2", "prod", digest(2))
    pipeline.aws.fail("prod", "two")
    pipeline.aws.complete_rollback("prod", "two")
    pipeline.sweep()


def _goes_on(pipeline: Pipeline) -> None:
    pipeline.push("app-2", "prod", digest(2))


@pytest.mark.parametrize("happened", [_template, _deploys, _fails, _goes_on])
def test_a_service_that_somebody_deployed_or_whose_rollout_failed_or_is_open_is_looked_at(
    settled: Pipeline, happened: Callable[[Pipeline], None]
) -> None:
    happened(settled)
    assert jobs_of(settled) == ["two"]


def test_a_service_that_was_scaled_to_nothing_when_it_moved_is_looked_at(settled: Pipeline) -> None:
    settled.aws.scale("prod", "two", 0)
    settled.push("app-2", "prod", digest(2))
    settled.aws.complete("prod", "two")
    settled.sweep()
    assert jobs_of(settled) == ["two"]


def test_where_ecr_or_the_table_does_not_answer_everything_is_looked_at(settled: Pipeline) -> None:
    for action in ("DescribeImages", "BatchGetItem"):

        def refuse(called: str, phase: str, action: str = action) -> None:
            if (called, phase) == (action, "before") and not settled.aws.queue:
                raise Refused("AccessDeniedException", "no")

        settled.aws.hook = refuse
        settled.deliver({"sweep": {}})
        assert sorted(it["MessageGroupId"] for it in settled.aws.queue) == ["one", "two"]
        settled.aws.hook = lambda _called, _phase: None
        settled.work()
        settled.aws.advance(HOUR)
        settled.context.aws_request_id = f"sweep after {action}"


def test_parameters_that_are_switched_on_are_published_by_the_next_sweep(
    settled: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_PUBLISH_PARAMETERS", "false")
    start_afresh()
    assert jobs_of(settled) == ["one", "two"]
    assert jobs_of(settled) == []


def test_images_that_run_without_a_tag_are_told(
    settled: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    settled.aws.push("app-2", "prod", digest(2))
    settled.deliver({"sweep": {}})
    assert "two runs app-2@" in capsys.readouterr().out


def test_a_rule_over_all_tags_is_settled_until_a_better_one_comes(settled: Pipeline) -> None:
    aws = settled.aws
    aws.push("lib", "1.0.0", digest(10))
    aws.serve("prod", "three", aws.register("three", f"{HOST}/lib:1.0.0@{digest(10)}"))
    aws.services["prod", "three"]["tags"] = [{"key": "tagalong:rule", "value": "semver:1.x"}]
    assert jobs_of(settled) == ["three"]
    assert jobs_of(settled) == []
    aws.push("lib", "1.1.0", digest(11))
    assert jobs_of(settled) == ["three"]
    assert aws.images("prod", "three") == [f"{HOST}/lib@{digest(11)}"]
