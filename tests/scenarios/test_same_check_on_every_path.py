"""What is no image is deployed on no path; what cannot move keeps no other; what runs is watched."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from support.fake_aws import HOST, FakeAws, Json, Refused
from support.pipeline import Pipeline

OLD, CACHE, GOOD, NEW = ("sha256:" + letter * 64 for letter in "0bcd")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
NOT_IMAGES = {
    "cache": "application/vnd.buildkit.cacheconfig.v0",
    "chart": "application/vnd.cncf.helm.config.v1+json",
    "signature": "application/vnd.dev.cosign.artifact.sig.v1+json",
    "unknown": "application/vnd.example.model.v1+json",
}
RULES = {
    "track": ("prod", "prod", "prod"),
    "newest:main-": ("main-1", "main-2", "main-3"),
    "semver:1.x": ("1.1.0", "1.2.0", "1.3.0"),
    "highest:build-..": ("build-1", "build-2", "build-3"),
}


def serve(aws: FakeAws, rule: str = "track", *, app: str = "", proxy: str = "") -> None:
    """`web` of app and proxy; both are pinned unless an image is given."""
    tag = RULES[rule][0]
    for name in ("app", "proxy"):
        aws.push(name, tag, OLD)
    images = (app or f"{HOST}/app:{tag}@{OLD}", proxy or f"{HOST}/proxy:{tag}@{OLD}")
    tags = [{"key": "tagalong:rule", "value": rule}]
    aws.serve("prod", "web", aws.register("web", *images), tags=tags)


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    serve(pipeline.aws)
    return pipeline


def runs(aws: FakeAws) -> list[str]:
    return [image.rpartition("@")[2] for image in aws.images("prod", "web")]


def why(pipeline: Pipeline) -> str:
    record = pipeline.record("prod", "web")
    assert record
    assert record.decision
    return record.decision.reason


def set_tag(aws: FakeAws, key: str, value: str) -> None:
    arn = aws.services["prod", "web"]["serviceArn"]
    aws._tag_resource({"resourceArn": arn, "tags": [{"key": key, "value": value}]})


# -- what is no image (input 12) ------------------------------------------------------------------------


def nothing(_pipeline: Pipeline, _tag: str) -> None:
    """Only the push itself."""


def sweep(pipeline: Pipeline, _tag: str) -> None:
    pipeline.sweep()


def push_of_the_sidecar(pipeline: Pipeline, tag: str) -> None:
    pipeline.push("proxy", tag, NEW)


def retry(pipeline: Pipeline, _tag: str) -> None:
    set_tag(pipeline.aws, "tagalong:retry", pipeline.aws.clock.isoformat())
    pipeline.sweep()


def end_of_a_deployment(pipeline: Pipeline, _tag: str) -> None:
    service = pipeline.aws.services["prod", "web"]
    pipeline.aws.deploy(service, service["taskDefinition"])
    pipeline.tell(*pipeline.aws.complete("prod", "web"))


def event_without_media_types(pipeline: Pipeline, tag: str) -> None:
    """ECR's documents name no such fields."""
    event = pipeline.aws.push("app", tag, CACHE, MANIFEST, NOT_IMAGES["cache"])
    event["detail"] = {k: v for k, v in event["detail"].items() if not k.endswith("media-type")}
    pipeline.deliver(event)
    pipeline.work()


def wait_for_somebody(pipeline: Pipeline, tag: str) -> None:
    service = pipeline.aws.services["prod", "web"]
    pipeline.aws.deploy(service, service["taskDefinition"])
    pipeline.push("proxy", tag, NEW)
    pipeline.aws.complete("prod", "web")
    pipeline.wait(timedelta(minutes=10))


PATHS = [
    *(nothing, sweep, push_of_the_sidecar, retry, end_of_a_deployment),
    *(event_without_media_types, wait_for_somebody),
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__)
@pytest.mark.parametrize("rule", RULES)
def test_a_cache_manifest_under_the_followed_tag_is_deployed_on_no_path(
    pipeline: Pipeline, rule: str, path: Callable[[Pipeline, str], None]
) -> None:
    serve(pipeline.aws, rule)
    tag = RULES[rule][1]
    pipeline.deliver(pipeline.aws.push("app", tag, CACHE, MANIFEST, NOT_IMAGES["cache"]))
    pipeline.work()

    path(pipeline, tag)

    assert runs(pipeline.aws)[0] == OLD
    moves = path in {push_of_the_sidecar, wait_for_somebody}
    assert runs(pipeline.aws)[1] == (NEW if moves else OLD), "a sidecar is not held by it"


