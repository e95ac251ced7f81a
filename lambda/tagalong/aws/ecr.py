"""ECR: what a tag points at now."""

import boto3

from tagalong.aws import RETRYING, aws_errors
from tagalong.images import Repository


class Ecr:
    """Implements deploying.Registry."""

    def __init__(self) -> None:
        self._client = boto3.client("ecr", config=RETRYING)

    def digest(self, repository: Repository, tag: str) -> str | None:
        """Of an index, the index's own digest. An archived image cannot be pulled, and is not found."""
        with aws_errors("DescribeImages"):
            try:
                answer = self._client.describe_images(
                    registryId=repository.account,
                    repositoryName=repository.name,
                    imageIds=[{"imageTag": tag}],
                )
            except (
                self._client.exceptions.ImageNotFoundException,
                self._client.exceptions.InvalidParameterException,  # a label that cannot be a tag
                self._client.exceptions.RepositoryNotFoundException,
            ):
                return None
        return next((image["imageDigest"] for image in answer["imageDetails"]), None)
