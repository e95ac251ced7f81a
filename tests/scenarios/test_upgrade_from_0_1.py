"""Records of version 0.1 are read once: an upgrade adopts nothing anew, nor deploys what had failed."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from support.fake_aws import ACCOUNT, HOST, REGION, FakeAws, Json
from support.pipeline import Pipeline

OLD, BAD, GOOD, NEW = ("sha256:" + letter * 64 for letter in "0bcd")
ENDS = ["failed", "rolling-back", "rolled-back"]
ARN = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
HOUR = timedelta(hours=1)


# -- what version 0.1 wrote -----------------------------------------------------------------------------


def rollout(aws: FakeAws, status: str, digests: Mapping[str, str], *, at: datetime, **fields: Any) -> Json:
    """As `rollouts.Rollout.to_json` of 0.1; `digests`: what moved, by repository: c0 and c1 in this order."""
    service = aws.services["prod", "web"]
    containers = {name: f"c{number}" for number, name in enumerate(("app", "proxy"))}
    moved = {containers[name]: {"digest": digest, "at": at.isoformat()} for name, digest in digests.items()}
    return {
        "service": service["serviceArn"],
        "cluster": service["clusterArn"],
        "name": "web",
        "started_at": at.isoformat(),
        "old_revision": f"{ARN}:task-definition/web:1",
        "new_revision": f"{ARN}:task-definition/web:2",
        "changes": [
            {
                "container": containers[name],
                "repository": {"account": ACCOUNT, "region": REGION, "name": name},
                "tag": "prod",
                "old_image": f"{HOST}/{name}:prod@{OLD}",
                "new_image": f"{HOST}/{name}@{digest}",
            }
            for name, digest in digests.items()
        ],
        "cause": {
            "event_id": "event-0.1",
            "time": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "repository": {"account": ACCOUNT, "region": REGION, "name": "app"},
            "tag": "prod",
            "digest": BAD,
        },
        "deployed": moved,
        "deployment": service["deployments"][0]["id"],
        "rollback": "",
        "status": status,
        "before": "started",
        "reason": "ECS deployment circuit breaker: task failed to start.",
        "ended_at": "" if status == "started" else (at + timedelta(minutes=5)).isoformat(),
        **fields,
    }


def put(aws: FakeAws, service: str, item: str, record: Json | str) -> None:
    text = record if isinstance(record, str) else json.dumps(record)
    values = {"subject": {"S": service}, "item": {"S": item}, "record": {"S": text}}
    aws._put_item({"TableName": "records", "Item": values})


def keep(aws: FakeAws, *rollouts: Json) -> None:
    for it in rollouts:
        put(aws, it["service"], it["started_at"], it)


def reject(aws: FakeAws, digest: str, at: datetime, reason: str = "rollout-failed") -> None:
    sentence = f"the rollout of prod ({digest[7:15]}) failed"
    record = {"digest": digest, "at": at.isoformat(), "reason": reason, "sentence": sentence}
    put(aws, aws.services["prod", "web"]["serviceArn"], f"rejected {digest}", record)


# -- the service ----------------------------------------------------------------------------------------


@pytest.fixture
def pipeline(pipeline: Pipeline) -> Pipeline:
    """With a service whose images version 0.1 has deployed."""
    serve(pipeline.aws, OLD, OLD)
    return pipeline


def serve(aws: FakeAws, app: str, proxy: str) -> None:
    aws.push("app", "prod", app)
    aws.push("proxy", "prod", proxy)
    images = (f"{HOST}/app:prod@{app}", f"{HOST}/proxy:prod@{proxy}")
    aws.serve("prod", "web", aws.register("web", *images))


def runs(aws: FakeAws) -> list[str]:
    return [image.rpartition("@")[2] for image in aws.images("prod", "web")]


def sweep(pipeline: Pipeline, times: int = 3) -> None:
    for _ in range(times):
        pipeline.sweep()
        pipeline.aws.advance(HOUR)


def why(pipeline: Pipeline) -> str:
    record = pipeline.record("prod", "web")
    assert record
    assert record.decision
    return record.decision.reason


def failed_before_the_upgrade(aws: FakeAws, status: str = "rolled-back", **digests: str) -> None:
    """ECS has rolled the rollout back; the tags still point at what failed."""
    at = aws.clock - 2 * HOUR
    keep(
        aws,
        rollout(aws, status, digests, at=at, rollback=aws.services["prod", "web"]["deployments"][0]["id"]),
    )
    for repository, digest in digests.items():
        reject(aws, digest, at)
        aws.push(repository, "prod", digest)


# -- nothing is adopted anew ----------------------------------------------------------------------------


def test_a_digest_whose_event_was_lost_during_the_upgrade_is_deployed_by_the_first_sweep(
    pipeline: Pipeline,
) -> None:
    keep(pipeline.aws, rollout(pipeline.aws, "completed", {"app": OLD}, at=pipeline.aws.clock - HOUR))
    pipeline.aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(pipeline.aws) == [GOOD, OLD]


def test_a_container_that_version_0_1_never_moved_is_adopted(pipeline: Pipeline) -> None:
    keep(pipeline.aws, rollout(pipeline.aws, "completed", {"app": OLD}, at=pipeline.aws.clock - HOUR))
    pipeline.aws.push("proxy", "prod", NEW)

    sweep(pipeline)

    assert runs(pipeline.aws) == [OLD, OLD]
    assert why(pipeline) == "adopted"


def test_a_push_after_the_upgrade_is_deployed(pipeline: Pipeline) -> None:
    keep(pipeline.aws, rollout(pipeline.aws, "completed", {"app": OLD}, at=pipeline.aws.clock - HOUR))

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


def test_a_service_that_is_up_to_date_stays_so(pipeline: Pipeline) -> None:
    keep(pipeline.aws, rollout(pipeline.aws, "completed", {"app": OLD}, at=pipeline.aws.clock - HOUR))

    sweep(pipeline)

    assert (runs(pipeline.aws), why(pipeline)) == ([OLD, OLD], "up-to-date")
    assert not pipeline.aws.published


def test_records_of_version_0_1_are_read_once_and_left_where_they_are(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    failed_before_the_upgrade(aws, app=BAD)
    before = {key: item for key, item in aws.table.items() if key[0].startswith("arn:")}
    pipeline.sweep()
    aws.queried.clear()

    sweep(pipeline)
    pipeline.push("app", "prod", GOOD)

    assert not [subject for subject in aws.queried if subject.startswith("arn:")]
    assert {key: item for key, item in aws.table.items() if key in before} == before


# -- what had failed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ENDS)
def test_what_had_failed_before_the_upgrade_is_not_deployed_by_sweep_nor_push(
    pipeline: Pipeline, status: str
) -> None:
    failed_before_the_upgrade(pipeline.aws, status, app=BAD)

    sweep(pipeline)
    pipeline.push("app", "prod", BAD)

    assert runs(pipeline.aws) == [OLD, OLD]
    assert why(pipeline) in {"rolled-back", "deployment-failed"}


@pytest.mark.parametrize("status", ENDS)
def test_the_next_digest_is_deployed_after_what_had_failed(pipeline: Pipeline, status: str) -> None:
    failed_before_the_upgrade(pipeline.aws, status, app=BAD)

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, OLD]


def test_what_had_failed_together_is_held_together(pipeline: Pipeline) -> None:
    failed_before_the_upgrade(pipeline.aws, app=BAD, proxy=NEW)
    sweep(pipeline)
    assert runs(pipeline.aws) == [OLD, OLD]

    pipeline.push("app", "prod", GOOD)

    assert runs(pipeline.aws) == [GOOD, NEW]


def test_a_retry_after_the_upgrade_deploys_what_had_failed(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    failed_before_the_upgrade(aws, app=BAD)
    sweep(pipeline)

    tags = [{"key": "tagalong:retry", "value": aws.clock.isoformat()}]
    aws._tag_resource({"resourceArn": aws.services["prod", "web"]["serviceArn"], "tags": tags})
    pipeline.sweep()

    assert runs(aws) == [BAD, OLD]


def failed_long_ago(aws: FakeAws) -> None:
    """BAD failed; since then GOOD was deployed and completed."""
    at = aws.clock - timedelta(days=3)
    serve(aws, GOOD, OLD)
    keep(
        aws,
        rollout(aws, "rolled-back", {"app": BAD}, at=at),
        rollout(aws, "completed", {"app": GOOD}, at=at + timedelta(days=1)),
    )
    reject(aws, BAD, at)


@pytest.mark.parametrize("forgotten", [False, True])
def test_what_had_failed_before_the_last_rollout_is_not_deployed_when_its_tag_comes_back(
    pipeline: Pipeline, forgotten: bool
) -> None:
    aws = pipeline.aws
    failed_long_ago(aws)
    if forgotten:  # rollouts that were replaced had an expiry, rejections had none
        [first, *_] = sorted(key for key in aws.table if key[1].startswith("20"))
        aws._delete_item({"Key": {"subject": {"S": first[0]}, "item": {"S": first[1]}}})

    pipeline.push("app", "prod", BAD)
    sweep(pipeline)

    assert runs(aws) == [GOOD, OLD]


def test_a_higher_version_that_had_failed_is_not_deployed_by_a_sweep(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    aws.push("app", "1.4.1", GOOD)
    aws.push("app", "1.5.0", BAD)
    tags = [{"key": "tagalong:rule", "value": "semver:1.x"}]
    aws.serve("prod", "web", aws.register("web", f"{HOST}/app:1.4.1@{GOOD}"), tags=tags)
    at = aws.clock - timedelta(days=3)
    keep(aws, rollout(aws, "completed", {"app": GOOD}, at=at + HOUR))
    reject(aws, BAD, at)

    sweep(pipeline)

    assert runs(aws) == [GOOD]


def test_a_record_is_found_behind_very_many_rejections(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    for number in range(120):
        reject(aws, f"sha256:{number:064d}", aws.clock - 3 * HOUR)
    keep(aws, rollout(aws, "completed", {"app": OLD}, at=aws.clock - HOUR))
    aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(aws) == [GOOD, OLD]


def test_what_a_person_had_replaced_is_not_deployed_by_a_sweep(pipeline: Pipeline) -> None:
    """GOOD was completed, a person went back to OLD, and version 0.1 noted it."""
    aws = pipeline.aws
    at = aws.clock - 3 * HOUR
    keep(aws, rollout(aws, "completed", {"app": GOOD}, at=at))
    reject(aws, GOOD, at + HOUR, reason="rolled-back")
    aws.push("app", "prod", GOOD)

    sweep(pipeline)
    assert runs(aws) == [OLD, OLD]

    pipeline.push("app", "prod", NEW)
    assert runs(aws) == [NEW, OLD]


# -- during a rollout -----------------------------------------------------------------------------------


def upgraded_during_a_rollout(pipeline: Pipeline, digest: str, status: str = "started") -> FakeAws:
    aws = pipeline.aws
    aws.push("app", "prod", digest)
    images = (f"{HOST}/app@{digest}", f"{HOST}/proxy:prod@{OLD}")
    revision = aws.register("web", *images)
    aws.revisions["web"][-1]["containerDefinitions"][0]["dockerLabels"] = {"tagalong.tag": "prod"}
    at = aws.clock
    aws.deploy(aws.services["prod", "web"], revision)
    keep(aws, rollout(aws, status, {"app": digest}, at=at, new_revision=revision, ended_at=""))
    return aws


@pytest.mark.parametrize("looked", [True, False])
def test_a_rollout_that_fails_after_the_upgrade_is_not_begun_again(pipeline: Pipeline, looked: bool) -> None:
    aws = upgraded_during_a_rollout(pipeline, BAD)
    if looked:
        pipeline.sweep()
    pipeline.tell(*aws.fail("prod", "web"), *aws.complete_rollback("prod", "web"))

    sweep(pipeline)

    assert runs(aws) == [OLD, OLD]
    assert not aws.calls["UpdateService"]


def test_a_rollout_that_completes_after_the_upgrade_is_up_to_date(pipeline: Pipeline) -> None:
    aws = upgraded_during_a_rollout(pipeline, GOOD)
    pipeline.sweep()
    pipeline.tell(*aws.complete("prod", "web"))

    sweep(pipeline)

    assert (runs(aws), why(pipeline)) == ([GOOD, OLD], "up-to-date")


def test_a_rollout_that_was_being_rolled_back_at_the_upgrade_is_not_begun_again(pipeline: Pipeline) -> None:
    aws = upgraded_during_a_rollout(pipeline, BAD, "rolling-back")
    aws.fail("prod", "web")
    pipeline.sweep()
    pipeline.tell(*aws.complete_rollback("prod", "web"))

    sweep(pipeline)

    assert runs(aws) == [OLD, OLD]
    pipeline.push("app", "prod", GOOD)
    assert runs(aws) == [GOOD, OLD]


# -- not of this service, or not to be read -------------------------------------------------------------


def test_records_of_a_service_that_was_made_again_since_count_for_nothing(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    failed_before_the_upgrade(aws, app=BAD)
    aws.delete_service("prod", "web")
    aws.create_service(
        "prod", "web", aws.register("web", f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}")
    )
    aws.complete("prod", "web")

    pipeline.push("app", "prod", BAD)

    assert runs(aws) == [BAD, OLD]


def test_a_record_of_another_cluster_under_the_same_short_arn_counts_for_nothing(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    for cluster in ("prod", "test"):
        revision = aws.register(cluster, f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}")
        aws.serve(cluster, "web", revision, short_arn=True)
    failed_before_the_upgrade(aws, app=BAD)

    pipeline.push("app", "prod", BAD)

    assert runs(aws) == [OLD, OLD]
    assert aws.images("test", "web")[0] == f"{HOST}/app@{BAD}"


BROKEN: list[Json | str] = [
    "not JSON",
    "null",
    {},
    {"started_at": "yesterday"},
    {"started_at": 1, "deployed": []},
]


@pytest.mark.parametrize("record", BROKEN, ids=map(str, range(len(BROKEN))))
def test_a_record_of_version_0_1_that_cannot_be_read_counts_as_none(
    pipeline: Pipeline, record: Json | str
) -> None:
    aws = pipeline.aws
    put(aws, aws.services["prod", "web"]["serviceArn"], "2026-11-26T08:00:00+00:00", record)
    aws.serve("prod", "api", aws.register("api", f"{HOST}/app:prod@{OLD}"))

    pipeline.push("app", "prod", GOOD)

    assert runs(aws) == [GOOD, OLD]
    assert aws.images("prod", "api") == [f"{HOST}/app@{GOOD}"]
    assert not aws.failed


def test_a_record_of_version_0_1_that_cannot_be_read_is_reported_for_its_service(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = pipeline.aws
    put(aws, aws.services["prod", "web"]["serviceArn"], "2026-11-26T08:00:00+00:00", "not JSON")

    pipeline.sweep()

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [
        line["message"] for line in lines if line.get("level") == "ERROR" and "prod/web" in line["message"]
    ]


def test_one_rejection_that_cannot_be_read_loses_no_other(pipeline: Pipeline) -> None:
    aws = pipeline.aws
    failed_before_the_upgrade(aws, app=BAD)
    put(aws, aws.services["prod", "web"]["serviceArn"], f"rejected {NEW}", "not JSON")

    sweep(pipeline)

    assert runs(aws) == [OLD, OLD]
    assert why(pipeline) != "adopted"


def test_what_was_only_intended_before_the_upgrade_is_deployed(pipeline: Pipeline) -> None:
    """Version 0.1 crashed between writing its intent and UpdateService."""
    aws = pipeline.aws
    keep(aws, rollout(aws, "completed", {"app": OLD}, at=aws.clock - HOUR))
    intent = rollout(aws, "starting", {"app": GOOD}, at=aws.clock)
    put(aws, intent["service"], "intent", intent)
    aws.push("app", "prod", GOOD)

    pipeline.sweep()

    assert runs(aws) == [GOOD, OLD]
