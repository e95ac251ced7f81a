"""The fake and the embedded AWS deploy as ECS does: each test holds both to it (aws-facts-2 B1 to B4)."""

from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from support.fake_aws import Json
from support.stages import ROLLS_BACK, STOPS, Stage, Web


@pytest.fixture(
    params=[
        pytest.param("fake_stage", id="fake"),
        pytest.param(
            "embedded_stage",
            id="embedded",
            marks=(pytest.mark.embedded, pytest.mark.xdist_group("held")),
        ),
    ]
)
def stage(request: pytest.FixtureRequest) -> Stage:
    """With images `good`, and `bad`, whose tasks crash."""
    found: Stage = request.getfixturevalue(request.param)
    found.push("good", "good")
    found.push("bad", "bad", broken=True)
    return found


def served(stage: Stage, breaker: Json | None = None) -> Web:
    """Its first deployment has been completed."""
    web = Web(stage, breaker=breaker)
    web.step()
    return web


def number(arn_or_id: str) -> str:
    return arn_or_id.rpartition("/")[2]


def said(events: list[Json]) -> list[tuple[str, str, str]]:
    details = [event["detail"] for event in events]
    return [
        (it["eventName"].removeprefix("SERVICE_DEPLOYMENT_"), it["deploymentId"], it["reason"])
        for it in details
    ]


def test_a_deployment_is_under_way_until_its_tasks_run(stage: Stage) -> None:
    web = Web(stage)
    first = web.now()["deployments"][0]
    under_way = web.history()[0]
    counts = [first["desiredCount"], first["runningCount"], first["pendingCount"], first["failedTasks"]]
    assert (first["status"], first["rolloutState"], counts) == ("PRIMARY", "IN_PROGRESS", [1, 0, 1, 0])
    assert web.now()["currentServiceDeployment"] == under_way["serviceDeploymentArn"]
    assert (under_way["status"], under_way["lifecycleStage"]) == ("IN_PROGRESS", "SCALE_UP")
    assert "finishedAt" not in under_way

    web.step()

    assert web.deployments() == [(first["id"], "PRIMARY", "COMPLETED")]
    assert (web.now()["runningCount"], web.now()["pendingCount"]) == (1, 0)
    assert "currentServiceDeployment" not in web.now()
    [ended] = web.history()
    assert (ended["status"], ended["finishedAt"] >= ended["createdAt"]) == ("SUCCESSFUL", True)
    assert not stage.step(web.now())
    assert said(stage.events(2)) == [
        ("IN_PROGRESS", first["id"], f"ECS deployment {first['id']} in progress."),
        ("COMPLETED", first["id"], f"ECS deployment {first['id']} completed."),
    ]


def test_an_event_names_service_and_cluster(stage: Stage) -> None:
    web = Web(stage)

    [event] = stage.events(1)

    assert (event["source"], event["detail-type"]) == ("aws.ecs", "ECS Deployment State Change")
    assert event["resources"] == [web.arn]
    assert event["detail"]["clusterArn"] == web.now()["clusterArn"]
    assert event["detail"]["eventType"] == "INFO"


def test_a_deployment_has_the_number_of_its_service_revision_and_its_service_deployment_another(
    stage: Stage,
) -> None:
    web = served(stage)
    id_ = web.deploy("good")["id"]

    [newest, _] = web.listed()

    assert len(number(id_)) == 19
    assert number(newest["targetServiceRevisionArn"]) == number(id_)
    assert len(number(newest["serviceDeploymentArn"])) == 21
    revisions = [number(it["arn"]) for it in web.now()["currentServiceRevisions"]]
    assert revisions == [number(it["id"]) for it in web.now()["deployments"]]


def test_a_rollback_goes_onto_the_last_completed_deployment_under_its_old_id_over_any_number_of_others(
    stage: Stage,
) -> None:
    web = served(stage, ROLLS_BACK)
    good, revision = web.now()["deployments"][0]["id"], web.now()["taskDefinition"]
    unfinished, bad = web.deploy("good")["id"], web.deploy("bad")["id"]
    stage.events(4)

    web.step()

    assert web.deployments() == [
        (good, "PRIMARY", "IN_PROGRESS"),
        (bad, "ACTIVE", "FAILED"),
        (unfinished, "ACTIVE", "IN_PROGRESS"),
    ]
    assert web.now()["taskDefinition"] == revision
    assert web.now()["deployments"][0]["runningCount"] == 1, "its tasks had never stopped"
    rolling_back = f"ECS deployment circuit breaker: rolling back to deploymentId {good}."
    assert web.now()["deployments"][0]["rolloutStateReason"] == rolling_back

    web.step()

    assert web.deployments() == [(good, "PRIMARY", "COMPLETED")]
    assert said(stage.events(3)) == [
        ("FAILED", bad, "ECS deployment circuit breaker: task failed to start."),
        ("IN_PROGRESS", good, rolling_back),
        ("COMPLETED", good, f"ECS deployment {good} completed."),
    ]


