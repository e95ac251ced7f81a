"""What a deployment finds in ECR when it starts."""

import re
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import ecr

from emulator.server.ecr_events import Manifest

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com"
    r"/(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>.+))?"
)

Json = dict[str, Any]


def container_images(task_definition: Json, tasks: int) -> tuple[list[Json], bool]:
    """The `containerImages` of a service revision, and whether one of them is broken.

    As in AWS it is the first task that resolves a tag: with none, no digest is known but a pinned one.
    """
    named = task_definition.get("containerDefinitions", [])
    found = [(container, _found(container["image"])) for container in named]
    images = [
        {"containerName": container["name"], "image": container["image"]}
        | ({"imageDigest": image["imageDigest"]} if image and (tasks or "@" in container["image"]) else {})
        for container, image in found
    ]
    return images, any(_is_broken(image) for _, image in found if image)


def _found(reference: str) -> Json | None:
    """The image as ECR has it; None if it is not there, or is of another registry."""
    if not (image := _IMAGE.fullmatch(reference)):
        return None
    wanted = {"imageDigest": image["digest"]} if image["digest"] else {"imageTag": image["tag"] or "latest"}
    with request_scope(image["account"], image["region"]):
        found: Json | None = ecr._find_image(image["repository"], wanted)
        return found


def _is_broken(image: Json) -> bool:
    return Manifest(image["repositoryName"], "", image["imageManifest"].encode(), "").is_broken()
