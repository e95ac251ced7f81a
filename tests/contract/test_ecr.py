"""What a tag points at."""

import json
from hashlib import sha256
from itertools import pairwise

import boto3
import pytest

from support.fake_aws import REGION, FakeAws
from tagalong.aws.ecr import Ecr
from tagalong.model.images import Repository

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def app(account: str) -> Repository:
    """A repository, with an index of one child that is tagged `prod`."""
    boto3.client("ecr").create_repository(repositoryName="app")
    put(index("first"), _INDEX, "prod")
    return Repository(account, REGION, "app")


def digest_of(repository: Repository, tag: str) -> str | None:
    images = Ecr().images(repository, tag)
    assert [image.tag for image in images] in ([], [tag]), "other tags of the image are no answer"
    return images[0].digest if images else None


def index(content: str) -> str:
    child = put(json.dumps({"schemaVersion": 2, "mediaType": _MANIFEST, "content": content}), _MANIFEST)
    return json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [{"digest": child}]})


def put(manifest: str, media_type: str, tag: str | None = None) -> str:
    tagged = {"imageTag": tag} if tag else {}
    boto3.client("ecr").put_image(
        repositoryName="app", imageManifest=manifest, imageManifestMediaType=media_type, **tagged
    )
    return f"sha256:{sha256(manifest.encode()).hexdigest()}"


def test_the_digest_of_a_tagged_index_is_its_own_and_not_that_of_a_child(app: Repository) -> None:
    digest = put(index("second"), _INDEX, "staging")

    assert digest_of(app, "staging") == digest


def test_a_tag_that_moves_there_and_back_points_at_what_it_was_moved_to_last(app: Repository) -> None:
    first = digest_of(app, "prod")
    second = put(index("second"), _INDEX, "prod")
    assert digest_of(app, "prod") == second

    put(index("first"), _INDEX, "prod")

    assert digest_of(app, "prod") == first != second


@pytest.mark.parametrize("tag", ["gone", "no tag at all!", "x" * 400], ids=["gone", "no tag", "too long"])
def test_a_tag_that_ecr_does_not_have_or_could_not_have_points_at_nothing(app: Repository, tag: str) -> None:
    assert digest_of(app, tag) is None


def test_in_a_repository_that_does_not_exist_every_tag_points_at_nothing(account: str) -> None:
    assert digest_of(Repository(account, REGION, "gone"), "prod") is None


def test_all_images_are_told_once_for_each_tag_and_children_under_none(app: Repository) -> None:
    first, second = digest_of(app, "prod"), put(index("second"), _INDEX, "staging")
    put(index("second"), _INDEX, "also-staging")

    images = Ecr().images(app, None)

    tagged = {(image.tag, image.digest) for image in images if image.tag}
    assert tagged == {("prod", first), ("staging", second), ("also-staging", second)}
    assert len([image for image in images if not image.tag]) == 2
    assert all(image.pushed_at <= later.pushed_at for image, later in pairwise(images))


def test_an_index_contains_its_children_and_no_other_digest(app: Repository) -> None:
    prod = digest_of(app, "prod")
    [child, *_] = [image.digest for image in Ecr().images(app, None) if not image.tag]

    assert prod
    assert Ecr().contains(app, prod, child)
    assert not Ecr().contains(app, prod, prod)


def test_the_digests_that_have_a_tag_are_told_apart_from_those_that_lost_it(app: Repository) -> None:
    first = digest_of(app, "prod")
    second = put(index("second"), _INDEX, "prod")

    found = Ecr().lookup(app, ["prod"], [str(first), str(second)])

    assert found["prod"].digest == second
    assert found[second].tag == "prod"
    assert first not in found or not found[first].tag
    assert Ecr().lookup(Repository(app.account, app.region, "gone"), ["prod"], [str(first)]) == {}


def test_one_image_that_is_missing_hides_no_other(app: Repository) -> None:
    prod = digest_of(app, "prod")

    found = Ecr().lookup(app, ["prod", "missing"], ["sha256:" + "e" * 64])

    assert found["prod"].digest == prod
    assert "missing" not in found


UNKNOWN = "application/vnd.unknown.config.v1+json"
D0 = "sha256:" + "0" * 64


@pytest.mark.parametrize("described", [True, False], ids=["described", "not found"])
@pytest.mark.parametrize("tag", ["prod", None])
def test_an_archived_image_is_not_found_under_both_readings_of_the_documents(
    fake_account: str, aws: FakeAws, tag: str | None, described: bool
) -> None:
    aws.push("app", "prod", D0)
    aws.archive("app", D0)
    aws.describes_archived_by_id = described

    assert Ecr().images(Repository(fake_account, REGION, "app"), tag) == ()


@pytest.mark.parametrize("tag", ["prod", None])
def test_an_image_has_the_media_types_that_ecr_tells(
    fake_account: str, aws: FakeAws, tag: str | None
) -> None:
    aws.push("app", "prod", D0, _MANIFEST, UNKNOWN)

    [image] = Ecr().images(Repository(fake_account, REGION, "app"), tag)

    assert (image.tag, image.digest, image.media_types) == ("prod", D0, (UNKNOWN, _MANIFEST))
