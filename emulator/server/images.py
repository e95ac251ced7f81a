"""What DescribeImages says of an image: its media types as they were pushed, its status, and what is missing.

MiniStack takes the manifest's media type for that of the artifact, and leaves out what it does not find.
"""

import json
from http import HTTPStatus
from typing import Any

from ministack.core.responses import error_response_json, get_account_id, get_region, json_response
from ministack.services import ecr

from emulator.server.ecr_events import Manifest

Json = dict[str, Any]
_MOST_IDS = 100


def tell_where_layers_are(endpoint: str) -> None:
    """MiniStack names a host of AWS."""

    def answer(request: Json) -> Any:
        name, digest = request["repositoryName"], request["layerDigest"]
        if digest not in ecr._layer_blobs.get(name, {}):
            sentence = f"The layer with digest {digest} does not exist."
            return error_response_json("LayersNotFoundException", sentence, 400)
        registry = f"{get_account_id()}.dkr.ecr.{get_region()}.amazonaws.com"
        url = f"{endpoint}/v2/{name}/blobs/{digest}?ns={registry}"
        return json_response({"downloadUrl": url, "layerDigest": digest})

    ecr._get_download_url_for_layer = answer


def describe_images_as_aws_does() -> None:
    describe = ecr._describe_images

    def answer(request: Json) -> Any:
        return _refusal(request) or _described(request, describe(request))

    ecr._describe_images = answer


def _refusal(request: Json) -> Any:
    """None if ECR would answer."""
    wanted = request.get("imageIds", [])
    if len(wanted) > _MOST_IDS:
        return error_response_json(
            "InvalidParameterException", f"imageIds can have 1 to {_MOST_IDS} items.", 400
        )
    if wanted and {"maxResults", "nextToken"} & request.keys():
        sentence = "maxResults cannot be used with imageIds."
        return error_response_json("InvalidParameterException", sentence, 400)
    known = request["repositoryName"] in ecr._repositories  # else MiniStack refuses
    missing = [image for image in wanted if known and not ecr._find_image(request["repositoryName"], image)]
    if missing:
        sentence = f"The image with imageId {missing[0]} does not exist."
        return error_response_json("ImageNotFoundException", sentence, 400)
    return None


def _described(request: Json, answer: Any) -> Any:
    status, _, body = answer
    if status != HTTPStatus.OK:
        return answer
    images = [_as_pushed(request["repositoryName"], it) for it in json.loads(body)["imageDetails"]]
    tagged = request.get("filter", {}).get("tagStatus", "ANY")
    fitting = [it for it in images if tagged in {"ANY", "TAGGED" if "imageTags" in it else "UNTAGGED"}]
    return json_response({"imageDetails": fitting})


def _as_pushed(repository: str, detail: Json) -> Json:
    image = ecr._find_image(repository, {"imageDigest": detail["imageDigest"]})
    pushed = Manifest(repository, "", image["imageManifest"].encode(), "").push()
    types = {
        "imageManifestMediaType": pushed.get("manifest-media-type", image["imageManifestMediaType"]),
        "artifactMediaType": pushed.get("artifact-media-type"),
        "imageTags": detail["imageTags"] or None,
        "imageStatus": "ACTIVE",
    }
    return {name: value for name, value in (detail | types).items() if value is not None}