@pytest.mark.parametrize("kind", NOT_IMAGES.values(), ids=NOT_IMAGES)
def test_a_sweep_deploys_no_artifact_of_any_other_kind_and_says_so(pipeline: Pipeline, kind: str) -> None:
    pipeline.sweep()
    pipeline.aws.push("app", "prod", CACHE, MANIFEST, kind)

    pipeline.sweep()

    assert runs(pipeline.aws) == [OLD, OLD]
    assert why(pipeline) == "not-an-image"


def test_an_image_after_a_cache_manifest_is_deployed(pipeline: Pipeline) -> None:
    pipeline.deliver(pipeline.aws.push("app", "prod", CACHE, MANIFEST, NOT_IMAGES["cache"]))
    pipeline.work()
    pipeline.sweep()

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


@pytest.mark.parametrize("described", [False, True])
@pytest.mark.parametrize("path", [sweep, push_of_the_sidecar, retry], ids=lambda path: path.__name__)
@pytest.mark.parametrize("rule", RULES)
def test_an_archived_image_is_deployed_on_no_path_under_both_readings_of_what_aws_documents(
    pipeline: Pipeline, rule: str, path: Callable[[Pipeline, str], None], described: bool
) -> None:
    """Whether DescribeImages describes an archived image that is asked for by its tag."""
    aws = pipeline.aws
    serve(aws, rule)
    aws.describes_archived_by_id = described
    pipeline.sweep()
    tag = RULES[rule][1]
    event = aws.push("app", tag, GOOD)
    aws.archive("app", GOOD)
    pipeline.deliver(event)
    pipeline.work()

    path(pipeline, tag)

    assert runs(aws)[0] == OLD
    assert runs(aws)[1] == (NEW if path is push_of_the_sidecar else OLD)


@pytest.mark.parametrize("described", [False, True])
def test_an_image_that_is_archived_while_it_runs_keeps_the_sidecar_only_where_no_task_could_start(
    pipeline: Pipeline, described: bool
) -> None:
    aws = pipeline.aws
    aws.describes_archived_by_id = described
    aws.archive("app", OLD)

    pipeline.push("proxy", "prod", NEW)

    assert runs(aws) == [OLD, OLD], "an archived image cannot be pulled"
    assert why(pipeline) == "tag-not-found"


# -- what runs and may be deleted (input 13) ------------------------------------------------------------


def plain_and_on_hold(pipeline: Pipeline) -> FakeAws:
    """Its sidecar names the tag, which ECS resolved to OLD and which has moved on."""
    aws = pipeline.aws
    serve(aws, proxy=f"{HOST}/proxy:prod")
    set_tag(aws, "tagalong:hold", "true")
    pipeline.sweep()
    aws.push("proxy", "prod", NEW)
    return aws


