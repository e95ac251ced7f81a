"""What the deployer relies on when it asks ECS what became of a deployment."""

import pytest

from support.limits import unlimited
from support.stages import ROLLS_BACK, STOPS, Stage, Web
from tagalong.aws.ecs import Ecs
from tagalong.model.services import Service


@pytest.fixture
def ecs(stage: Stage) -> Ecs:
    return Ecs(unlimited())


def web_of(stage: Stage, breaker: dict[str, bool] = ROLLS_BACK) -> Web:
    """It runs the good image."""
    stage.push("good", "one")
    stage.push("better", "two")
    stage.push("bad", "three", broken=True)
    web = Web(stage, breaker=breaker)
    web.step()
    return web


def service(ecs: Ecs) -> Service:
    return ecs.services("prod", ["web"])["web"]


def test_an_update_answers_the_id_of_its_deployment(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)

    begun = ecs.update(service(ecs), web.register("better"))

    now = service(ecs)
    assert (begun.deployment, begun.replaced) == (now.primary.id, "")
    assert (now.primary.state, now.completed) == ("IN_PROGRESS", False)


def test_an_update_answers_the_revision_that_somebody_deployed_since_the_look(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    seen, theirs = service(ecs), web.register("better")
    web.update(taskDefinition=theirs)

    begun = ecs.update(seen, web.register("good"))

    assert begun.replaced == theirs


def test_the_history_tells_each_deployment_newest_first_with_its_target(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    good = service(ecs)
    ecs.update(good, better := web.register("better"))

    history = ecs.deployments(service(ecs))

    newest, first = history.deployments
    assert (newest.under_way, first.successful, first.number) == (True, True, good.primary.number)
    assert newest.number == service(ecs).primary.number
    assert history.last_successful == first
    targets = ecs.targets([newest.service_revision, first.service_revision])
    assert targets[newest.service_revision].task_definition == better
    assert targets[first.service_revision].task_definition == good.task_definition
    assert targets[first.service_revision].resolved.keys() == {"web"}


def test_while_a_deployment_is_under_way_the_service_tells_what_it_would_go_back_to(
    ecs: Ecs, stage: Stage
) -> None:
    web = web_of(stage)
    good = service(ecs)

    ecs.update(good, web.register("better"))

    assert (good.completed_before, service(ecs).completed_before) == ("", good.task_definition)


def test_a_completed_deployment_is_told_by_the_service_and_by_the_history(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    ecs.update(service(ecs), web.register("better"))
    web.step()

    now = service(ecs)
    newest = ecs.deployments(now).newest

    assert now.steady
    assert newest
    assert newest.successful
    assert newest.finished_at
    assert f"ecs-svc/{newest.number}" == now.primary.id


def test_a_rollback_goes_back_to_the_old_deployment_and_its_cause_is_told(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    good = service(ecs)
    ecs.update(good, web.register("bad"))
    web.step()
    rolling = ecs.deployments(service(ecs)).newest
    web.step()

    now = service(ecs)
    ended = ecs.deployments(now).newest

    assert rolling
    assert rolling.rolling_back
    assert ended
    assert (ended.status, ended.ended_badly) == ("ROLLBACK_SUCCESSFUL", True)
    assert (now.primary.id, now.task_definition) == (good.primary.id, good.task_definition)
    assert "circuit breaker" in ecs.causes([ended.arn])[ended.arn]


def test_a_failure_without_rollback_is_told_apart_from_a_deployment_that_somebody_stopped(
    ecs: Ecs, stage: Stage
) -> None:
    web = web_of(stage, STOPS)
    ecs.update(service(ecs), web.register("bad"))
    web.step()

    now = service(ecs)
    failed = ecs.deployments(now).newest

    assert failed
    assert (failed.status, now.primary.state) == ("STOPPED", "FAILED")
    assert failed.arn in ecs.causes([failed.arn])
    ecs.update(now, web.register("better"))
    web.ecs.stop_service_deployment(
        serviceDeploymentArn=web.listed()[0]["serviceDeploymentArn"], stopType="ABORT"
    )
    web.step()
    stopped = ecs.deployments(service(ecs)).newest
    assert stopped
    assert stopped.status == "STOPPED"
    assert stopped.arn not in ecs.causes([stopped.arn])


def test_a_deployment_that_a_newer_one_replaced_is_told_as_replaced(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    for tag in ("better", "good"):
        ecs.update(service(ecs), web.register(tag))
    web.step()

    history = ecs.deployments(service(ecs))

    assert [history.replaced(it) for it in history.deployments] == [False, True, False]


def test_a_service_that_is_created_again_has_no_past(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    web.ecs.delete_service(cluster="prod", service="web", force=True)

    Web(stage)

    assert len(ecs.deployments(service(ecs)).deployments) == 1


def test_the_stage_of_a_deployment_is_told(ecs: Ecs, stage: Stage) -> None:
    web = web_of(stage)
    ecs.update(service(ecs), web.register("better"))
    newest = ecs.deployments(service(ecs)).newest

    assert newest
    assert ecs.stage(newest.arn)
