"""ECR: repositories, tags, and images as they were pushed."""

import json
import re
from dataclasses import dataclass, field
from hashlib import sha256

from support.fake_aws.base import Clock, Json, Refused, page
from support.fake_aws.events import CONFIG, IMAGE, INDEX, push_event

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,299}")
_MOST_IDS = 100


@dataclass(repr=False)
class Ecr(Clock):
    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    """(repository, tag) -> digest"""
    pushed: dict[tuple[str, str], float] = field(default_factory=dict)
    """(repository, digest) -> when it was first pushed, untagged images too"""
    media_types: dict[tuple[str, str], Json] = field(default_factory=dict)
    """(repository, digest) -> imageManifestMediaType and artifactMediaType, if it has them"""
    children: dict[str, list[str]] = field(default_factory=dict)
    """index digest -> digests of its platforms"""
    manifests: dict[str, str] = field(default_factory=dict)
    """digest -> the manifest, where PutImage brought it"""
    archived: set[tuple[str, str]] = field(default_factory=set)
    """(repository, digest)"""
    describes_archived_by_id: bool = False
    """Whether the default filter (ACTIVE) lets archived images through that are asked for by imageIds:
    AWS documents both (aws-facts-2 A3)."""
    repositories: set[str] = field(default_factory=set)

    # -- what people do -----------------------------------------------------------------------------------

    def push(
        self, repository: str, tag: str, digest: str, media_type: str = IMAGE, artifact_type: str = CONFIG
    ) -> Json:
        """Move the tag ("" for none) and answer ECR's event; an index has no artifact type."""
        artifact = "" if media_type == INDEX else artifact_type
        self._put(repository, tag, digest, media_type, artifact)
        event = push_event(repository, tag, digest, self.clock, **{"manifest-media-type": media_type})
        types = {"artifact-media-type": artifact} if artifact else {}
        event["detail"] = {k: v for k, v in event["detail"].items() if k != "artifact-media-type"} | types
        return event

    def archive(self, repository: str, digest: str) -> None:
        self.tick()
        self.archived.add((repository, digest))

    def delete_image(self, repository: str, digest: str) -> None:
        """As a lifecycle policy does; with its tags."""
        self.tick()
        self.pushed.pop((repository, digest))
        self.tags = {at: d for at, d in self.tags.items() if (at[0], d) != (repository, digest)}

    def _put(self, repository: str, tag: str, digest: str, media_type: str, artifact_type: str) -> None:
        """A retag keeps `imagePushedAt`; what is pushed again is not archived any more."""
        at, image = self.tick(), (repository, digest)
        self.repositories.add(repository)
        self.pushed.setdefault(image, at)
        self.archived.discard(image)
        artifact = {"artifactMediaType": artifact_type} if artifact_type else {}
        self.media_types[image] = {"imageManifestMediaType": media_type, **artifact}
        if tag:
            self.tags[repository, tag] = digest

    # -- the API ------------------------------------------------------------------------------------------

    def _describe_images(self, body: Json) -> Json:
        repository, by_id = self._repository(body), "imageIds" in body
        if by_id and {"maxResults", "nextToken"} & body.keys():
            raise Refused("InvalidParameterException", "maxResults cannot be used with imageIds.")
        if by_id:
            _check_number(body["imageIds"])
            digests = [self._identified(repository, image) for image in body["imageIds"]]
        else:
            digests = [digest for name, digest in self.pushed if name == repository]
        details = [self._image(repository, digest) for digest in digests]
        wanted = body.get("filter", {})
        details = [it for it in details if self._passes(it, wanted, by_id=by_id)]
        return page(details, body, "imageDetails", 100, 1000)

    def _passes(self, image: Json, wanted: Json, *, by_id: bool) -> bool:
        tag_status, status = wanted.get("tagStatus", "ANY"), wanted.get("imageStatus", "ACTIVE")
        unfiltered = by_id and self.describes_archived_by_id and "imageStatus" not in wanted
        right_status = unfiltered or status in {"ANY", image["imageStatus"]}
        return right_status and tag_status in {"ANY", "TAGGED" if "imageTags" in image else "UNTAGGED"}

    def _repository(self, body: Json) -> str:
        name: str = body["repositoryName"]
        if name not in self.repositories and not any(name == repository for repository, _ in self.tags):
            raise Refused("RepositoryNotFoundException", f"The repository with name '{name}' does not exist.")
        return name

    def _identified(self, repository: str, image: Json) -> str:
        """The digest; refused where there is no such image."""
        digest = self._found(repository, image)
        if not digest:
            raise Refused("ImageNotFoundException", f"The image with imageId {image} does not exist.")
        return digest

    def _found(self, repository: str, image: Json) -> str | None:
        tag, digest = image.get("imageTag"), image.get("imageDigest")
        if tag is None and digest is None:
            raise Refused("InvalidParameterException", "An imageId needs a tag or a digest.")
        if tag is None:
            return digest if (repository, digest) in self.pushed else None
        if not _TAG.fullmatch(tag):
            raise Refused("InvalidParameterException", "The tag does not satisfy the constraint.")
        found = self.tags.get((repository, tag))
        return found if digest in {None, found} else None

    def _image(self, repository: str, digest: str) -> Json:
        image = (repository, digest)
        tags = [tag for (name, tag), found in self.tags.items() if (name, found) == image]
        return {
            "repositoryName": repository,
            "imageDigest": digest,
            "imagePushedAt": self.pushed.get(image, self.now()),
            "imageStatus": "ARCHIVED" if image in self.archived else "ACTIVE",
            **({"imageTags": tags} if tags else {}),
            **self.media_types.get(image, {}),
        }

    def _batch_get_image(self, body: Json) -> Json:
        """Archived images cannot be pulled."""
        repository = self._repository(body)
        _check_number(body["imageIds"])
        images, failures = [], []
        for image in body["imageIds"]:
            digest = self._found(repository, image)
            if digest and (repository, digest) not in self.archived:
                images.append(self._with_manifest(repository, digest))
            else:
                failures.append({"imageId": image, "failureCode": "ImageNotFound"})
        return {"images": images, "failures": failures}

    def _with_manifest(self, repository: str, digest: str) -> Json:
        children = [{"digest": child} for child in self.children.get(digest, ())]
        manifest = self.manifests.get(digest, json.dumps({"manifests": children} if children else {}))
        media_type = self.media_types.get((repository, digest), {}).get("imageManifestMediaType", IMAGE)
        return {
            "repositoryName": repository,
            "imageId": {"imageDigest": digest},
            "imageManifest": manifest,
            "imageManifestMediaType": media_type,
        }

    def _get_download_url_for_layer(self, body: Json) -> Json:
        """It has manifests, and no layer."""
        self._repository(body)
        raise Refused("LayersNotFoundException", f"The layer with digest {body['layerDigest']} is not found.")

    def _create_repository(self, body: Json) -> Json:
        self.repositories.add(body["repositoryName"])
        return {"repository": {"repositoryName": body["repositoryName"]}}

    def _put_image(self, body: Json) -> Json:
        repository, text, tag = self._repository(body), body["imageManifest"], body.get("imageTag", "")
        digest = f"sha256:{sha256(text.encode()).hexdigest()}"
        if self.tags.get((repository, tag)) == digest:
            raise Refused("ImageAlreadyExistsException", f"Image with digest {digest} already exists.")
        manifest = json.loads(text)
        media_type = body.get("imageManifestMediaType") or manifest.get("mediaType", IMAGE)
        artifact = manifest.get("artifactType") or manifest.get("config", {}).get("mediaType", "")
        self.manifests[digest] = text
        self.children[digest] = [child["digest"] for child in manifest.get("manifests", ())]
        self._put(repository, tag, digest, media_type, artifact)
        return {"image": {"imageId": {"imageDigest": digest}}}


def _check_number(image_ids: list[Json]) -> None:
    if not 1 <= len(image_ids) <= _MOST_IDS:
        raise Refused("InvalidParameterException", f"imageIds can have 1 to {_MOST_IDS} items.")
