"""Queues of the fake: by its clock, and as strict as SQS."""

from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from support.fake_aws import FakeAws
from support.fake_aws.sqs import FAILED_RECHECKS, JOBS, RECHECKS


@pytest.fixture
def sqs(aws: FakeAws) -> Any:
    return boto3.client("sqs")


def url(name: str) -> str:
    return f"https://sqs.eu-west-1.amazonaws.com/111122223333/{name}"


def received(sqs: Any, queue: str = RECHECKS, **parameters: Any) -> list[str]:
    answer = sqs.receive_message(QueueUrl=url(queue), MaxNumberOfMessages=10, **parameters)
    return [message["Body"] for message in answer.get("Messages", [])]


def test_a_message_that_is_delayed_comes_when_its_time_has_come(aws: FakeAws, sqs: Any) -> None:
    sqs.send_message(QueueUrl=url(RECHECKS), MessageBody="now")
    sqs.send_message(QueueUrl=url(RECHECKS), MessageBody="later", DelaySeconds=900)

    assert received(sqs) == ["now"]
    aws.advance(timedelta(seconds=899))
    assert received(sqs, VisibilityTimeout=0) == ["now"]
    aws.advance(timedelta(seconds=1))
    assert received(sqs) == ["now", "later"]


@pytest.mark.parametrize("delay", [-1, 901])
def test_no_delay_is_longer_than_fifteen_minutes(sqs: Any, delay: int) -> None:
    with pytest.raises(ClientError, match="InvalidParameterValue"):
        sqs.send_message(QueueUrl=url(RECHECKS), MessageBody="late", DelaySeconds=delay)


def test_a_message_of_a_fifo_queue_has_no_delay_of_its_own(sqs: Any) -> None:
    ids = {"MessageGroupId": "web", "MessageDeduplicationId": "1"}

    with pytest.raises(ClientError, match="InvalidParameterValue"):
        sqs.send_message(QueueUrl=url(JOBS), MessageBody="job", DelaySeconds=5, **ids)
    with pytest.raises(ClientError, match="MissingParameter"):
        sqs.send_message(QueueUrl=url(JOBS), MessageBody="job", MessageGroupId="web")


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x0b", "\ufffe"])
def test_control_characters_are_refused_in_bodies_and_attributes(sqs: Any, character: str) -> None:
    attribute = {"reason": {"DataType": "String", "StringValue": f"a{character}"}}

    with pytest.raises(ClientError, match="InvalidMessageContents"):
        sqs.send_message(QueueUrl=url(RECHECKS), MessageBody=f"a{character}")
    with pytest.raises(ClientError, match="InvalidMessageContents"):
        sqs.send_message(QueueUrl=url(RECHECKS), MessageBody="a", MessageAttributes=attribute)
    sqs.send_message(QueueUrl=url(RECHECKS), MessageBody="a\t\n\r é \U0001f6a2")


def test_one_entry_that_is_refused_does_not_stop_its_batch(sqs: Any) -> None:
    entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(["good", "b\x00d", "fine"])]

    answer = sqs.send_message_batch(QueueUrl=url(RECHECKS), Entries=entries)

    assert [it["Id"] for it in answer["Failed"]] == ["1"]
    assert received(sqs) == ["good", "fine"]


@pytest.mark.parametrize("entries", [0, 11])
def test_a_batch_has_one_to_ten_entries(sqs: Any, entries: int) -> None:
    batch = [{"Id": str(number), "MessageBody": "x"} for number in range(entries)]

    with pytest.raises(ClientError, match="TooManyEntriesInBatchRequest"):
        sqs.send_message_batch(QueueUrl=url(RECHECKS), Entries=batch)


def test_a_message_that_is_not_deleted_comes_back_counted_and_at_last_is_a_dead_letter(
    aws: FakeAws, sqs: Any
) -> None:
    aws.redrive[RECHECKS] = FAILED_RECHECKS, 2
    sqs.send_message(QueueUrl=url(RECHECKS), MessageBody="poison")

    for _ in range(2):
        assert received(sqs) == ["poison"]
        assert received(sqs) == [], "it is out"
        aws.advance(timedelta(seconds=30))

    assert received(sqs) == []
    assert received(sqs, FAILED_RECHECKS) == ["poison"]
    assert aws.rechecks == []


def test_the_group_of_a_message_that_is_out_waits(aws: FakeAws, sqs: Any) -> None:
    for number, group in enumerate(["web", "web", "api"]):
        sqs.send_message(
            QueueUrl=url(JOBS),
            MessageBody=f"{group} {number}",
            MessageGroupId=group,
            MessageDeduplicationId=str(number),
        )
    first = sqs.receive_message(QueueUrl=url(JOBS), MaxNumberOfMessages=1)["Messages"][0]

    assert received(sqs, JOBS) == ["api 2"]
    sqs.delete_message(QueueUrl=url(JOBS), ReceiptHandle=first["ReceiptHandle"])
    assert received(sqs, JOBS) == ["web 1"]


def test_the_same_deduplication_id_is_dropped_for_five_minutes(aws: FakeAws, sqs: Any) -> None:
    job = {"MessageBody": "job", "MessageGroupId": "web", "MessageDeduplicationId": "1"}
    sqs.send_message(QueueUrl=url(JOBS), **job)
    aws.queue.clear()

    sqs.send_message(QueueUrl=url(JOBS), **job)
    assert aws.queue == []

    aws.advance(timedelta(minutes=5))
    sqs.send_message(QueueUrl=url(JOBS), **job)
    assert len(aws.queue) == 1
