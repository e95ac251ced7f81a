"""ECR: what tags point at now."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.aws import RETRY_CONFIG, aws_errors
from tagalong.model.images import Repository, TaggedImage

if TYPE_CHECKING:
    from mypy_boto3_ecr.type_defs import ImageDetailTypeDef, ImageIdentifierTypeDef

_PAGE = 1000

_log = Logger(child=True)


class Ecr:
    """Implements ports.EcrApi and ports.Tags."""

    def __init__(self) -> None:
        self._client = boto3.client("ecr", config=RETRY_CONFIG)
        self._children: dict[tuple[Repository, str], set[str]] = {}

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
            with aws_errors("BatchGetImage"):
                answer = self._client.batch_get_image(
                    registryId=repository.account,
                    repositoryName=repository.name,
                    imageIds=[{"imageDigest": index}],
                )
            manifests = (json.loads(it["imageManifest"]).get("manifests", ()) for it in answer["images"])
            self._children[repository, index] = {it["digest"] for children in manifests for it in children}
        return digest in self._children[repository, index]

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

    def tagged_digests(self, repository: Repository) -> frozenset[str] | None:
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
            _log.warning(f"could not list tagged images in '{repository.name}': {error}")
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
