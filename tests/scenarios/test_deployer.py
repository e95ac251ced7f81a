"""The deployer function: what it does with batches, failures, dry runs, and what it says."""

import json
from datetime import timedelta
from typing import Any, cast

import boto3
import pytest

from support.fake_aws import HOST, REGION, FakeAws, Refused
from support.pipeline import Pipeline
from tagalong import __version__

OLD, NEW, NEWER = ("sha256:" + letter * 64 for letter in "0ef")


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def fail(aws: FakeAws, action: str, refused: Refused, times: int = 1_000) -> None:
    """The next calls of this action are refused."""
    left = [None] * times

    def hook(called: str, phase: str) -> None:
        if called == action and phase == "before" and left:
            left.pop()
            raise refused

    aws.hook = hook


def web(aws: FakeAws, *images: str) -> None:
    aws.serve("prod", "web", aws.register("web", *(images or (f"{HOST}/app:prod",))))


TRANSIENT = [
    ("RegisterTaskDefinition", Refused("ThrottlingException", "Rate exceeded")),
    (
        "RegisterTaskDefinition",
        Refused(
            "ClientException",
            "Too many concurrent attempts to create a new revision of the specified family.",
        ),
    ),
    (
        "UpdateService",
        Refused("InvalidParameterException", "5 active deployments exist, unable to create new deployment."),
    ),
    ("RegisterTaskDefinition", Refused("ServerException", "", 500)),
    ("DescribeServices", Refused("AccessDeniedException", "not yet")),
    ("DescribeImages", Refused("AccessDeniedException", "not yet")),
]


@pytest.mark.parametrize(("action", "refused"), TRANSIENT, ids=[f"{a} {r.code}" for a, r in TRANSIENT])
def test_what_fails_once_comes_back_and_succeeds_with_one_revision(
    pipeline: Pipeline, action: str, refused: Refused
) -> None:
    web(pipeline.aws)
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))
    fail(pipeline.aws, action, refused, times=1)
    first = pipeline.invoke_deployer()
    assert not first["batchItemFailures"], "its family waits for it"
    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app:prod"]

    pipeline.settle(timedelta(minutes=5))

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{NEW}"]
    assert len(pipeline.aws.revisions["web"]) == 2
    assert not pipeline.aws.failed


def test_a_service_that_fails_is_tried_again_soon_then_ever_later_and_then_given_up(
    pipeline: Pipeline,
) -> None:
    web(pipeline.aws)
    fail(pipeline.aws, "RegisterTaskDefinition", Refused("ThrottlingException", "Rate exceeded"))
    pipeline.push("app", "prod", NEW)
    pipeline.settle()

    sent = [body for action, body in pipeline.aws.requests if action == "SendMessage"]
    delays = [body["DelaySeconds"] for body in sent if body["QueueUrl"].endswith("/rechecks")]
    assert delays == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    [given_up] = pipeline.aws.failed
    failure = json.loads(given_up["MessageBody"])["failure"]
    assert failure["attempts"] == 10
    assert failure["reason"] == "RegisterTaskDefinition: ThrottlingException: Rate exceeded"
    assert failure["first_at"] < failure["last_at"]


def two_families(pipeline: Pipeline) -> None:
    """An app with a proxy, and another family with the proxy alone; both repositories are pushed to."""
    aws = pipeline.aws
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:prod", f"{HOST}/proxy:prod"))
    aws.serve("prod", "other", aws.register("other", f"{HOST}/proxy:prod"))
    for event in [aws.push(repository, "prod", NEW) for repository in ("app", "proxy")]:
        pipeline.deliver(event)


def test_a_service_that_fails_delays_neither_the_next_job_of_its_family_nor_another_family(
    pipeline: Pipeline,
) -> None:
    two_families(pipeline)
    refused: list[str] = []

    def refuse_once(action: str, phase: str) -> None:
        family = pipeline.aws.requests[-1][1].get("family")
        if (action, phase, family) == ("RegisterTaskDefinition", "before", "web") and not refused:
            refused.append(action)
            raise Refused("ThrottlingException")

    pipeline.aws.hook = refuse_once
    pipeline.work()

    assert f"{HOST}/proxy@{NEW}" in pipeline.aws.images("prod", "web")
    assert pipeline.aws.images("prod", "other") == [f"{HOST}/proxy@{NEW}"]


