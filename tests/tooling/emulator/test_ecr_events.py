"""Which event a write of a manifest sets off."""

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.server.ecr_events import PUT_IMAGE, Request, image_action

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
IMAGE = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"mediaType": CONFIG}, "layers": []}

repositories = st.from_regex(r"[a-z0-9]+([._/-][a-z0-9]+)*", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
contents = st.dictionaries(st.text(), st.text()).map(lambda annotations: IMAGE | {"annotations": annotations})


def docker_push(
    repository: str = "team/app", reference: str = "prod", manifest: Any = IMAGE, content_type: str = MANIFEST
) -> Request:
    path = f"/v2/{repository}/manifests/{reference}"
    return Request("PUT", path, content_type=content_type, body=json.dumps(manifest).encode())


def put_image(manifest: Any = IMAGE, **parameters: str) -> Request:
    call = {"repositoryName": "team/app", "imageManifest": json.dumps(manifest)} | parameters
    return Request("POST", "/", target=PUT_IMAGE, body=json.dumps(call).encode())


def test_a_push_has_the_documented_shape() -> None:
    event = image_action(docker_push().written().push(), "123456789012", "eu-central-1")
    assert event.pop("id") != image_action({}, "123456789012", "eu-central-1")["id"]
    assert len(event.pop("time")) == len("2023-05-08T15:13:09Z")
    assert event == {
        "version": "0",
        "detail-type": "ECR Image Action",
        "source": "aws.ecr",
        "account": "123456789012",
        "region": "eu-central-1",
        "resources": [],
        "detail": {
            "result": "SUCCESS",
            "repository-name": "team/app",
            "image-digest": f"sha256:{sha256(json.dumps(IMAGE).encode()).hexdigest()}",
            "action-type": "PUSH",
            "image-tag": "prod",
            "manifest-media-type": MANIFEST,
            "artifact-media-type": CONFIG,
        },
    }


@given(repositories, tags, contents)
def test_the_registry_protocol_and_the_api_set_off_the_same_event(
    repository: str, tag: str, content: dict[str, Any]
) -> None:
    pushed = docker_push(repository, tag, content)
    put = put_image(content, repositoryName=repository, imageTag=tag, imageManifestMediaType=MANIFEST)
    assert pushed.written().push() == put.written().push()


@given(contents)
def test_the_digest_is_that_of_the_bytes_that_were_written(content: dict[str, Any]) -> None:
    pretty = json.dumps(content, indent=3)
    request = Request("PUT", "/v2/app/manifests/prod", body=pretty.encode())
    assert request.written().push()["image-digest"] == f"sha256:{sha256(pretty.encode()).hexdigest()}"


@pytest.mark.parametrize(
    "request_", [docker_push(reference=f"sha256:{'0' * 64}"), put_image()], ids=["by digest", "without a tag"]
)
def test_a_push_without_a_tag_says_so_with_an_empty_one(request_: Request) -> None:
    assert request_.written().push()["image-tag"] == ""


def test_an_index_has_no_artifact_type() -> None:
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
    detail = docker_push(manifest=index, content_type=INDEX).written().push()
    assert detail["manifest-media-type"] == INDEX
    assert "artifact-media-type" not in detail


def test_the_type_of_an_artifact_is_its_own_rather_than_that_of_its_config() -> None:
    sbom = IMAGE | {
        "artifactType": "text/spdx+json",
        "config": {"mediaType": "application/vnd.oci.empty.v1+json"},
    }
    assert docker_push(manifest=sbom).written().push()["artifact-media-type"] == "text/spdx+json"


def test_the_media_type_that_the_call_leaves_out_is_read_from_the_manifest() -> None:
    assert put_image(imageTag="prod").written().push()["manifest-media-type"] == MANIFEST


@pytest.mark.parametrize("content", [b"", b"no manifest", b"\xff", b"[]"])
def test_what_is_no_manifest_is_pushed_without_types(content: bytes) -> None:
    detail = Request("PUT", "/v2/app/manifests/prod", body=content).written().push()
    assert "artifact-media-type" not in detail
    assert detail["image-digest"] == f"sha256:{sha256(content).hexdigest()}"


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/v2/team/app/manifests/prod"),
        Request("PUT", "/v2/team/app/blobs/uploads/1"),
        Request("PUT", "/bucket/v2/manifests"),
        Request("POST", "/", target="AmazonEC2ContainerRegistry_V20150921.BatchGetImage"),
    ],
    ids=lambda request: f"{request.method} {request.path} {request.target}".strip(),
)
def test_nothing_else_writes_a_manifest(request_: Request) -> None:
    assert not request_.may_write_a_manifest()
