"""ECR: what tags point at now."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.aws.image_labels import labels
from tagalong.aws.rate_limit import Deadline
from tagalong.model.images import Repository, TaggedImage, by_name
from tagalong.model.provenance import Provenance
from tagalong.ports import AwsError

if TYPE_CHECKING:
    from mypy_boto3_ecr.type_defs import (
        DescribeImagesFilterTypeDef,
        ImageDetailTypeDef,
        ImageIdentifierTypeDef,
    )

_PAGE, _IDS = 1000, 100  # images of a list, and those that one call can ask for


class Ecr:
    """Implements ports.EcrApi and ports.Tags."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        """With a deadline no call is made after it: OutOfTime."""
        self._client = boto3.client("ecr", config=RETRY_CONFIG)
        if deadline:
            self._client.meta.events.register("before-send.ecr", deadline.check, unique_id="deadline")
        self._children: dict[tuple[Repository, str], set[str]] = {}
        self._origins: dict[tuple[Repository, str], Provenance] = {}

    def images(self, repository: Repository, tag: str | None) -> tuple[TaggedImage, ...]:
        """All images, once for each of their tags, or what has this tag: for an index, its own digest."""
        with aws_errors("DescribeImages"):
            try:
                return tuple(
                    image for found in self._describe(repository, tag) for image in _images(found, tag)
                )
            except (
                self._client.exceptions.ImageNotFoundException,
                self._client.exceptions.InvalidParameterException,  # a label that cannot be a tag
                self._client.exceptions.RepositoryNotFoundException,
            ):
                return ()

    def contains(self, repository: Repository, index: str, digest: str) -> bool:
        if (repository, index) not in self._children:  # what an index holds never changes
            manifests = self.manifest(repository, index).get("manifests", ())
            self._children[repository, index] = {it["digest"] for it in manifests}
        return digest in self._children[repository, index]

    def provenance(self, repository: Repository, digest: str) -> Provenance:
        """What an image says never changes, so it is asked once; where AWS does not answer, once a batch."""
        if (repository, digest) not in self._origins:
            with suppress(AwsError):
                self._origins[repository, digest] = Provenance.of(labels(self, repository, digest))
        return self._origins.get((repository, digest), Provenance())

    def manifest(self, repository: Repository, digest: str) -> Mapping[str, Any]:
        """Of an image or an index; nothing where it is gone."""
        with aws_errors("BatchGetImage"):
            answer = self._client.batch_get_image(
                registryId=repository.account,
                repositoryName=repository.name,
                imageIds=[{"imageDigest": digest}],
            )
        return next((json.loads(it["imageManifest"]) for it in answer["images"]), {})

    def url(self, repository: Repository, blob: str) -> str:
        """Where a layer or a configuration can be read for a while."""
        with aws_errors("GetDownloadUrlForLayer"):
            answer = self._client.get_download_url_for_layer(
                registryId=repository.account, repositoryName=repository.name, layerDigest=blob
            )
        return answer["downloadUrl"]

    def has(self, repository: Repository, digest: str) -> bool:
        ids: list[ImageIdentifierTypeDef] = [{"imageDigest": digest}]
        with aws_errors("DescribeImages"):
            try:
                answer = self._client.describe_images(
                    registryId=repository.account, repositoryName=repository.name, imageIds=ids
                )
            except (
                self._client.exceptions.ImageNotFoundException,
                self._client.exceptions.RepositoryNotFoundException,
            ):
                return False
        return any(it.get("imageStatus", "ACTIVE") == "ACTIVE" for it in answer["imageDetails"])

    def lookup(
        self, repository: Repository, tags: Collection[str], digests: Collection[str]
    ) -> dict[str, TaggedImage]:
        """ECR refuses a whole call for one image that it lacks: then all that have a tag are listed."""
        by_tag: list[ImageIdentifierTypeDef] = [{"imageTag": it} for it in sorted(tags)]
        by_digest: list[ImageIdentifierTypeDef] = [{"imageDigest": it} for it in sorted(digests)]
        ids = by_tag + by_digest
        found: dict[str, TaggedImage] = {}
        with aws_errors("DescribeImages"):
            try:
                for first in range(0, len(ids), _IDS):
                    answer = self._client.describe_images(
                        registryId=repository.account,
                        repositoryName=repository.name,
                        imageIds=ids[first : first + _IDS],
                    )
                    found |= _by_name(answer["imageDetails"])
            except (
                self._client.exceptions.ImageNotFoundException,
                self._client.exceptions.InvalidParameterException,
            ):
                found = _by_name(self._list(repository, {"tagStatus": "TAGGED"}))
            except self._client.exceptions.RepositoryNotFoundException:
                return {}
        return found

    def _list(
        self, repository: Repository, wanted: "DescribeImagesFilterTypeDef"
    ) -> "Iterator[ImageDetailTypeDef]":
        pages = self._client.get_paginator("describe_images").paginate(
            registryId=repository.account,
            repositoryName=repository.name,
            filter=wanted,
            PaginationConfig={"PageSize": _PAGE},
        )
        for page in pages:
            yield from page["imageDetails"]

    def _describe(self, repository: Repository, tag: str | None) -> "Iterator[ImageDetailTypeDef]":
        registry, name = repository.account, repository.name
        if tag:
            ids: list[ImageIdentifierTypeDef] = [{"imageTag": tag}]
            answer = self._client.describe_images(registryId=registry, repositoryName=name, imageIds=ids)
            yield from answer["imageDetails"]
            return
        yield from self._list(repository, {})


def _by_name(found: "Iterable[ImageDetailTypeDef]") -> dict[str, TaggedImage]:
    return by_name(image for detail in found for image in _images(detail, None))


def _images(found: "ImageDetailTypeDef", wanted: str | None) -> Iterator[TaggedImage]:
    """One for each tag, or for the tag that was asked for; none for an image that ECS could not pull."""
    if found.get("imageStatus", "ACTIVE") != "ACTIVE":
        return
    told = found.get("artifactMediaType"), found.get("imageManifestMediaType")
    media_types = tuple(filter(None, told))
    pushed_at = found["imagePushedAt"].timestamp()
    for tag in [wanted] if wanted else found.get("imageTags") or [""]:
        yield TaggedImage(tag, found["imageDigest"], pushed_at, media_types)
