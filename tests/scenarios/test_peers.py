"""Each defect seen in a tool that does a similar job, as a test of ours (reference: peers.md)."""

from datetime import timedelta
from typing import Any

import pytest

from support.fake_aws import HOST, FakeAws, Refused
from support.pipeline import Pipeline

OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "f" * 64


def serve(aws: FakeAws, name: str, *images: str, family: str | None = None, **fields: Any) -> str:
    revision = aws.register(family or name, *images, **fields)
    aws.serve("prod", name, revision)
    return revision


def test_a_repository_whose_name_begins_the_same_is_another_repository(pipeline: Pipeline) -> None:
    """vlesierse/ecr-deploy, sil-org#37: `team/app` also moved `team/app-worker`."""
    serve(pipeline.aws, "app", f"{HOST}/team/app:prod")
    serve(pipeline.aws, "worker", f"{HOST}/team/app-worker:prod")

    pipeline.push("team/app", "prod", NEW)

    assert pipeline.aws.images("prod", "app") == [f"{HOST}/team/app@{NEW}"]
    assert pipeline.aws.images("prod", "worker") == [f"{HOST}/team/app-worker:prod"]


def test_another_account_or_region_is_another_repository(pipeline: Pipeline) -> None:
    elsewhere = [HOST.replace("1111", "9999"), HOST.replace("eu-west-1", "us-east-1")]
    serve(pipeline.aws, "web", *(f"{host}/app:prod" for host in elsewhere))

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.images("prod", "web") == [f"{host}/app:prod" for host in elsewhere]


def test_only_the_containers_that_follow_are_rewritten(pipeline: Pipeline) -> None:
    """fabfuel `--tag`, sil-org `-to`: every container got the app's image."""
    others = ["nginx:1.27", f"{HOST}/proxy@{OLD}", f"{HOST}/app:staging", f"{HOST}/app@{OLD}"]
    pipeline.aws.push("app", "staging", NEW)  # it follows, but this push is of `prod`
    serve(pipeline.aws, "web", f"{HOST}/app:prod", *others)

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.images("prod", "web") == [
        f"{HOST}/app@{NEW}",
        "nginx:1.27",
        f"{HOST}/proxy@{OLD}",
        f"{HOST}/app@{NEW}",
        f"{HOST}/app@{OLD}",
    ]


def test_a_digest_in_the_image_is_understood(pipeline: Pipeline) -> None:
    """fabfuel made `repo@sha256:v2` of it, sil-org stopped with `tag: unbound variable`."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod@{OLD}")

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{NEW}"]


def test_the_base_is_what_the_service_runs_not_the_newest_nor_the_last_by_name(pipeline: Pipeline) -> None:
    """meroku sorted names (web:9 above web:12); the GitHub actions take the family's latest."""
    for cpu in range(1, 13):
        revision = pipeline.aws.register("web", f"{HOST}/app:prod", cpu=str(cpu))
        if cpu == 11:
            pipeline.aws.serve("prod", "web", revision)

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.running("prod", "web")["cpu"] == "11"
    assert pipeline.aws.running("prod", "web")["revision"] == 13


def test_empty_values_stay(pipeline: Pipeline) -> None:
    """amazon-ecs-deploy-task-definition#216, #780: empty environment values and log options were removed."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod")
    container = pipeline.aws.revisions["web"][0]["containerDefinitions"][0]
    container |= {
        "environment": [{"name": "EMPTY", "value": ""}],
        "dockerLabels": {"x": ""},
        "logConfiguration": {"logDriver": "splunk", "options": {"tag": ""}},
        "command": [],
    }

    pipeline.push("app", "prod", NEW)

    [new] = pipeline.aws.running("prod", "web")["containerDefinitions"]
    assert new == container | {
        "image": f"{HOST}/app@{NEW}",
        "dockerLabels": {"x": "", "tagalong.tag": "prod"},
    }


def test_tags_of_the_task_definition_stay_and_those_of_aws_are_left_to_aws(pipeline: Pipeline) -> None:
    """fabfuel#130, sil-org#212, amazon-ecs-deploy#744: tags were lost."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod", tags=[{"key": "team", "value": "shop"}])
    pipeline.aws.revisions["web"][0]["tags"].append({"key": "aws:cloudformation:stack-id", "value": "x"})

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.running("prod", "web")["tags"] == [{"key": "team", "value": "shop"}]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"deploymentController": {"type": "CODE_DEPLOY"}}, "code-deploy-controller"),
        ({"deploymentController": {"type": "EXTERNAL"}}, "external-controller"),
        ({"resourceManagementType": "ECS"}, "express-mode"),
    ],
)
def test_a_refused_service_leaves_no_orphan_revision_and_says_why(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], fields: dict[str, Any], reason: str
) -> None:
    """amazon-ecs-deploy-task-definition and fabfuel register first and then fail."""
    pipeline.aws.serve("prod", "web", pipeline.aws.register("web", f"{HOST}/app:prod"), **fields)

    pipeline.push("app", "prod", NEW)

    assert len(pipeline.aws.revisions["web"]) == 1, "an orphan revision was left behind"
    assert pipeline.aws.calls["UpdateService"] == 0
    assert f'"reason":"{reason}"' in capsys.readouterr().out