def test_a_family_keeps_its_order_when_a_job_cannot_be_put_away(pipeline: Pipeline) -> None:
    """Neither done nor in another queue: then its message comes back, and those of its family behind it."""
    two_families(pipeline)

    def refuse(action: str, phase: str) -> None:
        body = pipeline.aws.requests[-1][1]
        registers = action == "RegisterTaskDefinition" and body["family"] == "web"
        puts_away = action == "SendMessage" and '"service":"web"' in body["MessageBody"]
        if phase == "before" and (registers or puts_away):
            raise Refused("AccessDeniedException")

    pipeline.aws.hook = refuse
    response = pipeline.invoke_deployer()

    assert [it["MessageGroupId"] for it in pipeline.aws.queue] == ["web", "web"]
    assert len(response["batchItemFailures"]) == 2
    assert pipeline.aws.images("prod", "other") == [f"{HOST}/proxy@{NEW}"]


def test_a_job_is_decided_on_what_ecr_says_now_not_on_what_the_event_said(pipeline: Pipeline) -> None:
    web(pipeline.aws)
    event = pipeline.aws.push("app", "prod", NEW)
    pipeline.aws.push("app", "prod", NEWER)
    pipeline.deliver(event)
    pipeline.work()

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{NEWER}"]


def test_a_tag_that_ecr_lost_is_refused_before_anything_is_registered(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    web(pipeline.aws, f"{HOST}/app:prod", f"{HOST}/proxy:gone")

    pipeline.push("app", "prod", NEW)

    assert len(pipeline.aws.revisions["web"]) == 1
    assert "web skipped (tag-not-found): ECR has no image 'proxy:gone'" in capsys.readouterr().out


def test_a_service_that_was_deleted_meanwhile_is_reported_as_deleted(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    web(pipeline.aws)
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))
    pipeline.aws.services.clear()
    pipeline.work()

    assert '"reason":"service-deleted"' in capsys.readouterr().out


