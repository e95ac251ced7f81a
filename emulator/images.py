"""A real multi-arch image, pushed as docker and buildx push one: blobs, children, then the tagged index."""

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from botocore import awsrequest as requests
from botocore.httpsession import URLLib3Session

from emulator.embedded import EmbeddedAws, EmbeddedAwsError
from emulator.server.ecr_events import BROKEN

_OCI = "application/vnd.oci.image"
_INDEX, _MANIFEST, _CONFIG = f"{_OCI}.index.v1+json", f"{_OCI}.manifest.v1+json", f"{_OCI}.config.v1+json"
_LAYER, _PROVENANCE = f"{_OCI}.layer.v1.tar+gzip", "application/vnd.in-toto+json"

Json = dict[str, Any]
_http = URLLib3Session()  # no proxy of the environment: this AWS is on the loopback interface


def push_image(aws: EmbeddedAws, repository: str, tag: str, content: str, *, broken: bool = False) -> str:
    """Push an index of two platforms with an attestation; the digest follows from the arguments alone.

    A deployment to an image that is broken fails.
    """
    base = f"{aws.endpoint}/v2/{repository}"
    platforms = {arch: {"os": "linux", "architecture": arch} for arch in ("amd64", "arm64")}
    labels = {"config": {"Labels": {"org.opencontainers.image.revision": commit(content)}}}
    children = [
        _put_manifest(base, platform | labels, _LAYER, f"{content} for {arch}") | {"platform": platform}
        for arch, platform in platforms.items()
    ]
    unknown = {"os": "unknown", "architecture": "unknown"}
    attestation = _put_manifest(base, unknown, _PROVENANCE, f"how {content} was built") | {
        "platform": unknown,
        "annotations": {"vnd.docker.reference.type": "attestation-manifest"},
    }
    index: Json = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*children, attestation]}
    if broken:
        index["annotations"] = {BROKEN: "true"}
    return str(_put(f"{base}/manifests/{tag}", _INDEX, json.dumps(index).encode())["digest"])


def commit(content: str) -> str:
    """That an image of this content says it was built from."""
    return hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()


def _put_manifest(base: str, config: Json, layer_type: str, layer: str) -> Json:
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _put_blob(base, _CONFIG, json.dumps(config).encode()),
        "layers": [_put_blob(base, layer_type, layer.encode())],
    }
    body = json.dumps(manifest).encode()
    return _put(f"{base}/manifests/{_digest(body)}", _MANIFEST, body)


def _put_blob(base: str, media_type: str, body: bytes) -> Json:
    path = _send("POST", f"{base}/blobs/uploads/", {}).headers["Location"]
    host = base.partition("/v2/")[0]
    return _put(f"{host}{path}?digest={_digest(body)}", media_type, body)


def _put(url: str, media_type: str, body: bytes) -> Json:
    """Upload, and answer the descriptor of what was uploaded."""
    _send("PUT", url, {"Content-Type": media_type}, body)
    return {"mediaType": media_type, "digest": _digest(body), "size": len(body)}


def _send(method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> requests.AWSResponse:
    response = _http.send(requests.AWSRequest(method, url, headers, body).prepare())
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        raise EmbeddedAwsError(f"{method} {url} was answered with {response.status_code}: {response.text}")
    return response


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
