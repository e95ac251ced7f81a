"""Rules, consent, scope and sweep, through both functions."""

import json
from itertools import count
from typing import Any

import pytest

from support.fake_aws import ACCOUNT, HOST, REGION, FakeAws, Json, push_event
from support.fake_aws.events import CONFIG, INDEX
from support.pipeline import Pipeline

D = ["sha256:" + letter * 64 for letter in "0123456789"]
_sweeps = count(1)


def serve(aws: FakeAws, name: str, *images: str, labels: Json | None = None, **tags: Any) -> None:
    revision = aws.register(name, *images)
    if labels:
        aws.revisions[name][0]["containerDefinitions"][0]["dockerLabels"] = labels
    service_tags = [{"key": f"tagalong:{key}", "value": value} for key, value in tags.items()]
    aws.serve("prod", name, revision, tags=service_tags)


def reasons(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """service -> why it was left alone, the last time"""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {line["ecs_service"]: line["reason"] for line in lines if line.get("decision") == "skip"}


def test_a_new_version_moves_the_services_whose_range_it_is_in_and_the_label_says_which_it_is(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.push("app", "1.4.2", D[0])
    serve(aws, "minor", f"{HOST}/app:1.4.2", rule="semver:1.x")
    serve(aws, "patch", f"{HOST}/app:1.4.2", rule="semver:1.4.x")
    serve(aws, "still", f"{HOST}/app:1.4.2")

    pipeline.push("app", "1.4.3", D[1])
    pipeline.push("app", "1.5.0", D[2])
    pipeline.push("app", "2.0.0", D[3])

    assert aws.images("prod", "minor") == [f"{HOST}/app@{D[2]}"]
    assert aws.images("prod", "patch") == [f"{HOST}/app@{D[1]}"]
    assert aws.images("prod", "still") == [f"{HOST}/app:1.4.2"]
    [container] = aws.running("prod", "minor")["containerDefinitions"]
    assert container["dockerLabels"] == {"tagalong.tag": "1.5.0"}


def test_a_service_whose_images_are_tagged_by_commit_follows_the_newest_of_its_branch(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.push("app", "main-aaa", D[0])
    serve(aws, "web", f"{HOST}/app:main-aaa", rule="newest:main-")

    pipeline.push("app", "feature-zzz", D[1])
    pipeline.push("app", "main-bbb", D[2])
    pipeline.push("app", "main-old", D[0])

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[2]}"]


def test_the_label_of_a_container_wins_over_the_tag_of_the_service(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "1.0.0", D[0])
    serve(aws, "web", f"{HOST}/app:1.0.0", labels={"tagalong.rule": "pin"}, rule="semver:x")

    pipeline.push("app", "1.1.0", D[1])

    assert aws.images("prod", "web") == [f"{HOST}/app:1.0.0"]


def test_a_sidecar_under_pin_does_not_keep_the_app(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("proxy", "prod", D[0])
    serve(aws, "web", f"{HOST}/proxy:prod", f"{HOST}/app:prod", labels={"tagalong.rule": "pin"})

    pipeline.push("app", "prod", D[1])
    pipeline.push("proxy", "prod", D[2])

    assert aws.images("prod", "web") == [f"{HOST}/proxy:prod", f"{HOST}/app@{D[1]}"]


def test_many_pages_of_images_are_all_looked_at(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST}/app:0.0.1", rule="semver:x")
    for patch in range(1, 2500):
        aws.push("app", f"0.0.{patch}", f"sha256:{patch:064}")

    pipeline.push("app", "0.0.2500", D[1])

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"]


def test_signatures_and_charts_are_never_the_newest(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "a", D[0])
    serve(aws, "web", f"{HOST}/app:a", rule="newest")
    aws.push("app", f"sha256-{'0' * 64}.sig", D[5])

    pipeline.push("app", "b", D[1])
    aws.push("app", f"sha256-{'1' * 64}.att", D[6])
    sweep(pipeline)

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"]


CACHE = "application/vnd.buildkit.cacheconfig.v0"
UNKNOWN = "application/vnd.unknown.config.v1+json"


@pytest.mark.parametrize(
    ("artifact", "reason"),
    [(CACHE, "not-an-image"), (UNKNOWN, "not-an-image"), (CONFIG, "tag-not-found")],
    ids=["cache", "unknown", "archived"],
)
@pytest.mark.parametrize("trigger", ["push", "sweep"])
def test_what_ecs_could_not_run_is_not_deployed_whatever_the_trigger(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], artifact: str, reason: str, trigger: str
) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST}/app:prod@{D[0]}")
    event = push_event("app", "prod", D[1], aws.clock)  # ECR may tell of it as of an image
    aws.push("app", "prod", D[1], artifact_type=artifact)
    if artifact == CONFIG:
        aws.archive("app", D[1])

    pipeline.deliver(event if trigger == "push" else {"sweep": {}})
    pipeline.work()

    assert aws.images("prod", "web") == [f"{HOST}/app:prod@{D[0]}"]
    assert reasons(capsys) == {"web": reason}


def test_the_greatest_number_is_followed_and_a_rebuild_of_a_lower_one_is_not(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "build-9", D[0])
    serve(aws, "web", f"{HOST}/app:build-9", rule="highest:build-..")

    pipeline.push("app", "build-10", D[1])
    pipeline.push("app", "build-8", D[2])
    pipeline.push("app", "build-11-test", D[3])

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"]


def test_an_image_that_looks_like_one_in_ecr_is_reported_once(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(pipeline.aws, "web", f"{HOST}/App:prod")

    pipeline.push("app", "prod", D[1])
    pipeline.push("app", "prod", D[2])

    messages = [json.loads(line).get("message") for line in capsys.readouterr().out.splitlines()]
    [misspelt] = [message for message in messages if "looks like one in ECR" in str(message)]
    assert misspelt.endswith("write host and repository in lower case")


def test_a_second_tag_of_what_runs_unpinned_starts_no_deployment(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST}/app:prod")
    aws.push("app", "prod", D[1])
    aws.resolve("prod", "web", c0=D[1])

    pipeline.push("app", "prod", D[1])

    assert aws.images("prod", "web") == [f"{HOST}/app:prod"]
    assert reasons(capsys) == {"web": "up-to-date"}


def test_consent_is_asked_of_each_service(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    aws = pipeline.aws
    tags: list[dict[str, Any]] = [
        {},
        {"enabled": "false"},
        {"hold": "true"},
        {"hold": "2999-01-01"},
        {"enabled": "maybe"},
        {"hodl": "x"},
    ]
    for number, tag in enumerate(tags):
        serve(aws, f"s{number}", f"{HOST}/app:prod", **tag)

    pipeline.push("app", "prod", D[1])

    assert aws.images("prod", "s0") == [f"{HOST}/app@{D[1]}"]
    assert reasons(capsys) == {
        "s1": "opted-out",
        "s2": "on-hold",
        "s3": "on-hold",
        "s4": "misconfigured",
        "s5": "misconfigured",
    }
    assert aws.calls["UpdateService"] == 1


def test_only_enabled_services_move_when_selection_is_opt_in(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_SELECTION", "opt-in")
    aws = pipeline.aws
    serve(aws, "in", f"{HOST}/app:prod", enabled="true")
    serve(aws, "out", f"{HOST}/app:prod")

    pipeline.push("app", "prod", D[1])

    assert aws.images("prod", "in") == [f"{HOST}/app@{D[1]}"]
    assert aws.images("prod", "out") == [f"{HOST}/app:prod"]


def test_the_images_of_a_registry_account_are_followed_when_it_is_in_scope(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGALONG_REGISTRY_ACCOUNTS", f"{ACCOUNT},999900001111")
    aws = pipeline.aws
    shared = HOST.replace(ACCOUNT, "999900001111")
    serve(aws, "web", f"{shared}/app:prod")
    event = aws.push("app", "prod", D[1])

    pipeline.deliver({**event, "account": "999900001111"})
    pipeline.work()

    assert aws.images("prod", "web") == [f"{shared}/app@{D[1]}"]
    asked = [body["registryId"] for action, body in aws.requests if action == "DescribeImages"]
    assert asked == ["999900001111"]


def test_a_push_of_a_registry_out_of_scope_moves_nothing(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST.replace(ACCOUNT, '999900001111')}/app:prod")

    pipeline.deliver({**aws.push("app", "prod", D[1]), "account": "999900001111"})

    assert not aws.queue
    assert aws.calls["ListServices"] == 0


def test_a_replication_is_a_push_in_the_region_where_it_arrives(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST}/app:prod")
    event = aws.push("app", "prod", D[1])
    replicated = {
        **event,
        "detail-type": "ECR Replication Action",
        "resources": [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/app"],
        "detail": {
            "result": "SUCCESS",
            "repository-name": "app",
            "image-digest": D[1],
            "source-account": ACCOUNT,
            "action-type": "REPLICATE",
            "source-region": "us-west-2",
            "image-tag": "prod",
        },
    }

    pipeline.deliver(replicated)
    pipeline.work()

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"]


def sweep(pipeline: Pipeline, **narrowed: str) -> None:
    """Lambda gives each invocation an id of its own."""
    pipeline.context.aws_request_id = f"narrowed-sweep-{next(_sweeps)}"
    pipeline.deliver({"sweep": narrowed})
    pipeline.work()


def test_a_sweep_repairs_a_push_whose_event_was_lost(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "prod", D[0])
    serve(aws, "web", f"{HOST}/app:prod@{D[0]}")
    sweep(pipeline)
    aws.push("app", "prod", D[1])

    sweep(pipeline)

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"]


@pytest.mark.parametrize("runs", ["", D[0], D[1]], ids=["unknown", "an older image", "the same image"])
def test_installing_tagalong_among_100_services_moves_none_of_them(pipeline: Pipeline, runs: str) -> None:
    aws = pipeline.aws
    aws.push("app", "prod", D[1])
    for number in range(100):
        serve(aws, f"s{number}", f"{HOST}/app:prod")
        if runs:
            aws.resolve("prod", f"s{number}", c0=runs)

    for _ in range(2):
        sweep(pipeline)
        assert not aws.queue

    assert aws.calls["UpdateService"] == aws.calls["RegisterTaskDefinition"] == 0


def test_a_sweep_moves_an_unpinned_service_of_which_ecs_says_that_it_runs_another_image(
    pipeline: Pipeline,
) -> None:
    aws = pipeline.aws
    aws.push("app", "prod", D[0])
    serve(aws, "web", f"{HOST}/app:prod")
    aws.resolve("prod", "web", c0=D[0])
    sweep(pipeline)
    aws.push("app", "prod", D[1])

    sweep(pipeline)

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"]


def test_a_platform_of_the_index_that_the_tag_names_is_what_the_tag_names(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST}/app:prod")
    aws.children[D[1]] = [D[7], D[8]]
    aws.resolve("prod", "web", c0=D[8])

    pipeline.deliver(aws.push("app", "prod", D[1], INDEX))
    pipeline.work()

    assert aws.images("prod", "web") == [f"{HOST}/app:prod"]


def test_what_ecs_resolved_for_an_earlier_revision_says_nothing_of_this_one(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    serve(aws, "web", f"{HOST}/app:prod")
    aws.resolve("prod", "web", c0=D[1])
    aws.services["prod", "web"]["taskDefinition"] = aws.register("web", f"{HOST}/app:prod")

    pipeline.push("app", "prod", D[1])

    assert aws.images("prod", "web") == [f"{HOST}/app@{D[1]}"], "nobody knows that it runs this"


@pytest.mark.parametrize(
    ("narrowed", "moved"),
    [
        ({}, {"web", "api", "other"}),
        ({"cluster": "prod"}, {"web", "api"}),
        ({"repository": "app"}, {"web", "other"}),
        ({"cluster": "prod", "repository": "app"}, {"web"}),
        ({"cluster": "nowhere"}, set()),
    ],
)
def test_a_sweep_can_be_narrowed(pipeline: Pipeline, narrowed: dict[str, str], moved: set[str]) -> None:
    aws = pipeline.aws
    for cluster, name, repository in (("prod", "web", "app"), ("prod", "api", "lib"), ("eu", "other", "app")):
        aws.push(repository, "prod", D[0])
        aws.serve(cluster, name, aws.register(name, f"{HOST}/{repository}:prod@{D[0]}"))
    sweep(pipeline)
    for repository in ("app", "lib"):
        aws.push(repository, "prod", D[1])

    sweep(pipeline, **narrowed)

    assert {name for cluster, name in aws.services if D[1] in aws.images(cluster, name)[0]} == moved


@pytest.mark.parametrize("event", [{"sweep": {"clutser": "prod"}}, {"sweep": None}, {"sweep": []}])
def test_a_sweep_that_cannot_be_understood_is_an_error(pipeline: Pipeline, event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a sweep takes nothing, or 'cluster', or 'repository'"):
        pipeline.deliver(event)
