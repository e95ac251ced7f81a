"""A small company whose services both functions deploy: they reach their AWS through the strict proxy."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from support.fake_aws import push_event
from support.pipeline import Context
from support.system import Json, System
from tagalong.handlers import deployer, finder
from tagalong.ports import AwsError

OLD, NEW = "old", "new"
ALL = ("one", "two", "three", "other")
_NEVER = 12 * 3600  # seconds that a message stays out, unless it is returned
_ROUNDS, _ROUND = 20, timedelta(minutes=5)
_sweeps = count(1)

Record = dict[str, Any]


@dataclass
class Company:
    """What teams and AWS do is done, and looked at, past the proxy: faults hit the calls of the functions."""

    system: System
    jobs_url: str
    failed_jobs_url: str
    rechecks_url: str
    before: dict[str, Json]
    """service -> the task definition that it ran at first"""
    context: Context = field(default_factory=Context)
    later: timedelta = timedelta()
    """how much the clock of the functions is ahead of that of their AWS"""

    @classmethod
    def founded(cls, system: System) -> "Company":
        """Three services on two revisions of one family, with a sidecar; one service of another family."""
        system.create_repositories("app", "proxy")
        app, proxy = (f"{it}:prod@{system.put_image(f'{it}:prod', OLD)}" for it in ("app", "proxy"))
        tags = [{"key": "team", "value": "shop"}]
        first, second = (system.register("web", app, proxy, cpu=cpu, tags=tags) for cpu in ("256", "512"))
        revisions = {"one": first, "two": first, "three": second, "other": system.register("other", app)}
        for name, revision in revisions.items():
            system.serve("prod", name, revision)
        for name in revisions:
            system.deployed_service("prod", name)
        _create_table(system)
        fifo = {"FifoQueue": "true"}
        return cls(
            system,
            jobs_url=_create_queue(system, "jobs.fifo", VisibilityTimeout=str(_NEVER), **fifo),
            failed_jobs_url=_create_queue(system, "failed-jobs.fifo", **fifo),
            rechecks_url=_create_queue(system, "rechecks", VisibilityTimeout="0"),
            before={name: system.definition(revision) for name, revision in revisions.items()},
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.system.aws.environment,
            "TAGALONG_REGISTRY_ACCOUNTS": self.system.aws.account,
            "TAGALONG_JOB_QUEUE_URL": self.jobs_url,
            "TAGALONG_JOB_DLQ_URL": self.failed_jobs_url,
            "TAGALONG_RECHECK_QUEUE_URL": self.rechecks_url,
            "TAGALONG_NOTIFY_ON": "nothing",
        }

    # -- what happens -----------------------------------------------------------------------------------

    def push(self) -> None:
        """The tag of the app moves, and the finder is invoked with the event."""
        digest = self.system.put_image("app:prod", NEW)
        self.deliver(push_event("app", "prod", digest) | {"account": self.system.aws.account})

    def deliver(self, event: Json) -> None:
        """Lambda invokes the finder again when it fails, twice."""
        for _ in range(3):
            try:
                finder.handle(event, self.context)
            except (AwsError, ClientError, HTTPClientError):
                continue
            return
        raise AssertionError("the finder failed three times")

    def sweep(self) -> None:
        self.context.aws_request_id = f"sweep-{next(_sweeps)}"
        self.deliver({"sweep": {}})

    def work(self) -> None:
        """Until the queue is empty."""
        while records := self.receive():
            self.return_to_queue(self.invoke_deployer(records))

    def settle(self) -> None:
        """Work, and let what comes back later do so, until nothing does."""
        self.work()
        for _ in range(_ROUNDS):
            self.later += _ROUND
            if not self.recheck():
                return
            self.work()

    def recheck(self) -> int:
        """The finder gets what is to be looked at again, due or not; answers how many messages."""
        records = self._receive(self.rechecks_url)
        if records:
            with suppress(AwsError, ClientError, HTTPClientError):
                answer = finder.handle({"Records": records}, self.context) or {}
                failed = {it["itemIdentifier"] for it in answer["batchItemFailures"]}
                self._delete(self.rechecks_url, [it for it in records if it["messageId"] not in failed])
        return len(records)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.later

    def receive(self) -> list[Record]:
        return self._receive(self.jobs_url)

    def _receive(self, url: str) -> list[Record]:
        answer = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )
        return [_record(message) for message in answer.get("Messages", ())]

    def invoke_deployer(self, records: list[Record]) -> list[Record]:
        """As the event source of SQS does: what did not fail is deleted. Answers what did."""
        try:
            answer = deployer.handle({"Records": records}, self.context)
        except (ClientError, HTTPClientError):
            return records
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        self._delete(self.jobs_url, [it for it in records if it["messageId"] not in failed])
        return [record for record in records if record["messageId"] in failed]

    def return_to_queue(self, records: list[Record]) -> None:
        """Their visibility timeout is over."""
        for record in records:
            self._sqs.change_message_visibility(
                QueueUrl=self.jobs_url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
            )

    # -- what is there ----------------------------------------------------------------------------------

    def run(self) -> dict[str, Json]:
        """service -> the task definition that it runs now"""
        services = {name: self.system.runs("prod", name) for name in ALL}
        definitions = {revision: self.system.definition(revision) for revision in set(services.values())}
        return {name: definitions[revision] for name, revision in services.items()}

    def moved(self, *names: str) -> dict[str, Json]:
        """What all run when these services have followed ECR, and not a word is another."""
        pinned = {
            "image": self.system.image(f"app@{self._digest()}"),
            "dockerLabels": {"tagalong.tag": "prod"},
        }
        to = {name: self.before[name]["containerDefinitions"] for name in names}
        return self.before | {
            name: self.before[name] | {"containerDefinitions": [app | pinned, *sidecars]}
            for name, (app, *sidecars) in to.items()
        }

    def twins(self) -> int:
        """Revisions beyond those of the start and one for each of them."""
        return self.system.revisions("web") - 4 + self.system.revisions("other") - 2

    def unfinished(self) -> list[str]:
        """What is left of each job that waits or is out, or why it was given up."""
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._sqs.get_queue_attributes(QueueUrl=self.jobs_url, AttributeNames=counts)
        waiting = sum(int(answer["Attributes"][count]) for count in counts)
        given_up = self._sqs.receive_message(
            QueueUrl=self.failed_jobs_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        reasons = [it["MessageAttributes"]["reason"]["StringValue"] for it in given_up.get("Messages", ())]
        return ["waits"] * waiting + reasons

    def _delete(self, url: str, records: list[Record]) -> None:
        """A receipt is of no use when the message was received again."""
        for record in records:
            with suppress(self._sqs.exceptions.ReceiptHandleIsInvalid):
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])

    @property
    def _sqs(self) -> Any:
        return self.system.aws.client("sqs")

    def _digest(self) -> str:
        answer = self.system.aws.client("ecr").describe_images(
            repositoryName="app", imageIds=[{"imageTag": "prod"}]
        )
        return str(answer["imageDetails"][0]["imageDigest"])


def _create_table(system: System) -> None:
    keys = {"subject": "HASH", "item": "RANGE"}
    system.aws.client("dynamodb").create_table(
        TableName="records",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )


def _create_queue(system: System, name: str, **attributes: str) -> str:
    return str(system.aws.client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def _record(message: Json) -> Record:
    """A message, as the event source hands it over."""
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "eventSource": "aws:sqs",
    }
