"""The way of an event through both functions, as EventBridge, Lambda and SQS drive them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from support.fake_aws import FakeAws, Json
from support.fake_aws.base import DEPLOYER, PERSON
from tagalong import settings
from tagalong.handlers import deployer, finder
from tagalong.model.plain import from_json
from tagalong.model.record import Record
from tagalong.ports import AwsError

_sweeps = count(1)
_MAX_RECEIVE_COUNT = 100  # infra/queues.py


class Crash(BaseException):
    """The function's process ends in the middle: nothing catches that."""


def start_afresh() -> None:
    """As new processes: both functions compose themselves again."""
    for module in (settings, finder, deployer):
        for composed in vars(module).values():
            if hasattr(composed, "cache_clear") and composed.__module__ == module.__name__:
                composed.cache_clear()


@dataclass
class Context:
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-west-1:111122223333:function:function"
    aws_request_id: str = "request"
    milliseconds: int = 120_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class Pipeline:
    aws: FakeAws
    received: dict[str, int] = field(default_factory=dict)
    context: Context = field(default_factory=Context)
    deploying: bool = False  # the deployer is at work

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Where an example fails, Hypothesis would write out all of this AWS."""
        printer.text("the pipeline")

    # -- what sets it going ---------------------------------------------------------------------------------

    def deliver(self, event: Json, attempts: int = 3) -> None:
        """Invoke the finder asynchronously: Lambda tries three times."""
        for _ in range(attempts):
            try:
                finder.handle(event, self.context)
            except (Crash, AwsError, ClientError, HTTPClientError):
                continue
            return
        raise AssertionError("the finder failed three times")

    def tell(self, *events: Json) -> None:
        """ECS's events of deployments reach the recheck queue; do what follows from them."""
        for event in events:
            self._send(event)
        self.work()

    def sweep(self) -> None:
        self.context.aws_request_id = f"sweep-{next(_sweeps)}"
        self.deliver({"sweep": {}})
        self.work()

    def push(self, repository: str, tag: str, digest: str) -> None:
        """Push, and let everything that follows from it at once happen."""
        self.deliver(self.aws.push(repository, tag, digest))
        self.work()

    # -- what follows ---------------------------------------------------------------------------------------

    def work(self, rounds: int = 100) -> None:
        """Let both functions empty their queues; what is delayed stays there."""
        for _ in range(rounds):
            if not (self.invoke_recheck() or self.aws.queue):
                return
            if self.aws.queue:
                self.invoke_deployer()

    def settle(self, longest: timedelta = timedelta(hours=2)) -> None:
        """Let time pass until nothing is delayed any more, or for so long."""
        end = self.aws.clock + longest
        self.work()
        while self.aws.rechecks and (due := self._next_due()) <= end:
            self.aws.clock = max(self.aws.clock, due)
            self.work()

    def wait(self, time: timedelta) -> None:
        """Let time pass, and what is due in it happen."""
        self.settle(time)
        self.aws.clock += time

    def invoke_recheck(self) -> int:
        """One batch of the recheck queue; answers how many messages it had."""
        batch = [it for it in self.aws.rechecks if self.aws.visible_at[it["MessageId"]] <= self.aws.now()][
            :50
        ]
        if not batch:
            return 0
        records = [{"messageId": it["MessageId"], "body": it["MessageBody"]} for it in batch]
        try:
            answer = finder.handle({"Records": records}, self.context) or {}
            failed = {it["itemIdentifier"] for it in answer["batchItemFailures"]}
        except (Crash, AwsError, ClientError, HTTPClientError):
            failed = {it["MessageId"] for it in batch}
        self.aws.rechecks = [it for it in self.aws.rechecks if it not in batch or it["MessageId"] in failed]
        for id_ in failed:
            self.aws.visible_at[id_] = self.aws.now() + 60
        return len(batch)

    def invoke_deployer(self) -> Json:
        """One batch: failed messages, or all of a crashed invocation, stay in the queue."""
        batch = self.aws.queue[:10]
        self.deploying, self.aws.caller = True, DEPLOYER
        try:
            response: Json = deployer.handle({"Records": [self._record(m) for m in batch]}, self.context)
        except Crash:
            self._bury()
            return {}
        finally:
            self.deploying, self.aws.caller = False, PERSON
        failed = {item["itemIdentifier"] for item in response["batchItemFailures"]}
        done = [m for m in batch if m["MessageDeduplicationId"] not in failed]
        self.aws.queue = [m for m in self.aws.queue if m not in done]
        self._bury()
        return response

    def record(self, cluster: str, name: str) -> Record | None:
        """What is remembered of a service."""
        item = self.aws.table.get((f"service/{cluster}/{name}", "record"))
        return from_json(Record, item["record"]["S"]) if item else None

    def _send(self, event: Json) -> None:
        """As EventBridge does."""
        id_ = f"sqs-{event['id']}-{next(_sweeps)}"
        self.aws.rechecks.append({"MessageId": id_, "MessageBody": json.dumps(event)})
        self.aws.visible_at[id_] = self.aws.now()

    def _next_due(self) -> datetime:
        at = min(self.aws.visible_at[it["MessageId"]] for it in self.aws.rechecks)
        return datetime.fromtimestamp(at, tz=UTC)

    def _bury(self) -> None:
        """SQS gives up a message that was received too often."""
        worn_out = [
            m
            for m in self.aws.queue
            if self.received.get(m["MessageDeduplicationId"], 0) >= _MAX_RECEIVE_COUNT
        ]
        self.aws.failed += worn_out
        self.aws.queue = [m for m in self.aws.queue if m not in worn_out]

    def _record(self, message: Json) -> dict[str, Any]:
        name = message["MessageDeduplicationId"]
        self.received[name] = self.received.get(name, 0) + 1
        return {
            "messageId": name,
            "receiptHandle": f"receipt-{name}",
            "body": message["MessageBody"],
            "attributes": {
                "ApproximateReceiveCount": str(self.received[name]),
                "MessageGroupId": message["MessageGroupId"],
                "MessageDeduplicationId": name,
            },
            "eventSource": "aws:sqs",
        }
