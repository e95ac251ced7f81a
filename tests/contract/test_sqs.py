"""What the functions rely on when they hand jobs over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from support.fake_aws import ACCOUNT, REGION
from tagalong.aws.sqs import DeadLetterQueue, JobQueue, RecheckQueue
from tagalong.jobs import Backlog, Failure, Job, Recheck, message, recheck_message
from tagalong.model.images import Repository
from tagalong.model.triggers import Push

_AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
_PUSH = Push("event-1", _AT, Repository(ACCOUNT, REGION, "app"), "prod", "sha256:a")
JOB = Job("web", {"arn:cluster/prod": ("web",)}, _PUSH, "event-1")
OF_ANOTHER_EVENT = replace(JOB, id="event-2")


@pytest.fixture
def url(account: str) -> str:
    return boto3.client("sqs").create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})[
        "QueueUrl"
    ]


def _job(received: dict[str, Any]) -> Job:
    job = message(received["Body"])
    assert isinstance(job, Job)
    return job


def receive(url: str) -> list[dict[str, Any]]:
    answer: Any = boto3.client("sqs").receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        MessageSystemAttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    return list(answer.get("Messages", []))


def test_jobs_come_out_as_they_went_in_under_their_family(url: str) -> None:
    api = replace(JOB, family="api")

    JobQueue(url).send([JOB, api, OF_ANOTHER_EVENT])

    messages = receive(url)
    assert [message(it["Body"]) for it in messages] == [JOB, api, OF_ANOTHER_EVENT]
    assert [it["Attributes"]["MessageGroupId"] for it in messages] == ["web", "api", "web"]


def test_the_jobs_of_one_event_are_queued_once_however_often_it_is_delivered(url: str) -> None:
    for _ in range(2):
        JobQueue(url).send([JOB])

    assert len(receive(url)) == 1


def test_more_jobs_than_a_batch_are_all_sent(url: str) -> None:
    families = {f"web-{number}" for number in range(11)}

    JobQueue(url).send(replace(JOB, family=family) for family in families)

    messages = receive(url) + receive(url)
    assert {_job(it).family for it in messages} == families


def test_a_family_waits_for_its_job_that_is_at_work(url: str) -> None:
    JobQueue(url).send([replace(JOB, family=f"family-{number}") for number in range(10)])
    at_work = receive(url)
    JobQueue(url).send([replace(OF_ANOTHER_EVENT, family="family-0")])
    assert not receive(url)

    boto3.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=at_work[0]["ReceiptHandle"])

    assert [_job(it).id for it in receive(url)] == ["event-2"]


def test_a_large_backlog_is_sent_beside_the_jobs(url: str) -> None:
    long = Backlog(tuple(replace(JOB, family=f"{n:0200}") for n in range(500)))

    JobQueue(url).send([JOB, long, replace(long, jobs=long.jobs[1:])])

    assert [message(it["Body"]) for it in receive(url)] == [JOB, long, replace(long, jobs=long.jobs[1:])]


@pytest.fixture
def dead_letters(account: str) -> str:
    name = "failed-jobs.fifo"
    return boto3.client("sqs").create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]


def test_a_job_that_is_given_up_keeps_its_reason_and_can_be_given_back_as_it_is(
    dead_letters: str, url: str
) -> None:
    reason = "UpdateService: ServiceNotActiveException: no"
    given_up = replace(JOB, failure=Failure(reason, 10, _AT, _AT + timedelta(minutes=20)))

    DeadLetterQueue(dead_letters).put(given_up)

    [letter] = receive(dead_letters)
    assert letter["MessageAttributes"]["reason"]["StringValue"] == reason
    assert message(letter["Body"]) == given_up
    assert letter["Attributes"]["MessageGroupId"] == "web"


@pytest.mark.parametrize("text", ["", "control \x00\x1b characters", "half \ud800 a character", "x" * 9_000])
def test_no_text_makes_sqs_refuse_a_dead_letter(dead_letters: str, text: str) -> None:
    DeadLetterQueue(dead_letters).put(replace(JOB, failure=Failure(text, 10, _AT, _AT)))

    assert len(receive(dead_letters)) == 1


def test_a_message_that_cannot_be_read_is_kept_as_it_is(dead_letters: str) -> None:
    DeadLetterQueue(dead_letters).put_unreadable("{}", "not a Job: KeyError('family')")

    [letter] = receive(dead_letters)
    assert letter["Body"] == "{}"
    assert letter["MessageAttributes"]["reason"]["StringValue"] == "not a Job: KeyError('family')"


@pytest.fixture
def rechecks(account: str) -> str:
    return boto3.client("sqs").create_queue(QueueName="rechecks")["QueueUrl"]


def test_a_recheck_comes_out_as_it_went_in(rechecks: str) -> None:
    recheck = Recheck("arn:cluster/prod", "web", _PUSH, 3, _AT)

    RecheckQueue(rechecks).send(recheck, timedelta(0))

    assert [recheck_message(it["Body"]) for it in receive(rechecks)] == [recheck]


def test_a_recheck_is_delayed_and_never_longer_than_sqs_allows(rechecks: str) -> None:
    RecheckQueue(rechecks).send(Recheck("arn:cluster/prod", "web", _PUSH), timedelta(hours=2))

    assert not receive(rechecks)
