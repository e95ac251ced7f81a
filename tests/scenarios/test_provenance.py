"""A commit goes from the image to the revision, the record, and to people."""

import json
from typing import Any

import pytest

from support.fake_aws import HOST, FakeAws, Refused
from support.fake_aws.events import INDEX
from support.pipeline import Pipeline, start_afresh

COMMIT, LATER = "de63889" + "0" * 33, "9ab01c2" + "0" * 33
V1, V2 = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def built_from(aws: FakeAws, digest: str, commit: str) -> None:
    annotations = {"org.opencontainers.image.revision": commit}
    aws.manifests[digest] = json.dumps({"mediaType": INDEX, "annotations": annotations})


@pytest.fixture
def web(pipeline: Pipeline) -> Pipeline:
    """Two services of one family that follow app:prod."""
    revision = pipeline.aws.register("web", f"{HOST}/app:prod")
    for name in ("web-eu", "web-us"):
        pipeline.aws.serve("prod", name, revision)
    return pipeline


def push(pipeline: Pipeline, digest: str, commit: str = "") -> None:
    if commit:
        built_from(pipeline.aws, digest, commit)
    pipeline.push("app", "prod", digest)
    pipeline.settle()


def labels(aws: FakeAws) -> dict[str, str]:
    found: dict[str, str] = aws.revisions["web"][-1]["containerDefinitions"][0]["dockerLabels"]
    return found


def test_the_new_revision_says_from_which_commit_its_image_was_built(web: Pipeline) -> None:
    push(web, V1, COMMIT)

    assert labels(web.aws) == {"tagalong.tag": "prod", "tagalong.revision": COMMIT}


def test_an_image_that_does_not_say_it_takes_the_commit_of_the_one_before_away(web: Pipeline) -> None:
    push(web, V1, COMMIT)
    push(web, V2)

    assert labels(web.aws) == {"tagalong.tag": "prod"}


def test_one_call_is_enough_for_all_that_move_to_an_image(web: Pipeline) -> None:
    push(web, V1, COMMIT)

    assert web.aws.calls["BatchGetImage"] == 1
    assert web.aws.calls["GetDownloadUrlForLayer"] == 0


def test_a_push_that_nobody_follows_reads_no_image(web: Pipeline) -> None:
    web.push("app", "branch", V1)
    web.settle()

    assert web.aws.calls["BatchGetImage"] == 0


@pytest.mark.parametrize(
    "refused", [Refused("AccessDeniedException"), Refused("ServerException", status=500)]
)
def test_an_image_that_cannot_be_read_is_deployed_without_a_commit(web: Pipeline, refused: Refused) -> None:
    def hook(action: str, phase: str) -> None:
        if (action, phase) == ("BatchGetImage", "before"):
            raise refused

    web.aws.hook = hook
    push(web, V1, COMMIT)

    assert web.aws.images("prod", "web-eu") == [f"{HOST}/app@{V1}"]
    assert labels(web.aws) == {"tagalong.tag": "prod"}


def test_what_could_not_be_read_once_is_read_for_the_next_service(web: Pipeline) -> None:
    refusals = [Refused("ServerException", status=400)]

    def hook(action: str, phase: str) -> None:
        if (action, phase) == ("BatchGetImage", "before") and refusals:
            raise refusals.pop()

    web.aws.hook = hook
    push(web, V1, COMMIT)
    web.aws.serve("prod", "late", web.aws.register("late", f"{HOST}/app:prod@{V2}"))
    push(web, V1)

    said = web.aws.revisions["late"][-1]["containerDefinitions"][0]["dockerLabels"]
    assert said["tagalong.revision"] == COMMIT


def test_a_try_that_cannot_read_it_makes_no_twin_of_the_revision_of_one_that_could(web: Pipeline) -> None:
    """The function ended between RegisterTaskDefinition and UpdateService."""
    built_from(web.aws, V1, COMMIT)
    broken: list[str] = []

    def hook(action: str, phase: str) -> None:
        if (action, phase) == ("UpdateService", "before") and not broken:
            broken.append(action)
            raise Refused("ThrottlingException")
        if (action, phase) == ("BatchGetImage", "before") and broken:
            raise Refused("AccessDeniedException")

    web.aws.hook = hook
    web.push("app", "prod", V1)
    start_afresh()
    web.settle()

    assert web.aws.images("prod", "web-eu") == [f"{HOST}/app@{V1}"]
    assert len(web.aws.revisions["web"]) == 2


def test_people_and_programs_are_told_the_commit(web: Pipeline) -> None:
    push(web, V1, COMMIT)

    said = [json.loads(body["Message"]) for action, body in web.aws.requests if action == "Publish"]
    assert any("commit de63889" in it["email"] for it in said)
    details = [_detail(body) for action, body in web.aws.requests if action == "PutEvents"]
    [change] = details[-1]["record"]["rollout"]["changes"]
    assert change["provenance"]["revision"] == COMMIT


def _detail(body: dict[str, Any]) -> Any:
    return json.loads(body["Entries"][0]["Detail"])
