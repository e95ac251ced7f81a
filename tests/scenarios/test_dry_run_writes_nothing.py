"""A dry run decides and says everything, and makes no call that writes."""

import json
from datetime import timedelta
from typing import Any

import pytest

from support.fake_aws import HOST, FakeAws
from support.pipeline import Pipeline, start_afresh

OLD, BAD, GOOD = ("sha256:" + letter * 64 for letter in "0bc")
READS = ("Get", "BatchGet", "Describe", "List", "Query")
# Jobs are queued, and the finder keeps what it knows of revisions: neither is of a service.
ITS_OWN = {"SendMessageBatch", "SendMessage", "BatchWriteItem"}


@pytest.fixture
def pipeline(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """With every outlet that a configuration can ask for."""
    monkeypatch.setenv("TAGALONG_DRY_RUN", "true")
    monkeypatch.setenv("TAGALONG_PUBLISH_PARAMETERS", "true")
    start_afresh()
    pipeline.aws.push("app", "prod", OLD)
    pipeline.aws.serve("prod", "web", pipeline.aws.register("web", f"{HOST}/app:prod@{OLD}"))
    return pipeline


def writes(aws: FakeAws) -> set[str]:
    """But for the queues and the finder's own index, which is a cache."""
    made = {action for action, body in aws.requests if not _is_cached(action, body)}
    return {action for action in made if not action.startswith(READS)} - ITS_OWN


def _is_cached(action: str, body: dict[str, Any]) -> bool:
    if action == "TransactWriteItems":
        changes = [change for it in body["TransactItems"] for change in it.items()]
        return all(_is_cached(f"{kind}Item", change) for kind, change in changes)
    subject = (body.get("Item") or body.get("Key") or {}).get("subject", {}).get("S", "")
    return action in {"PutItem", "DeleteItem"} and subject.startswith(("fleet", "repository/"))


def remembered(aws: FakeAws) -> dict[tuple[str, str], Any]:
    """Of services."""
    return {key: item for key, item in aws.table.items() if key[0].startswith("service/")}


def decisions(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = map(json.loads, capsys.readouterr().out.splitlines())
    return [line for line in lines if "decision" in line]


def test_a_push_in_a_dry_run_says_what_would_be_updated_and_writes_nothing(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline.push("app", "prod", GOOD)

    [line] = decisions(capsys)
    assert (line["decision"], line["new_revision"]) == ("would-update", "")
    assert writes(pipeline.aws) == set()
    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app:prod@{OLD}"]


def test_a_sweep_in_a_dry_run_writes_no_parameter(pipeline: Pipeline) -> None:
    pipeline.sweep()

    assert writes(pipeline.aws) == set()
    assert not pipeline.aws.parameters


def test_no_parameter_is_even_read_in_a_dry_run(pipeline: Pipeline) -> None:
    pipeline.sweep()

    assert not pipeline.aws.calls["GetParameters"], "its role has no such grant"


@pytest.mark.parametrize("what", ["deployment", "failure", "stuck", "hold", "unreadable", "deleted"])
def test_whatever_happens_in_a_dry_run_nothing_is_written(pipeline: Pipeline, what: str) -> None:
    aws = pipeline.aws
    service = aws.services["prod", "web"]
    pipeline.push("app", "prod", GOOD)
    match what:
        case "deployment":
            aws.deploy(service, service["taskDefinition"])
            pipeline.tell(*aws.complete("prod", "web"))
        case "failure":
            aws.deploy(service, aws.register("web", f"{HOST}/app@{BAD}"))
            pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))
        case "stuck":
            aws.deploy(service, aws.register("web", f"{HOST}/app:prod@{BAD}"))
            aws.advance(timedelta(hours=1))
        case "hold":
            aws._tag_resource(
                {"resourceArn": service["serviceArn"], "tags": [{"key": "tagalong:hold", "value": "true"}]}
            )
        case "unreadable":
            key = ("service/prod/web", "record")
            aws.table[key] = {"subject": {"S": key[0]}, "item": {"S": key[1]}, "record": {"S": "?"}}
        case "deleted":
            aws.delete_service("prod", "web")

    pipeline.sweep()
    pipeline.push("app", "prod", BAD)
    pipeline.wait(timedelta(hours=2))

    assert writes(aws) == set()
    assert not aws.parameters
    assert not aws.published
    assert not aws.events


def test_a_dry_run_on_records_of_a_real_one_writes_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws = pipeline.aws
    monkeypatch.setenv("TAGALONG_DRY_RUN", "false")
    start_afresh()
    pipeline.push("app", "prod", BAD)
    monkeypatch.setenv("TAGALONG_DRY_RUN", "true")
    start_afresh()
    aws.requests.clear()
    before = remembered(aws), dict(aws.parameters), len(aws.published), len(aws.events)

    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))
    pipeline.sweep()
    pipeline.push("app", "prod", GOOD)

    assert writes(aws) == set()
    assert (remembered(aws), dict(aws.parameters), len(aws.published), len(aws.events)) == before


def test_a_push_after_the_dry_run_is_deployed(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.push("app", "prod", BAD)
    monkeypatch.setenv("TAGALONG_DRY_RUN", "false")
    start_afresh()

    pipeline.push("app", "prod", GOOD)

    assert pipeline.aws.images("prod", "web") == [f"{HOST}/app@{GOOD}"]
