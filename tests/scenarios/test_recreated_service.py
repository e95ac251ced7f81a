"""A service is its name and when it was created; losing what is remembered of it is no incident."""

from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Pipeline, start_afresh

OLD, BAD, GOOD, NEW = ("sha256:" + letter * 64 for letter in "0bcd")


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    pipeline.aws.push("app", "prod", OLD)
    pipeline.aws.serve("prod", "web", pinned(pipeline.aws))
    return pipeline


def pinned(aws: FakeAws, digest: str = OLD, family: str = "web") -> str:
    return aws.register(family, f"{HOST}/app:prod@{digest}")


def runs(aws: FakeAws, cluster: str = "prod") -> str:
    [image] = aws.images(cluster, "web")
    return image.rpartition("@")[2]


def why(pipeline: Pipeline) -> str:
    record = pipeline.record("prod", "web")
    assert record
    assert record.decision
    return record.decision.reason


def push_and_fail(pipeline: Pipeline, digest: str = BAD) -> list[Json]:
    pipeline.push("app", "prod", digest)
    events = [*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web")]
    pipeline.tell(*events)
    return events


def push_and_complete(pipeline: Pipeline, digest: str) -> None:
    pipeline.push("app", "prod", digest)
    pipeline.tell(*pipeline.aws.complete("prod", "web"))


def make_again(aws: FakeAws, *, forgotten: bool = False) -> list[Json]:
    """Deleted, and created under the same name; its first deployment is completed."""
    aws.delete_service("prod", "web", forgotten=forgotten)
    aws.advance(timedelta(minutes=5))
    aws.create_service("prod", "web", pinned(aws))
    return aws.complete("prod", "web")


def lose_the_table(aws: FakeAws) -> None:
    """`cdk destroy`, `cdk deploy`."""
    aws.table.clear()
    aws.items.clear()
    aws.queues.clear()
    start_afresh()


def go_back_to_the_first_revision(pipeline: Pipeline) -> None:
    service = pipeline.aws.services["prod", "web"]
    pipeline.aws.deploy(service, service["taskDefinition"].rpartition(":")[0] + ":1")
    pipeline.tell(*pipeline.aws.complete("prod", "web"))


# -- made again under its name (input 7) ----------------------------------------------------------------


@pytest.mark.parametrize("forgotten", [False, True])
def test_a_service_that_was_made_again_gets_what_failed_on_its_predecessor(
    pipeline: Pipeline, forgotten: bool
) -> None:
    push_and_fail(pipeline)
    pipeline.tell(*make_again(pipeline.aws, forgotten=forgotten))

    pipeline.push("app", "prod", BAD)

    assert runs(pipeline.aws) == BAD


def test_a_service_that_was_made_again_is_adopted_by_the_first_sweep(pipeline: Pipeline) -> None:
    push_and_fail(pipeline)
    pipeline.tell(*make_again(pipeline.aws))

    pipeline.sweep()

    assert (runs(pipeline.aws), why(pipeline)) == (OLD, "adopted")


def test_a_service_that_was_made_again_keeps_no_choice_of_its_predecessor(pipeline: Pipeline) -> None:
    push_and_complete(pipeline, GOOD)
    go_back_to_the_first_revision(pipeline)
    pipeline.sweep()
    assert why(pipeline) == "replaced-by-person"
    pipeline.tell(*make_again(pipeline.aws))

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


@pytest.mark.parametrize("state", ["under way", "rolling back", "failed"])
def test_a_service_that_was_made_again_during_a_rollout_is_followed(pipeline: Pipeline, state: str) -> None:
    pipeline.push("app", "prod", BAD)
    if state == "rolling back":
        pipeline.tell(*pipeline.aws.fail("prod", "web"))
    if state == "failed":
        pipeline.aws.fail_without_rollback("prod", "web")
    pipeline.tell(*make_again(pipeline.aws))
    pipeline.sweep()
    assert runs(pipeline.aws) == OLD

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


def test_late_events_of_the_predecessor_reject_nothing(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    events = [*pipeline.aws.fail("prod", "web"), *pipeline.aws.complete_rollback("prod", "web")]
    make_again(pipeline.aws)

    pipeline.tell(*events)
    pipeline.push("app", "prod", BAD)

    assert runs(pipeline.aws) == BAD


def test_nothing_is_reported_of_the_predecessor_once_it_is_gone(pipeline: Pipeline) -> None:
    pipeline.push("app", "prod", BAD)
    pipeline.aws.fail("prod", "web")
    make_again(pipeline.aws)
    told = len(pipeline.aws.published)

    pipeline.sweep()

    assert len(pipeline.aws.published) == told


def test_a_service_that_is_made_again_between_look_and_update_is_left_alone(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = pipeline.aws

    def meanwhile(action: str, phase: str) -> None:
        if (action, phase) == ("RegisterTaskDefinition", "before"):
            aws.hook = lambda _action, _phase: None
            make_again(aws)

    aws.hook = meanwhile
    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == OLD
    assert "service-deleted" in capsys.readouterr().out


def test_a_service_that_is_being_deleted_during_its_rollout_fails_nobody(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", GOOD)
    aws.services["prod", "web"]["status"] = "DRAINING"

    def refuse(action: str, _phase: str) -> None:
        if action == "ListServiceDeployments":
            raise Refused("ServiceNotActiveException", "Service was not ACTIVE.")

    aws.hook = refuse
    pipeline.sweep()
    pipeline.push("app", "prod", NEW)
    pipeline.settle()

    assert runs(aws) == GOOD
    assert not aws.failed


def test_the_first_deployment_of_a_service_that_never_completed_is_repaired_by_a_sweep(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.create_service("prod", "web", pinned(aws, BAD))
    aws.fail("prod", "web")
    aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(aws) == GOOD


def test_a_service_that_was_made_again_and_never_completed_moves_by_a_sweep(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    push_and_complete(pipeline, BAD)
    aws.delete_service("prod", "web")
    aws.create_service("prod", "web", pinned(aws, BAD))
    aws.fail("prod", "web")
    aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(aws) == GOOD


# -- short ARNs (input 8) -------------------------------------------------------------------------------


@pytest.fixture
def twins(pipeline: Pipeline) -> Pipeline:
    """Two clusters, each with arn:aws:ecs:<region>:<account>:service/web."""
    for cluster in ("prod", "test"):
        pipeline.aws.serve(cluster, "web", pinned(pipeline.aws, family=cluster), short_arn=True)
    arns = {service["serviceArn"] for service in pipeline.aws.services.values()}
    assert len(arns) == 1
    return pipeline


def test_two_services_with_one_short_arn_have_two_records(twins: Pipeline) -> None:
    twins.push("app", "prod", GOOD)

    orders = [twins.record(cluster, "web").order for cluster in ("prod", "test")]  # type: ignore[union-attr]
    assert [order and order.revision.rpartition("/")[2] for order in orders] == ["prod:2", "test:2"]


@pytest.mark.parametrize("heard", [True, False])
def test_what_fails_in_one_cluster_is_not_rejected_in_the_other(twins: Pipeline, heard: bool) -> None:
    aws = twins.aws
    twins.push("app", "prod", BAD)
    events = [
        *aws.fail("prod", "web"),
        *aws.complete_rollback("prod", "web"),
        *aws.complete("test", "web"),
    ]
    if heard:
        twins.tell(*events)

    twins.sweep()
    twins.push("app", "prod", BAD)

    assert (runs(aws, "prod"), runs(aws, "test")) == (OLD, BAD)


def test_the_end_in_one_cluster_is_not_reported_for_the_other(twins: Pipeline) -> None:
    twins.push("app", "prod", GOOD)
    told = len(twins.aws.published)

    twins.tell(*twins.aws.complete("test", "web"))

    [completed] = twins.aws.published[told:]
    attributes = {value for key, value in completed.items() if key.endswith("Value.StringValue")}
    assert {"completed", "test", "web"} <= attributes


def test_a_choice_in_one_cluster_is_none_in_the_other(twins: Pipeline) -> None:
    aws = twins.aws
    twins.push("app", "prod", GOOD)
    twins.tell(*aws.complete("prod", "web"), *aws.complete("test", "web"))
    service = aws.services["test", "web"]
    aws.deploy(service, service["taskDefinition"][:-1] + "1")
    twins.tell(*aws.complete("test", "web"))

    twins.sweep()

    assert (runs(aws, "prod"), runs(aws, "test")) == (GOOD, OLD)


# -- what is remembered is lost (input 10) --------------------------------------------------------------


def test_an_image_that_failed_is_not_shipped_again_by_a_sweep_when_the_table_is_lost(
    pipeline: Pipeline,
) -> None:
    push_and_fail(pipeline)
    lose_the_table(pipeline.aws)

    for _ in range(3):
        pipeline.sweep()
        assert (runs(pipeline.aws), why(pipeline)) == (OLD, "adopted")


def test_the_next_push_is_deployed_when_the_table_is_lost(pipeline: Pipeline) -> None:
    push_and_fail(pipeline)
    lose_the_table(pipeline.aws)
    pipeline.sweep()

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


def test_the_next_digest_is_deployed_by_a_sweep_when_its_event_is_lost_as_the_table_was(
    pipeline: Pipeline,
) -> None:
    push_and_fail(pipeline)
    lose_the_table(pipeline.aws)
    pipeline.sweep()
    pipeline.aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(pipeline.aws) == GOOD


def test_the_same_digest_is_deployed_when_it_is_pushed_after_the_table_was_lost(pipeline: Pipeline) -> None:
    push_and_fail(pipeline)
    lose_the_table(pipeline.aws)
    pipeline.sweep()

    pipeline.push("app", "prod", BAD)

    assert runs(pipeline.aws) == BAD


def test_a_push_is_deployed_before_any_sweep_when_the_table_is_lost(pipeline: Pipeline) -> None:
    push_and_fail(pipeline)
    lose_the_table(pipeline.aws)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == GOOD


@pytest.mark.parametrize("state", ["under way", "rolling back"])
def test_the_image_of_a_rollout_is_not_shipped_again_when_the_table_is_lost_during_it(
    pipeline: Pipeline, state: str
) -> None:
    aws = pipeline.aws
    pipeline.push("app", "prod", BAD)
    if state == "rolling back":
        aws.fail("prod", "web")
    lose_the_table(aws)
    pipeline.sweep()
    if state == "under way":
        aws.fail("prod", "web")
    pipeline.tell(*aws.complete_rollback("prod", "web"))

    pipeline.sweep()
    assert runs(aws) == OLD

    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == GOOD


def test_a_person_is_not_undone_when_the_table_is_lost(pipeline: Pipeline) -> None:
    push_and_complete(pipeline, GOOD)
    go_back_to_the_first_revision(pipeline)
    lose_the_table(pipeline.aws)

    for _ in range(3):
        pipeline.sweep()

        assert runs(pipeline.aws) == OLD


def test_a_table_that_was_restored_from_a_backup_ships_nothing_that_failed_since(pipeline: Pipeline) -> None:
    push_and_complete(pipeline, GOOD)
    backup = dict(pipeline.aws.table)
    push_and_fail(pipeline)
    pipeline.aws.table = backup

    pipeline.sweep()
    assert runs(pipeline.aws) == GOOD
    pipeline.push("app", "prod", NEW)

    assert runs(pipeline.aws) == NEW


def test_installing_moves_nothing(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.serve("prod", "plain", aws.register("plain", f"{HOST}/app:prod"))
    aws.push("app", "prod", NEW)

    for _ in range(3):
        pipeline.sweep()

    assert aws.images("prod", "web") == [f"{HOST}/app:prod@{OLD}"]
    assert aws.images("prod", "plain") == [f"{HOST}/app:prod"]
    assert not aws.calls["UpdateService"]


def test_a_sidecar_that_was_never_pushed_stays_as_it_runs_when_the_app_is_pushed_first(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}"))
    aws.push("proxy", "prod", NEW)

    pipeline.push("app", "prod", GOOD)

    assert [image.rpartition("@")[2] for image in aws.images("prod", "web")] == [GOOD, OLD]


def test_a_container_with_the_plain_tag_is_pinned_to_what_it_runs_when_the_app_is_pushed_first(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", OLD)
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod"))
    aws.push("proxy", "prod", NEW)

    pipeline.push("app", "prod", GOOD)

    assert [image.rpartition("@")[2] for image in aws.images("prod", "web")] == [GOOD, OLD]


@pytest.mark.parametrize(
    ("rule", "tags"),
    [("newest:main-", ("main-1", "main-2", "main-3")), ("semver:1.x", ("1.1.0", "1.2.0", "1.3.0"))],
)
def test_an_image_that_failed_is_not_shipped_again_under_another_rule_when_the_table_is_lost(
    pipeline: Pipeline, rule: str, tags: tuple[str, str, str]
) -> None:
    aws = pipeline.aws
    aws.push("app", tags[0], OLD)
    given = [{"key": "tagalong:rule", "value": rule}]
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:{tags[0]}@{OLD}"), tags=given)
    pipeline.push("app", tags[1], BAD)
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))
    lose_the_table(aws)
    for _ in range(3):
        pipeline.sweep()
        assert runs(aws) == OLD

    pipeline.push("app", tags[2], GOOD)

    assert runs(aws) == GOOD
