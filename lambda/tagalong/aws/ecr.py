"""ECR: what tags point at now."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.aws import RETRYING, aws_errors
from tagalong.model.images import Repository, TaggedImage

if TYPE_CHECKING:
    from mypy_boto3_ecr.type_defs import ImageDetailTypeDef, ImageIdentifierTypeDef

_PAGE = 1000

_log = Logger(child=True)


class Ecr:
    """Implements ports.Registry and ports.Tags."""

    def __init__(self) -> None:
        self._client = boto3.client("ecr", config=RETRYING)

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
        with aws_errors("BatchGetImage"):
            answer = self._client.batch_get_image(
                registryId=repository.account,
                repositoryName=repository.name,
                imageIds=[{"imageDigest": index}],
            )
        manifests = [json.loads(image["imageManifest"]).get("manifests", ()) for image in answer["images"]]
        return any(child["digest"] == digest for children in manifests for child in children)

    def tagged(self, repository: Repository) -> frozenset[str] | None:
        pages = self._client.get_paginator("describe_images").paginate(
            registryId=repository.account,
            repositoryName=repository.name,
            filter={"tagStatus": "TAGGED"},
            PaginationConfig={"PageSize": _PAGE},
        )
        try:
            found = [image for page in pages for image in page["imageDetails"]]
            return frozenset(image["imageDigest"] for image in found if image.get("imageTags"))
        except self._client.exceptions.RepositoryNotFoundException:
            return frozenset()
        except (BotoCoreError, ClientError) as error:
            _log.warning(f"nobody knows which images of '{repository.name}' have a tag: {error}")
            return None

    def _describe(self, repository: Repository, tag: str | None) -> "Iterator[ImageDetailTypeDef]":
        registry, name = repository.account, repository.name
        if tag:
            ids: list[ImageIdentifierTypeDef] = [{"imageTag": tag}]
            answer = self._client.describe_images(registryId=registry, repositoryName=name, imageIds=ids)
            yield from answer["imageDetails"]
            return
        pages = self._client.get_paginator("describe_images").paginate(
            registryId=registry, repositoryName=name, PaginationConfig={"PageSize": _PAGE}
        )
        for page in pages:
            yield from page["imageDetails"]


def _images(found: "ImageDetailTypeDef", wanted: str | None) -> Iterator[TaggedImage]:
    """One for each tag, or for the tag that was asked for; none for an image that ECS could not pull."""
    if found.get("imageStatus", "ACTIVE") != "ACTIVE":
        return
    told = found.get("artifactMediaType"), found.get("imageManifestMediaType")
    media_types = tuple(filter(None, told))
    pushed_at = found["imagePushedAt"].timestamp()
    for tag in [wanted] if wanted else found.get("imageTags") or [""]:
        yield TaggedImage(tag, found["imageDigest"], pushed_at, media_types)
