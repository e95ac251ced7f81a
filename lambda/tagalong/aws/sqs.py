"""SQS: the job queue."""

from collections.abc import Iterable, Mapping

import boto3

from tagalong.aws import RETRYING
from tagalong.jobs import Job

_BATCH = 10


class JobsNotSentError(Exception):
    """SQS took some jobs of a batch and refused others."""


class JobQueue:
    """The FIFO queue between finder and deployer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = boto3.client("sqs", config=RETRYING)

    def send(self, jobs: Iterable[Job]) -> None:
        """All jobs or an error; sending them again is harmless, SQS knows the deduplication ids."""
        waiting = list(jobs)
        for first in range(0, len(waiting), _BATCH):
            answer = self._client.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(index),
                        "MessageBody": job.to_json(),
                        "MessageGroupId": job.group,
                        "MessageDeduplicationId": job.deduplication_id,
                    }
                    for index, job in enumerate(waiting[first : first + _BATCH])
                ],
            )
            if failed := answer.get("Failed"):
                raise JobsNotSentError(f"SQS refused {len(failed)} jobs: {failed[0].get('Message')}")

    def return_after(self, delays: Mapping[str, int]) -> None:
        """Make received messages (receipt handle -> seconds) visible again sooner than the queue would."""
        for receipt, seconds in delays.items():
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
            )
