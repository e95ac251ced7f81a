"""What the functions rely on when they hand jobs over."""

from dataclasses import replace
from typing import Any

import boto3
import pytest

from support.fake_aws import ACCOUNT, REGION
from tagalong.aws.sqs import FailedJobs, JobQueue
from tagalong.jobs import Backlog, Job, message
from tagalong.model.images import Repository
from tagalong.model.triggers import Push

_PUSH = Push("event-1", "2026-11-22T10:00:00Z", Repository(ACCOUNT, REGION, "app"), "prod", "sha256:a")
JOB = Job("web", 0, {"arn:cluster/prod": ("web",)}, _PUSH)
OF_ANOTHER_EVENT = replace(JOB, cause=replace(_PUSH, event_id="event-2"))


@pytest.fixture
def url(account: str) -> str:
    return boto3.client("sqs").create_queue(QueueName="jobs.fifo", Attributes={"FifoQueue": "true"})[
        "QueueUrl"
    ]


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
    assert {Job.from_json(it["Body"]).family for it in messages} == families


def test_a_job_that_is_returned_comes_back_and_one_that_is_not_stays_out(url: str) -> None:
    queue = JobQueue(url)
    queue.send([JOB, replace(JOB, family="api")])
    web, _api = receive(url)
    assert not receive(url), "a job was handed out twice"

    queue.return_after({web["ReceiptHandle"]: 0})

    assert [it["Body"] for it in receive(url)] == [JOB.to_json()]


def test_a_family_waits_for_its_job_that_is_at_work(url: str) -> None:
    JobQueue(url).send([replace(JOB, family=f"family-{number}") for number in range(10)])
    at_work = receive(url)
    JobQueue(url).send([replace(OF_ANOTHER_EVENT, family="family-0")])
    assert not receive(url)

    boto3.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=at_work[0]["ReceiptHandle"])

    assert [Job.from_json(it["Body"]).cause.event_id for it in receive(url)] == ["event-2"]


def test_a_large_backlog_is_sent_beside_the_jobs(url: str) -> None:
    long = Backlog(tuple(replace(JOB, family=f"{n:0200}") for n in range(800)))

    JobQueue(url).send([JOB, long, replace(long, jobs=long.jobs[1:])])

    assert [message(it["Body"]) for it in receive(url)] == [JOB, long, replace(long, jobs=long.jobs[1:])]


def test_a_job_that_is_given_up_keeps_its_reason(account: str) -> None:
    failed = {"QueueName": "failed-jobs.fifo", "Attributes": {"FifoQueue": "true"}}
    url = boto3.client("sqs").create_queue(**failed)["QueueUrl"]  # type: ignore[arg-type]  # values of two types

    FailedJobs(url).put(JOB.to_json(), "web", "id", "web: UpdateService: ServiceNotActiveException")

    [given_up] = receive(url)
    assert given_up["Body"] == JOB.to_json()
    assert given_up["MessageAttributes"]["reason"]["StringValue"].startswith("web: UpdateService")
