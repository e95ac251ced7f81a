"""What a tag points at."""

import json
from hashlib import sha256

import boto3
import pytest

from fakes.aws import REGION
from tagalong.aws.ecr import Ecr
from tagalong.images import Repository

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def app(account: str) -> Repository:
    """A repository, with an index of one child that is tagged `prod`."""
    boto3.client("ecr").create_repository(repositoryName="app")
    put(index("first"), _INDEX, "prod")
    return Repository(account, REGION, "app")


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

    assert Ecr().digest(app, "staging") == digest


def test_a_tag_that_moves_there_and_back_points_at_what_it_was_moved_to_last(app: Repository) -> None:
    first = Ecr().digest(app, "prod")
    second = put(index("second"), _INDEX, "prod")
    assert Ecr().digest(app, "prod") == second

    put(index("first"), _INDEX, "prod")

    assert Ecr().digest(app, "prod") == first != second


@pytest.mark.parametrize("tag", ["gone", "no tag at all!", "x" * 400])
def test_a_tag_that_ecr_does_not_have_or_could_not_have_points_at_nothing(app: Repository, tag: str) -> None:
    assert Ecr().digest(app, tag) is None


def test_in_a_repository_that_does_not_exist_every_tag_points_at_nothing(account: str) -> None:
    assert Ecr().digest(Repository(account, REGION, "gone"), "prod") is None
