"""Images of the fake, as ECR describes them."""

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from support.fake_aws import FakeAws
from support.fake_aws.events import INDEX

OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


@pytest.fixture
def ecr(aws: FakeAws) -> Any:
    aws.push("app", "prod", OLD)
    return boto3.client("ecr")


def describe(ecr: Any, *images: dict[str, str], **parameters: Any) -> list[Any]:
    more = {"imageIds": list(images)} if images else {}
    return list(ecr.describe_images(repositoryName="app", **more, **parameters)["imageDetails"])


def test_a_retag_does_not_change_when_an_image_was_pushed(aws: FakeAws, ecr: Any) -> None:
    [before] = describe(ecr, {"imageTag": "prod"})
    aws.advance(timedelta(days=1))

    aws.push("app", "v1", OLD)

    [after] = describe(ecr, {"imageTag": "v1"})
    assert after["imagePushedAt"] == before["imagePushedAt"]
    assert after["imageTags"] == ["prod", "v1"]


def test_an_index_has_no_artifact_type_neither_in_its_event_nor_described(aws: FakeAws, ecr: Any) -> None:
    event = aws.push("app", "prod", NEW, media_type=INDEX)

    [detail] = describe(ecr, {"imageDigest": NEW})

    assert detail["imageManifestMediaType"] == event["detail"]["manifest-media-type"] == INDEX
    assert "artifactMediaType" not in detail
    assert "artifact-media-type" not in event["detail"]


def test_several_images_are_described_in_one_call_of_at_most_a_hundred(aws: FakeAws, ecr: Any) -> None:
    aws.push("app", "v2", NEW)

    found = describe(ecr, {"imageTag": "v2"}, {"imageDigest": OLD})

    assert [it["imageDigest"] for it in found] == [NEW, OLD]
    with pytest.raises(ClientError, match="InvalidParameterException"):
        describe(ecr, *[{"imageTag": "prod"}] * 101)
    with pytest.raises(ClientError, match="InvalidParameterException"):
        describe(ecr, {"imageTag": "prod"}, maxResults=1)


def test_a_tag_that_names_another_digest_is_not_found(aws: FakeAws, ecr: Any) -> None:
    aws.push("app", "v2", NEW)

    with pytest.raises(ClientError, match="ImageNotFoundException"):
        describe(ecr, {"imageTag": "v2", "imageDigest": OLD})


@pytest.mark.parametrize("by_id", [True, False])
def test_an_archived_image_is_described_by_tag_or_not(aws: FakeAws, ecr: Any, by_id: bool) -> None:
    aws.describes_archived_by_id = by_id
    aws.archive("app", OLD)

    assert [it["imageStatus"] for it in describe(ecr, {"imageTag": "prod"})] == ["ARCHIVED"] * by_id
    assert describe(ecr) == []
    assert [it["imageStatus"] for it in describe(ecr, filter={"imageStatus": "ANY"})] == ["ARCHIVED"]
    assert describe(ecr, {"imageTag": "prod"}, filter={"imageStatus": "ACTIVE"}) == []


def test_a_push_makes_an_archived_image_active_again(aws: FakeAws, ecr: Any) -> None:
    aws.archive("app", OLD)

    aws.push("app", "prod", OLD)

    assert describe(ecr, {"imageTag": "prod"})[0]["imageStatus"] == "ACTIVE"


def test_an_image_that_is_deleted_takes_its_tags_along(aws: FakeAws, ecr: Any) -> None:
    aws.delete_image("app", OLD)

    with pytest.raises(ClientError, match="ImageNotFoundException"):
        describe(ecr, {"imageTag": "prod"})
    assert describe(ecr) == []


def test_several_manifests_are_read_in_one_call_and_what_is_missing_is_named(aws: FakeAws, ecr: Any) -> None:
    aws.push("app", "v2", NEW, media_type=INDEX)
    aws.children[NEW] = [OLD]
    wanted = [{"imageDigest": NEW}, {"imageTag": "prod"}, {"imageTag": "gone"}]

    answer = ecr.batch_get_image(repositoryName="app", imageIds=wanted)

    assert [it["imageId"]["imageDigest"] for it in answer["images"]] == [NEW, OLD]
    assert json.loads(answer["images"][0]["imageManifest"])["manifests"] == [{"digest": OLD}]
    assert answer["failures"] == [{"imageId": {"imageTag": "gone"}, "failureCode": "ImageNotFound"}]


def test_the_same_manifest_under_the_same_tag_is_refused(aws: FakeAws, ecr: Any) -> None:
    put = {"repositoryName": "app", "imageTag": "v3", "imageManifest": "{}"}
    ecr.put_image(**put)

    with pytest.raises(ClientError, match="ImageAlreadyExistsException"):
        ecr.put_image(**put)
    ecr.put_image(**put | {"imageTag": "v4"})