def test_a_rollback_makes_neither_a_service_deployment_nor_a_service_revision(stage: Stage) -> None:
    web = served(stage, ROLLS_BACK)
    target = web.now()["currentServiceRevisions"][0]["arn"]
    web.deploy("bad")
    why = "Service deployment rolled back because the circuit breaker threshold was exceeded."

    web.step()

    [bad, good] = web.history()
    assert (bad["status"], bad["statusReason"]) == ("ROLLBACK_IN_PROGRESS", why)
    assert (bad["rollback"]["reason"], bad["rollback"]["serviceRevisionArn"]) == (why, target)
    assert bad["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert web.now()["currentServiceDeployment"] == bad["serviceDeploymentArn"]

    web.step()

    [bad, good] = web.history()
    assert (bad["status"], good["status"]) == ("ROLLBACK_SUCCESSFUL", "SUCCESSFUL")
    assert bad["finishedAt"] > bad["rollback"]["startedAt"] > bad["startedAt"]
    assert bad["targetServiceRevision"]["arn"] != target
    assert [it["arn"] for it in web.now()["currentServiceRevisions"]] == [target]


def test_without_a_rollback_a_failed_deployment_stays_until_the_next(stage: Stage) -> None:
    web = served(stage, STOPS)
    good, bad = web.now()["deployments"][0]["id"], web.deploy("bad")["id"]

    web.step()

    assert web.deployments() == [(bad, "PRIMARY", "FAILED"), (good, "ACTIVE", "COMPLETED")]
    [failed, _] = web.history()
    assert (failed["status"], failed["deploymentCircuitBreaker"]["status"]) == ("STOPPED", "TRIGGERED")
    assert not stage.step(web.now())

    fixed = web.deploy("good")["id"]
    assert web.deployments()[1] == (bad, "ACTIVE", "FAILED")
    web.step()
    assert web.deployments() == [(fixed, "PRIMARY", "COMPLETED")]


def test_a_first_deployment_that_fails_has_nothing_to_go_back_to(stage: Stage) -> None:
    web = Web(stage, tag="bad", breaker=ROLLS_BACK)
    first = web.now()["deployments"][0]["id"]

    web.step()

    assert web.deployments() == [(first, "PRIMARY", "FAILED")]
    [failed] = web.history()
    assert failed["status"] == "STOPPED"
    assert failed["statusReason"] == "No rollback candidate was found to run the rollback."


def test_what_a_newer_deployment_replaces_is_stopped_after_that_was_created(stage: Stage) -> None:
    web = served(stage)
    web.deploy("good")
    web.deploy("good")

    [newer, replaced, _] = web.history()

    assert (newer["status"], replaced["status"]) == ("IN_PROGRESS", "STOPPED")
    assert replaced["finishedAt"] >= newer["createdAt"]
    assert replaced["deploymentCircuitBreaker"]["status"] == "DISABLED"


def test_without_a_circuit_breaker_tasks_crash_for_ever(stage: Stage) -> None:
    web = served(stage)
    good, bad = web.now()["deployments"][0]["id"], web.deploy("bad")["id"]
    web.step()

    assert not stage.step(web.now())
    assert web.deployments() == [(bad, "PRIMARY", "IN_PROGRESS"), (good, "ACTIVE", "COMPLETED")]
    assert web.now()["deployments"][0]["failedTasks"] > 0


def test_a_crashing_deployment_is_completed_at_no_task_and_still_crashes_when_it_is_scaled_up(
    stage: Stage,
) -> None:
    web = served(stage)
    bad = web.deploy("bad")["id"]
    web.step()

    web.update(desiredCount=0)
    assert web.deployments() == [(bad, "PRIMARY", "COMPLETED")]
    assert web.history()[0]["status"] == "SUCCESSFUL"

    web.update(desiredCount=2)
    assert web.deployments() == [(bad, "PRIMARY", "COMPLETED")]
    assert (web.now()["desiredCount"], web.now()["runningCount"], web.now()["pendingCount"]) == (2, 0, 2)


def test_scaling_keeps_the_deployment(stage: Stage) -> None:
    web = served(stage)
    before = web.deployments()

    web.update(desiredCount=3)

    assert web.deployments() == before
    assert (web.now()["runningCount"], len(web.listed())) == (3, 1)


def test_only_a_forced_deployment_of_the_same_revision_starts_and_it_looks_tags_up_anew(stage: Stage) -> None:
    web = served(stage)
    same, before = web.now()["taskDefinition"], web.deployments()
    moved = stage.push("good", "good, version 2")
    web.update(taskDefinition=same)
    assert web.deployments() == before

    id_ = web.update(forceNewDeployment=True)["id"]

    assert [it[0] for it in web.deployments()] == [id_, before[0][0]]
    old, new = (web.revision(it["targetServiceRevisionArn"]) for it in reversed(web.listed()))
    assert old["taskDefinition"] == new["taskDefinition"] == same
    assert old["containerImages"][0]["imageDigest"] != moved
    assert new["containerImages"] == [
        {"containerName": "web", "image": f"{stage.host}/shop:good", "imageDigest": moved}
    ]


def test_no_task_looks_no_tag_up(stage: Stage) -> None:
    web = Web(stage, desired=0)

    [revision] = web.now()["currentServiceRevisions"]

    assert web.revision(revision["arn"])["containerImages"] == [
        {"containerName": "web", "image": f"{stage.host}/shop:good"}
    ]


def test_a_person_asks_for_a_rollback_which_then_happens(stage: Stage) -> None:
    web = served(stage)
    good, bad = web.now()["deployments"][0]["id"], web.deploy("bad")["id"]
    arn = web.listed()[0]["serviceDeploymentArn"]
    stage.events(3)

    web.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")

    assert web.listed()[0]["status"] == "ROLLBACK_REQUESTED"
    assert web.deployments() == [(bad, "PRIMARY", "IN_PROGRESS"), (good, "ACTIVE", "COMPLETED")]
    web.step()
    assert web.listed()[0]["status"] == "ROLLBACK_IN_PROGRESS"
    assert web.deployments() == [(good, "PRIMARY", "IN_PROGRESS"), (bad, "ACTIVE", "FAILED")]
    web.step()
    assert web.listed()[0]["status"] == "ROLLBACK_SUCCESSFUL"
    assert [it[:2] for it in said(stage.events(1))] == [("COMPLETED", good)]
    with pytest.raises(ClientError, match="ConflictException"):
        web.ecs.stop_service_deployment(serviceDeploymentArn=arn)


def test_a_person_stops_a_deployment_for_good(stage: Stage) -> None:
    web = served(stage)
    bad = web.deploy("bad")["id"]
    arn = web.listed()[0]["serviceDeploymentArn"]

    web.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ABORT")
    web.step()

    [stopped, _] = web.history()
    assert (stopped["status"], "rollback" in stopped) == ("STOPPED", False)
    assert stopped["stoppedAt"] == stopped["finishedAt"]
    assert web.deployments()[0] == (bad, "PRIMARY", "FAILED")


def test_five_deployments_are_under_way_at_most(stage: Stage) -> None:
    web = served(stage)
    for _ in range(5):
        web.deploy("good")

    with pytest.raises(ClientError, match="5 active deployments exist, unable to create new deployment"):
        web.update(forceNewDeployment=True)

    web.update(desiredCount=2)
    web.step()
    web.deploy("good")


def test_failures_without_rollback_lock_no_service_and_are_gone_after_the_next(stage: Stage) -> None:
    web = served(stage, STOPS)
    for _ in range(6):
        web.deploy("bad")
        web.step()

    web.deploy("good")

    assert [it[1:] for it in web.deployments()] == [
        ("PRIMARY", "IN_PROGRESS"),
        ("ACTIVE", "FAILED"),
        ("ACTIVE", "COMPLETED"),
    ]


def test_service_deployments_are_listed_newest_first_in_pages(stage: Stage) -> None:
    web = served(stage)
    ids = [number(web.deploy("good")["id"]) for _ in range(3)]

    first = web.ecs.list_service_deployments(cluster="prod", service=web.arn, maxResults=2)
    rest = web.listed(nextToken=first["nextToken"], maxResults=100)

    listed = [*first["serviceDeployments"], *rest]
    assert [number(it["targetServiceRevisionArn"]) for it in listed[:3]] == ids[::-1]
    assert len(listed) == 4
    for wrong in (0, 101):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            web.listed(maxResults=wrong)


def test_a_list_of_service_deployments_can_be_narrowed_down(stage: Stage) -> None:
    web = served(stage)
    web.deploy("good")
    [newer, older] = web.listed()

    assert web.listed(status=["SUCCESSFUL"]) == [older]
    assert web.listed(createdAt={"after": newer["createdAt"]}) == [newer]
    assert web.listed(createdAt={"before": older["createdAt"]}) == [older]
    assert web.listed(createdAt={"after": newer["createdAt"] - timedelta(days=89)}) == [newer, older]


@pytest.mark.parametrize("bound", ["after", "before"])
def test_a_time_older_than_three_months_is_refused(stage: Stage, bound: str) -> None:
    web = served(stage)
    long_ago = web.now()["createdAt"] - timedelta(days=100)

    with pytest.raises(ClientError, match="InvalidParameterException"):
        web.listed(createdAt={bound: long_ago})


def test_what_is_not_there_is_missing(stage: Stage) -> None:
    web = served(stage)
    [record] = web.listed()
    gone, none = record["serviceDeploymentArn"] + "0", record["targetServiceRevisionArn"] + "0"

    deployments = web.ecs.describe_service_deployments(serviceDeploymentArns=[gone])
    revisions = web.ecs.describe_service_revisions(serviceRevisionArns=[none])

    assert deployments["failures"] == [{"arn": gone, "reason": "MISSING"}]
    assert revisions["failures"] == [{"arn": none, "reason": "MISSING"}]
    with pytest.raises(ClientError, match="ServiceNotFoundException"):
        web.ecs.list_service_deployments(cluster="prod", service="gone")
    with pytest.raises(ClientError, match="ServiceDeploymentNotFoundException"):
        web.ecs.stop_service_deployment(serviceDeploymentArn=gone)


def test_a_service_that_is_made_again_under_its_name_has_no_past(stage: Stage) -> None:
    web = served(stage)
    before, [old] = web.now(), web.listed()

    web.ecs.delete_service(cluster="prod", service="web", force=True)
    assert web.now()["status"] == "INACTIVE"
    assert web.ecs.list_services(cluster="prod")["serviceArns"] == []
    assert web.ecs.describe_service_deployments(serviceDeploymentArns=[old["serviceDeploymentArn"]])[
        "failures"
    ]

    again = Web(stage)
    assert again.arn == web.arn
    assert again.now()["createdAt"] > before["createdAt"]
    [only] = again.listed()
    assert only["serviceDeploymentArn"] != old["serviceDeploymentArn"]


def test_a_service_is_tagged_and_untagged(stage: Stage) -> None:
    web = Web(stage)
    asked = {"cluster": "prod", "services": ["web"], "include": ["TAGS"]}

    web.ecs.tag_resource(resourceArn=web.arn, tags=[{"key": "tagalong:hold", "value": "true"}])
    assert web.ecs.describe_services(**asked)["services"][0]["tags"] == [
        {"key": "tagalong:hold", "value": "true"}
    ]

    web.ecs.untag_resource(resourceArn=web.arn, tagKeys=["tagalong:hold"])
    assert web.ecs.describe_services(**asked)["services"][0].get("tags", []) == []


INDEX, IMAGE = (f"application/vnd.oci.image.{kind}.v1+json" for kind in ("index", "manifest"))
CACHE = "application/vnd.buildkit.cacheconfig.v0"


@pytest.mark.parametrize(
    ("manifest", "types"),
    [
        ({"mediaType": INDEX, "manifests": []}, (INDEX, None)),
        ({"mediaType": IMAGE, "config": {"mediaType": CACHE}}, (IMAGE, CACHE)),
        (
            {"mediaType": IMAGE, "artifactType": "text/sbom+json", "config": {"mediaType": CACHE}},
            (IMAGE, "text/sbom+json"),
        ),
    ],
    ids=["an index", "a cache", "an artifact"],
)
def test_an_image_is_described_with_the_media_types_that_were_pushed(
    stage: Stage, manifest: Json, types: tuple[str, str | None]
) -> None:
    digest = stage.push("v1", "one", **manifest)

    for image in ({"imageTag": "v1"}, {"imageDigest": digest}):
        answer = boto3.client("ecr").describe_images(repositoryName="shop", imageIds=[image])  # type: ignore[list-item]  # a plain dict
        [detail] = answer["imageDetails"]
        assert (detail["imageManifestMediaType"], detail.get("artifactMediaType")) == types
        assert (detail["imageDigest"], detail["imageTags"], detail["imageStatus"]) == (
            digest,
            ["v1"],
            "ACTIVE",
        )


def test_one_image_that_is_not_there_refuses_the_whole_call(stage: Stage) -> None:
    with pytest.raises(ClientError, match="ImageNotFoundException"):
        boto3.client("ecr").describe_images(
            repositoryName="shop", imageIds=[{"imageTag": "good"}, {"imageTag": "gone"}]
        )
