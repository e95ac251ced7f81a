"""What is known of revisions, kept where every finder finds it: a revision never changes.

It is a cache. Empty, stale, out of reach or lost, it changes nothing but the time that a push takes.
"""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.aws import RETRY_CONFIG
from tagalong.model.images import ImageReference
from tagalong.model.revisions import Container

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, WriteRequestTypeDef

_READ, _WRITE = 100, 25  # items in one BatchGetItem, BatchWriteItem
_SECONDS = 90 * 24 * 3600
_ITEM: "AttributeValueTypeDef" = {"S": "containers"}

_log = Logger(child=True)

Containers = tuple[Container, ...]


class RevisionCache:
    """In the table, under the ARN of a revision: its containers with an image in a private ECR repository."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._client = boto3.client("dynamodb", config=RETRY_CONFIG)

    def get(self, revisions: Iterable[str]) -> dict[str, Containers]:
        """Those that are known; what DynamoDB does not answer counts as unknown."""
        try:
            return dict(item for some in _batches(revisions, _READ) for item in self._get(some))
        except (BotoCoreError, ClientError) as error:
            _log.warning(f"known revisions cannot be read, so each is read from ECS: {error}")
            return {}

    def put(self, known: Mapping[str, Containers]) -> None:
        expires = str(int(time.time()) + _SECONDS)
        try:
            for some in _batches(known, _WRITE):
                writes = [_write(revision, known[revision], expires) for revision in some]
                self._client.batch_write_item(RequestItems={self._table: writes})
        except (BotoCoreError, ClientError) as error:
            _log.warning(f"known revisions cannot be kept, so each is read from ECS again: {error}")

    def _get(self, revisions: list[str]) -> Iterator[tuple[str, Containers]]:
        keys = [{"subject": {"S": revision}, "item": _ITEM} for revision in revisions]
        answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys}})
        for item in answer["Responses"][self._table]:
            yield item["subject"]["S"], tuple(_containers(item["record"]["S"]))


def _write(revision: str, containers: Containers, expires: str) -> "WriteRequestTypeDef":
    text = json.dumps([(c.name, c.image.text, dict(c.labels)) for c in containers])
    record = {"subject": {"S": revision}, "item": _ITEM, "record": {"S": text}, "expires": {"N": expires}}
    return {"PutRequest": {"Item": record}}


def _containers(text: str) -> Iterator[Container]:
    for name, image, labels in json.loads(text):
        if reference := ImageReference.parse(image):
            yield Container(name, reference, labels)


def _batches(items: Iterable[str], size: int) -> Iterator[list[str]]:
    waiting = iter(items)
    while batch := list(islice(waiting, size)):
        yield batch
