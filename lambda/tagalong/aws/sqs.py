"""SQS: the job queue, the recheck queue, and the dead letters of the jobs."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from hashlib import sha256

import boto3

from tagalong.aws import RETRY_CONFIG
from tagalong.jobs import Deferred, Job, Message, Recheck
from tagalong.model.plain import to_json

_BATCH, _BATCH_BYTES = 10, 250_000
_REASON_LENGTH = 5_000
_LONGEST_DELAY = timedelta(minutes=15)
# What SQS refuses in a body or an attribute: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/
# APIReference/API_SendMessage.html
_UNSENDABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class JobsNotSentError(Exception):
    """SQS took some jobs of a batch and refused others."""


class JobQueue:
    """The FIFO queue between finder and deployer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=RETRY_CONFIG)

    def send(self, messages: Iterable[Message]) -> None:
        """All of them or an error; sending them again is harmless, SQS knows the deduplication ids."""
        for batch in _batches(messages):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(index),
                        "MessageBody": body,
                        "MessageGroupId": message.group,
                        "MessageDeduplicationId": message.deduplication_id,
                    }
                    for index, (message, body) in enumerate(batch)
                ],
            )
            if failed := answer.get("Failed"):
                raise JobsNotSentError(f"SQS refused {len(failed)} jobs: {failed[0].get('Message')}")


class RecheckQueue:
    """The standard queue that only the finder reads."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=RETRY_CONFIG)

    def send(self, recheck: Recheck | Deferred, delay: timedelta) -> None:
        seconds = int(min(delay, _LONGEST_DELAY).total_seconds())
        self._client.send_message(
            QueueUrl=self._url, MessageBody=_sendable(to_json(recheck)), DelaySeconds=seconds
        )


class DeadLetterQueue:
    """The dead letters of the jobs: each says why, and can be given back to the job queue as it is."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=RETRY_CONFIG)

    def put(self, job: Job) -> None:
        reason = job.failure.reason if job.failure else ""
        self._send(to_json(job), job.group, reason)

    def put_unreadable(self, body: str, reason: str) -> None:
        self._send(body, "unreadable", reason)

    def _send(self, body: str, group: str, reason: str) -> None:
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=_sendable(body),
            MessageGroupId=group,
            MessageDeduplicationId=sha256(body.encode()).hexdigest(),
            MessageAttributes={
                "reason": {
                    "DataType": "String",
                    "StringValue": _sendable(reason)[:_REASON_LENGTH] or "unknown",
                }
            },
        )


def _sendable(text: str) -> str:
    return _UNSENDABLE.sub("\ufffd", text)


def _batches(messages: Iterable[Message]) -> Iterator[list[tuple[Message, str]]]:
    """With their bodies; what SQS takes at once."""
    batch: list[tuple[Message, str]] = []
    size = 0
    for message in messages:
        body = to_json(message)
        if batch and (len(batch) == _BATCH or size + len(body) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((message, body))
        size += len(body)
    if batch:
        yield batch