@pytest.mark.parametrize("status", ["DRAINING", "INACTIVE"])
def test_a_service_that_is_deleted_before_its_turn_leaves_no_orphan_revision(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], status: str
) -> None:
    """ECS lists neither, so that only a job that waits can meet one."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod")
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))
    pipeline.aws.delete_service("prod", "web")
    pipeline.aws.services["prod", "web"]["status"] = status
    pipeline.work()

    assert len(pipeline.aws.revisions["web"]) == 1, "an orphan revision was left behind"
    assert pipeline.aws.calls["UpdateService"] == 0
    assert '"reason":"service-not-active"' in capsys.readouterr().out


def test_an_external_service_whose_revision_is_in_its_task_set_is_refused_by_name(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    revision = pipeline.aws.register("web", f"{HOST}/app:prod")
    sets = [{"status": "ACTIVE", "taskDefinition": "old"}, {"status": "PRIMARY", "taskDefinition": revision}]
    pipeline.aws.serve("prod", "web", "", deploymentController={"type": "EXTERNAL"}, taskSets=sets)

    pipeline.push("app", "prod", NEW)

    assert '"reason":"external-controller"' in capsys.readouterr().out


@pytest.mark.parametrize("strategy", ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"])
def test_every_strategy_of_the_ecs_controller_is_updated_like_any_service(
    pipeline: Pipeline, strategy: str
) -> None:
    revision = pipeline.aws.register("web", f"{HOST}/app:prod")
    pipeline.aws.serve("prod", "web", revision, strategy=strategy)

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{NEW}"]


def test_what_already_runs_is_not_deployed_again(pipeline: Pipeline) -> None:
    """fabfuel, sil-org, ecspresso, the GitHub actions: every run registers and redeploys."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod")

    for _ in range(3):
        pipeline.push("app", "prod", NEW)

    assert pipeline.aws.calls["RegisterTaskDefinition"] == pipeline.aws.calls["UpdateService"] == 1


def test_services_of_one_family_share_the_new_revision(pipeline: Pipeline) -> None:
    """sil-org#254, amazon-ecs-deploy#420: one revision for each service."""
    revision = serve(pipeline.aws, "web-eu", f"{HOST}/app:prod", family="web")
    for name in ("web-us", "web-ap"):
        pipeline.aws.serve("prod", name, revision)

    pipeline.push("app", "prod", NEW)

    assert len(pipeline.aws.revisions["web"]) == 2
    assert {service["taskDefinition"][-5:] for service in pipeline.aws.services.values()} == {"web:2"}


@pytest.mark.parametrize("count", [11, 101, 230])
def test_more_services_than_a_page_or_a_batch_are_all_found(pipeline: Pipeline, count: int) -> None:
    """vlesierse passed the whole list to DescribeServices, whose limit is 10."""
    revision = pipeline.aws.register("web", f"{HOST}/app:prod")
    for number in range(count):
        pipeline.aws.serve(f"cluster-{number % 3}", f"web-{number}", revision)

    pipeline.push("app", "prod", NEW)

    assert {s["taskDefinition"][-5:] for s in pipeline.aws.services.values()} == {"web:2"}
    assert len(pipeline.aws.revisions["web"]) == 2


def test_one_bad_service_stops_no_other_and_is_tried_again(pipeline: Pipeline) -> None:
    """vlesierse: one bad family aborted the whole event."""
    aws = pipeline.aws
    for name in ("bad", "good", "fine"):
        serve(aws, name, f"{HOST}/app:prod")
    sibling = serve(aws, "sibling-of-bad", f"{HOST}/app:prod", family="bad")
    aws.services["prod", "bad"]["taskDefinition"] = sibling

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before") and aws.requests[-1][1]["service"] == "bad":
            raise Refused("InvalidParameterException", "no capacity")

    aws.hook = refuse
    pipeline.push("app", "prod", NEW)

    for name in ("good", "fine", "sibling-of-bad"):
        assert aws.images("prod", name) == [f"{HOST}/app@{NEW}"], f"{name} was held up by 'bad'"

    aws.hook = lambda _action, _phase: None
    pipeline.settle(timedelta(minutes=5))
    assert aws.images("prod", "bad") == [f"{HOST}/app@{NEW}"]


def test_update_service_is_told_the_revision_and_nothing_else(pipeline: Pipeline) -> None:
    """amazon-ecs-deploy#707, ecspresso#481: propagateTags and capacity providers were reset."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod")

    pipeline.push("app", "prod", NEW)

    [sent] = [body for action, body in pipeline.aws.requests if action == "UpdateService"]
    assert set(sent) == {"cluster", "service", "taskDefinition"}


def test_a_missing_deployment_controller_means_ecs(pipeline: Pipeline) -> None:
    """amazon-ecs-deploy#384: 'Unsupported deployment controller: ECS' when AWS left it out."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod")
    assert "deploymentController" not in pipeline.aws.services["prod", "web"]

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{NEW}"]


def test_a_tag_that_nobody_follows_moves_nothing_and_says_what_is_followed(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    """tedivm: a new tag found nothing, silently."""
    serve(pipeline.aws, "web", f"{HOST}/app:prod")

    pipeline.push("app", "v2", NEW)

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app:prod"]
    assert "web skipped (tag-not-followed): c0 runs 'prod' under the rule track" in capsys.readouterr().out