def test_a_sweep_warns_of_an_untagged_image_that_ecs_resolved_for_a_sidecar_on_hold(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    plain_and_on_hold(pipeline)

    pipeline.sweep()

    assert "web runs proxy@00000000, which has no tag any more" in caplog.text


def test_a_sweep_warns_of_an_image_that_ecs_resolved_and_that_has_expired(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    aws = plain_and_on_hold(pipeline)
    aws.delete_image("proxy", OLD)

    pipeline.sweep()

    assert "web runs proxy@00000000, which has no tag any more" in caplog.text


def test_a_sweep_warns_of_a_pinned_image_that_has_lost_its_last_tag(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    set_tag(pipeline.aws, "tagalong:hold", "true")
    pipeline.push("app", "prod", GOOD)
    assert "no tag any more" not in caplog.text

    pipeline.sweep()

    assert "web runs app@00000000, which has no tag any more" in caplog.text


@pytest.mark.parametrize("tag", ["prod", "kept"])
def test_a_sweep_warns_of_no_image_that_has_a_tag(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture, tag: str
) -> None:
    serve(pipeline.aws, proxy=f"{HOST}/proxy:prod")
    if tag == "kept":
        pipeline.aws.push("proxy", "kept", OLD)
        pipeline.aws.push("proxy", "prod", NEW)

    pipeline.sweep()

    assert "no tag any more" not in caplog.text


def test_the_warning_is_counted(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    plain_and_on_hold(pipeline)
    capsys.readouterr()

    pipeline.sweep()

    assert '"RunningImagesUntagged":[1.0]' in capsys.readouterr().out


def test_a_repository_whose_tags_cannot_be_read_stops_no_sweep(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    pipeline.sweep()
    aws.push("app", "prod", GOOD)

    def deny(action: str, _phase: str) -> None:
        if action == "DescribeImages" and "filter" in aws.requests[-1][1]:
            raise Refused("AccessDeniedException", "not yours")

    aws.hook = deny
    pipeline.sweep()

    assert runs(aws) == [GOOD, OLD]


# -- a sidecar whose tag is gone (input 14) -------------------------------------------------------------


def lose_the_tag(aws: FakeAws, name: str = "proxy", tag: str = "prod") -> None:
    del aws.tags[name, tag]


def test_a_pinned_sidecar_whose_tag_is_gone_stays_and_the_app_moves(pipeline: Pipeline) -> None:
    lose_the_tag(pipeline.aws)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


@pytest.mark.parametrize("rule", RULES)
def test_a_pinned_sidecar_whose_tag_is_gone_stays_under_every_rule(pipeline: Pipeline, rule: str) -> None:
    serve(pipeline.aws, rule)
    lose_the_tag(pipeline.aws, tag=RULES[rule][0])

    pipeline.push("app", RULES[rule][1], GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


def test_a_sidecar_that_ecs_resolved_is_pinned_to_that_when_its_tag_is_gone(pipeline: Pipeline) -> None:
    serve(pipeline.aws, proxy=f"{HOST}/proxy:prod")
    lose_the_tag(pipeline.aws)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


def test_a_pinned_sidecar_whose_image_is_gone_too_holds_the_app_until_its_tag_is_pushed(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.delete_image("proxy", OLD)
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == [OLD, OLD]
    assert why(pipeline) == "tag-not-found"

    pipeline.push("proxy", "prod", NEW)

    assert runs(aws) == [GOOD, NEW]


def test_a_plain_sidecar_that_nobody_knows_the_digest_of_holds_the_app(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, proxy=f"{HOST}/proxy:prod")
    [arn] = [it["arn"] for it in aws.services["prod", "web"]["currentServiceRevisions"]]
    for image in aws.service_revisions[arn]["containerImages"]:
        image.pop("imageDigest", None)
    lose_the_tag(aws)

    pipeline.push("app", "prod", GOOD)
    assert runs(aws)[0] == OLD
    assert why(pipeline) == "tag-not-found"

    pipeline.push("proxy", "prod", NEW)
    assert runs(aws) == [GOOD, NEW]


def test_a_sidecar_whose_repository_is_gone_holds_the_app(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.delete_image("proxy", OLD)
    aws.repositories.discard("proxy")

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == [OLD, OLD]
    assert not aws.failed


def test_the_app_itself_stays_when_its_tag_is_gone(pipeline: Pipeline) -> None:
    lose_the_tag(pipeline.aws, "app")

    pipeline.push("proxy", "prod", NEW)
    pipeline.sweep()

    assert runs(pipeline.aws) == [OLD, NEW]


def test_a_sidecar_of_a_misconfigured_rule_stays_and_the_app_moves(pipeline: Pipeline) -> None:
    proxy: Json = pipeline.aws.running("prod", "web")["containerDefinitions"][1]
    proxy["dockerLabels"] = {"tagalong.rule": "semverr:1.x"}

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


def test_a_sidecar_with_the_rule_pin_is_not_looked_up_in_ecr(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.running("prod", "web")["containerDefinitions"][1]["dockerLabels"] = {"tagalong.rule": "pin"}

    def deny(action: str, _phase: str) -> None:
        if action == "DescribeImages" and aws.requests[-1][1]["repositoryName"] == "proxy":
            raise Refused("AccessDeniedException", "not yours")

    aws.hook = deny
    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == [GOOD, OLD]