def test_a_cluster_that_was_deleted_meanwhile_ends_the_job(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    web(pipeline.aws)
    pipeline.deliver(pipeline.aws.push("app", "prod", NEW))
    pipeline.aws.clusters.clear()
    pipeline.work()

    assert '"reason":"service-deleted"' in capsys.readouterr().out
    assert not pipeline.aws.queue


def test_a_revision_that_is_inactive_is_no_twin_to_reuse(pipeline: Pipeline) -> None:
    web(pipeline.aws)
    pipeline.push("app", "prod", NEW)
    pipeline.aws.services["prod", "web"]["taskDefinition"] = pipeline.aws.revisions["web"][0][
        "taskDefinitionArn"
    ]
    pipeline.aws.revisions["web"][1]["status"] = "INACTIVE"

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.running("prod", "web")["revision"] == 3


def test_a_service_that_still_runs_an_inactive_revision_is_moved(pipeline: Pipeline) -> None:
    web(pipeline.aws)
    pipeline.aws.revisions["web"][0]["status"] = "INACTIVE"

    pipeline.push("app", "prod", NEW)

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{NEW}"]


def test_a_dry_run_decides_and_says_everything_and_writes_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAGALONG_DRY_RUN", "true")
    web(pipeline.aws)

    pipeline.push("app", "prod", NEW)

    assert len(pipeline.aws.revisions["web"]) == 1
    assert pipeline.aws.calls["UpdateService"] == 0
    [line] = [line for line in lines(capsys) if line.get("decision")]
    assert line["message"] == "web would be updated (dry run): c0 to app:prod"
    assert line["decision"] == "would-update"


def test_a_decision_says_which_event_which_service_why_and_from_what_to_what(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    web(pipeline.aws)
    event = pipeline.aws.push("app", "prod", NEW)
    pipeline.deliver(event)
    pipeline.work()

    [line] = [line for line in lines(capsys) if line.get("decision")]
    assert {name: line[name] for name in line if name not in {"timestamp", "location", "xray_trace_id"}} == {
        "level": "INFO",
        "message": "web updated: c0 to app:prod",
        "service": "service_undefined",
        "version": __version__,
        "cold_start": line["cold_start"],
        "function_arn": line["function_arn"],
        "function_memory_size": 512,
        "function_name": "function",
        "function_request_id": "request",
        "event_id": event["id"],
        "trigger": "push",
        "repository": "app",
        "tag": "prod",
        "digest": NEW,
        "cluster": "prod",
        "ecs_service": "web",
        "decision": "update",
        "reason": "new-digest",
        "old_revision": "web:1",
        "new_revision": "web:2",
        "containers": [{"name": "c0", "old": f"{HOST}/app:prod", "new": f"{HOST}/app@{NEW}"}],
    }


def test_metrics_count_what_was_decided(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    web(pipeline.aws)
    pipeline.push("app", "prod", NEW)
    pipeline.tell(*pipeline.aws.complete("prod", "web"))
    pipeline.push("app", "prod", NEW)

    metrics = [line for line in lines(capsys) if "_aws" in line]
    named = {m["Name"] for line in metrics for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    of_the_finder = {"Triggers", "Jobs", "ServicesScanned", "Rechecks"}
    of_the_rollout = {"Updated", "PushToUpdate", "RolloutsCompleted", "PushToSteadyState"}
    assert named == {*of_the_finder, *of_the_rollout, "Skipped"}
    assert {line["reason"] for line in metrics if "reason" in line} == {"up-to-date"}


CANARY = "hunter2-the-canary"


@pytest.mark.parametrize("refused", [None, Refused("ClientException", f"Bad value: {CANARY}")])
def test_no_environment_value_no_secret_and_no_command_is_ever_logged(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], refused: Refused | None
) -> None:
    aws = pipeline.aws
    web(aws)
    aws.revisions["web"][0]["containerDefinitions"][0] |= {
        "environment": [{"name": "PASSWORD", "value": CANARY}],
        "secrets": [{"name": "TOKEN", "valueFrom": CANARY}],
        "command": ["--password", CANARY],
        "entryPoint": [CANARY],
    }
    if refused:
        fail(aws, "RegisterTaskDefinition", refused, times=1)
    pipeline.push("app", "prod", NEW)
    pipeline.settle(timedelta(minutes=5))

    assert aws.images("prod", "web") == [f"{HOST}/app@{NEW}"]
    said = capsys.readouterr()
    assert CANARY not in said.out + said.err


def test_what_an_invocation_has_no_time_for_the_next_one_goes_on_with(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    revision = aws.register("web", f"{HOST}/app:prod")
    for number in range(30):
        aws.serve("prod", f"web-{number}", revision)
    pipeline.deliver(aws.push("app", "prod", NEW))

    def spend(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "after"):
            pipeline.context.milliseconds -= 10_000

    aws.hook = spend
    invocations = 0
    while aws.queue:
        pipeline.context.milliseconds = 120_000
        pipeline.invoke_deployer()
        invocations += 1

    assert {image for name in range(30) for image in aws.images("prod", f"web-{name}")} == {
        f"{HOST}/app@{NEW}"
    }
    assert invocations == 3
    assert aws.calls["UpdateService"] == 30
    assert aws.calls["RegisterTaskDefinition"] == 1


def test_ecs_is_called_at_the_pace_of_its_quotas(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of 20 registrations at once and 1 a second, and half of that for each of two deployers: 12
    families take 1 at once, then 20 s for each."""
    own = boto3.Session(region_name=REGION)  # a client has its buckets for good, and the others share theirs
    own.events.register("before-send", cast("Any", pipeline.aws.answer))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", own)
    monkeypatch.setenv("TAGALONG_QUOTA_SHARE", "0.1")
    waited: list[float] = []
    monkeypatch.setattr("time.monotonic", lambda: sum(waited))
    monkeypatch.setattr("time.sleep", waited.append)
    for number in range(12):
        pipeline.aws.serve("prod", f"s{number}", pipeline.aws.register(f"f{number}", f"{HOST}/app:prod"))

    pipeline.push("app", "prod", NEW)

    assert sum(waited) == pytest.approx(235, rel=0.1)


def test_a_cluster_that_cannot_be_read_does_not_stop_the_services_of_another_and_is_said(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = pipeline.aws
    revision = aws.register("web", f"{HOST}/app:prod")
    for cluster in ("closed", "open"):
        aws.serve(cluster, "web", revision)
    pipeline.deliver(aws.push("app", "prod", NEW))

    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("DescribeServices", "before") and "closed" in aws.requests[-1][1]["cluster"]:
            raise Refused("AccessDeniedException", "no")

    aws.hook = refuse
    pipeline.work()

    assert aws.images("open", "web") == [f"{HOST}/app@{NEW}"]
    assert [line["cluster"] for line in lines(capsys) if line.get("decision") == "error"] == ["closed"]


def test_a_message_that_cannot_be_read_is_reported_and_kept(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    poison = {"MessageBody": "{}", "MessageGroupId": "poison", "MessageDeduplicationId": "poison"}
    pipeline.aws.queue.append(poison)

    pipeline.invoke_deployer()

    assert "a message could not be processed: UnreadableError" in capsys.readouterr().out
    assert [it["MessageBody"] for it in pipeline.aws.failed] == ["{}"]
