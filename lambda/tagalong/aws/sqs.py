"""SQS: the job queue, and the one of the jobs that were given up."""

from collections.abc import Iterable, Iterator, Mapping

import boto3
from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.aws import RETRYING
from tagalong.jobs import Message

_BATCH, _BATCH_BYTES = 10, 250_000
_REASON_LENGTH = 5_000

_log = Logger(child=True)


class JobsNotSentError(Exception):
    """SQS took some jobs of a batch and refused others."""


class JobQueue:
    """The FIFO queue between finder and deployer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=RETRYING)

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

    def return_after(self, delays: Mapping[str, int]) -> None:
        """Make received messages (receipt handle -> seconds) visible again sooner than the queue would.

        Where that fails, they come back all the same, later; an error would bring back the whole batch.
        """
        for receipt, seconds in delays.items():
            try:
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
                )
            except (BotoCoreError, ClientError) as error:
                _log.warning(f"a job comes back only after the queue's visibility timeout: {error}")


class FailedJobs:
    """The dead-letter queue of the jobs."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=RETRYING)

    def put(self, body: str, group: str, deduplication_id: str, reason: str) -> None:
        """The message as it was received, with the reason as its attribute `reason`."""
        self._client.send_message(
            QueueUrl=self._url,
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=deduplication_id,
            MessageAttributes={"reason": {"DataType": "String", "StringValue": reason[:_REASON_LENGTH]}},
        )


def _batches(messages: Iterable[Message]) -> Iterator[list[tuple[Message, str]]]:
    """With their bodies; what SQS takes at once."""
    batch: list[tuple[Message, str]] = []
    size = 0
    for message in messages:
        body = message.to_json()
        if batch and (len(batch) == _BATCH or size + len(body) > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((message, body))
        size += len(body)
    if batch:
        yield batch
