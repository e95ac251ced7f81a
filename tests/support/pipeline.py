"""The way of an event through both functions, as EventBridge, Lambda and SQS drive them."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import ClientError, HTTPClientError

from support.fake_aws import FakeAws, Json
from tagalong import settings
from tagalong.handlers import deployer, finder, watcher
from tagalong.ports import AwsError

_sweeps = count(1)


class Crash(BaseException):
    """The function's process ends in the middle: nothing catches that."""


def start_afresh() -> None:
    """As new processes: both functions compose themselves again."""
    for module in (settings, finder, deployer, watcher):
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

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Where an example fails, Hypothesis would write out all of this AWS."""
        printer.text("the pipeline")

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
        """Invoke the watcher with what ECS tells of deployments, and do what follows from it."""
        for event in events:
            watcher.handle(event, self.context)
        self.work()

    def sweep(self) -> None:
        self.context.aws_request_id = f"sweep-{next(_sweeps)}"
        self.deliver({"sweep": {}})
        self.work()

    def work(self, rounds: int = 100) -> None:
        """Let the deployer empty the queue; what still fails then is left in it."""
        for _ in range(rounds):
            if not self.aws.queue:
                return
            self.invoke_deployer()

    def invoke_deployer(self) -> Json:
        """One batch: failed messages, or all of a crashed invocation, stay in the queue."""
        batch = self.aws.queue[:10]
        try:
            response: Json = deployer.handle({"Records": [self._record(m) for m in batch]}, self.context)
        except Crash:
            self._bury()
            return {}
        failed = {item["itemIdentifier"] for item in response["batchItemFailures"]}
        done = [m for m in batch if m["MessageDeduplicationId"] not in failed]
        self.aws.queue = [m for m in self.aws.queue if m not in done]
        self._bury()
        return response

    def push(self, repository: str, tag: str, digest: str) -> None:
        """Push, and let everything that follows from it happen."""
        self.deliver(self.aws.push(repository, tag, digest))
        self.work()

    def _bury(self) -> None:
        """SQS gives up a message that was received 20 times (infra/queues.py)."""
        worn_out = [m for m in self.aws.queue if self.received.get(m["MessageDeduplicationId"], 0) >= 20]
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
