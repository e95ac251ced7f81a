"""The annotations of an image or an index, and the labels of its configuration.

An index is asked first: then one call is enough. An image for several platforms says the same for each.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Protocol

import urllib3

from tagalong.model.images import Repository
from tagalong.ports import AwsError

_ENOUGH = "org.opencontainers.image.revision"
_LARGEST = 2**20  # bytes of a configuration
_TIMEOUT = urllib3.Timeout(connect=2, read=3)  # seconds: a rollout does not wait long for it


class Registry(Protocol):
    def manifest(self, repository: Repository, digest: str, /) -> Mapping[str, Any]: ...

    def url(self, repository: Repository, blob: str, /) -> str: ...


def labels(registry: Registry, repository: Repository, digest: str) -> dict[str, Any]:
    """As far as they are well formed. Raises AwsError where AWS does not answer."""
    found: dict[str, Any] = {}
    with suppress(ValueError, TypeError, AttributeError, KeyError):
        manifest = registry.manifest(repository, digest)
        found |= manifest.get("annotations") or {}
        if _ENOUGH not in found and (child := _runs(manifest)):
            manifest = registry.manifest(repository, child)
            found = (manifest.get("annotations") or {}) | found
        if _ENOUGH not in found and (config := manifest.get("config")):
            found = _of_config(registry.url(repository, config["digest"])) | found
    return found


def _runs(manifest: Mapping[str, Any]) -> str | None:
    """The first image of an index, if it is one; attestations have no platform."""
    children = manifest.get("manifests", ())
    platforms = ((it["digest"], it.get("platform", {}).get("os")) for it in children)
    return next((digest for digest, system in platforms if system != "unknown"), None)


def _of_config(url: str) -> dict[str, Any]:
    try:
        with _http().request("GET", url, timeout=_TIMEOUT, retries=False, preload_content=False) as answer:
            text = answer.read(_LARGEST)
    except urllib3.exceptions.HTTPError as error:
        raise AwsError(f"the configuration of an image: {type(error).__name__}") from None
    return json.loads(text).get("config", {}).get("Labels") or {}


@cache
def _http() -> urllib3.PoolManager:
    return urllib3.PoolManager()
