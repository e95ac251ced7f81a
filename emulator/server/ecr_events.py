"""The event that ECR emits when a manifest is written: documented shape, one event for each write."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from emulator.server.eventbridge import envelope

BROKEN = "tagalong.local/broken"
"""The annotation of an image with which no task can start: "true"."""
PUT_IMAGE = "AmazonEC2ContainerRegistry_V20150921.PutImage"
_MANIFEST_PATH = re.compile(r"/v2/(?P<repository>.+)/manifests/(?P<reference>[^/]+)")


@dataclass(frozen=True, slots=True)
class Request:
    """What may write a manifest: a PUT of the registry protocol, or the API call PutImage."""

    method: str
    path: str
    target: str = ""  # X-Amz-Target
    content_type: str = ""
    body: bytes = b""

    def may_write_a_manifest(self) -> bool:
        return self.target == PUT_IMAGE or self._registry_put() is not None

    def _registry_put(self) -> re.Match[str] | None:
        return _MANIFEST_PATH.fullmatch(self.path) if self.method == "PUT" else None

    def written(self) -> "Manifest":
        if put := self._registry_put():
            tag = put["reference"] if ":" not in put["reference"] else ""
            return Manifest(put["repository"], tag, self.body, self.content_type)
        call = json.loads(self.body)
        return Manifest(
            call["repositoryName"],
            call.get("imageTag", ""),
            call["imageManifest"].encode(),
            call.get("imageManifestMediaType", ""),
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest as it was written, under a tag or (no tag) by its digest alone."""

    repository: str
    tag: str
    content: bytes
    media_type: str

    def push(self) -> dict[str, Any]:
        """The `detail` of the event."""
        manifest = self._parsed()
        config = manifest.get("config", {})  # an index has none, and no artifact type
        detail = {
            "result": "SUCCESS",
            "repository-name": self.repository,
            "image-digest": f"sha256:{sha256(self.content).hexdigest()}",
            "action-type": "PUSH",
            "image-tag": self.tag,
            "manifest-media-type": self.media_type or manifest.get("mediaType"),
            "artifact-media-type": manifest.get("artifactType") or config.get("mediaType"),
        }
        return {name: value for name, value in detail.items() if value is not None}

    def is_broken(self) -> bool:
        return bool(self._parsed().get("annotations", {}).get(BROKEN) == "true")

    def _parsed(self) -> dict[str, Any]:
        """Nothing of what ECR would have refused and MiniStack takes."""
        try:
            manifest = json.loads(self.content)
        except ValueError:
            return {}
        return manifest if isinstance(manifest, dict) else {}


def image_action(detail: Mapping[str, Any], account: str, region: str) -> dict[str, Any]:
    """What EventBridge delivers."""
    action = {"detail-type": "ECR Image Action", "source": "aws.ecr", "resources": []}
    return envelope(account, region, detail=detail, **action)
