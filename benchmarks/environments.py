"""The execution environments of Lambda: a process each, with AWS's clock, and the poller in front of SQS."""

import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any, Self

from support.fake_aws import ACCOUNT, REGION, START, Json

_QUEUES = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": ACCOUNT,  # the strict AWS takes it for the account
    "AWS_SECRET_ACCESS_KEY": "unchecked",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "TAGALONG_CLUSTERS": "*",
    "TAGALONG_REPOSITORIES": "*",
    "TAGALONG_REGISTRY_ACCOUNTS": ACCOUNT,
    "TAGALONG_JOB_QUEUE_URL": f"{_QUEUES}/jobs.fifo",
    "TAGALONG_JOB_DLQ_URL": f"{_QUEUES}/failed-jobs.fifo",
    "TAGALONG_RECHECK_QUEUE_URL": f"{_QUEUES}/rechecks",
    "TAGALONG_MAX_ATTEMPTS": "10",
    "TAGALONG_STUCK_AFTER": "30",
    "TAGALONG_SWEEP_MINUTES": "60",
    "TAGALONG_DRY_RUN": "false",
    "TAGALONG_DEFAULT_RULE": "track",
    "TAGALONG_MODE": "revision",
    "TAGALONG_SELECTION": "opt-out",
    "TAGALONG_TABLE": "records",
    "TAGALONG_HISTORY_RETENTION_DAYS": "90",
    "TAGALONG_STACK_NAME": "tagalong",
    "TAGALONG_TOPIC": "arn:aws:sns:eu-west-1:111122223333:notices",
    "TAGALONG_NOTIFY_ON": "nothing",
    "TAGALONG_PUBLISH_PARAMETERS": "false",
}
_FINDER_TIMEOUT, _DEPLOYER_TIMEOUT = 300, 120  # seconds


@dataclass(frozen=True)
class World:
    """Where the functions live."""

    endpoint: str  # of the strict AWS
    upstream: str  # the poller of SQS is none of our functions: it asks here, and is not counted
    scale: float  # how many times as fast as ours AWS's clock runs
    latency: float  # seconds on AWS's clock that a call takes on its way
    began: float  # time.monotonic() when AWS's clock was at START

    def now(self) -> datetime:
        """What AWS's clock shows, in every process of this machine."""
        return START + timedelta(seconds=(time.monotonic() - self.began) * self.scale)


@dataclass
class Clock:
    """Stands for the module `time`."""

    scale: float
    ahead: float = 0.0

    def monotonic(self) -> float:
        return time.monotonic() * self.scale + self.ahead

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self.scale)


@dataclass
class Spent:
    """On AWS's clock, in seconds: each invocation, and by action all calls at the wire and how many."""

    invocations: list[float] = field(default_factory=list)
    wire: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Spent") -> None:
        self.invocations += other.invocations
        self.wire.update(other.wire)
        self.calls.update(other.calls)

    @property
    def latency(self) -> dict[str, float]:
        """The mean of one call."""
        return {action: self.wire[action] / count for action, count in self.calls.items()}


Run = Callable[[World, Clock, Spent, Connection], None]


class Environment:
    """A process. It is ready once imports are done and clients made: the cold start is measured by itself."""

    def __init__(self, run: Run, world: World, share: float) -> None:
        spawn = get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_start, args=(run, world, share, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ready(self) -> Self:
        self._pipe.recv()
        return self

    def ask(self, question: Any) -> Any:
        self._pipe.send(question)
        return self._pipe.recv()

    def end(self) -> Spent:
        spent: Spent = self.ask(None)
        self._process.join()
        return spent


def _start(run: Run, world: World, share: float, pipe: Connection) -> None:
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=world.endpoint, TAGALONG_QUOTA_SHARE=str(share))
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for as long as the process lasts
    warnings.filterwarnings("ignore", "No application metrics")
    from tagalong.aws import rate_limit  # noqa: PLC0415 - only now is the environment what it must be

    clock, spent = Clock(world.scale), Spent()
    rate_limit.time = clock  # type: ignore[attr-defined, assignment]  # as much of a clock as it needs
    _measure_wire(clock, spent, world.latency)
    with suppress(KeyboardInterrupt, EOFError):
        run(world, clock, spent, pipe)


def _measure_wire(clock: Clock, spent: Spent, latency: float) -> None:
    from botocore.httpsession import URLLib3Session  # noqa: PLC0415 - only a process that measures needs it

    send, lock = URLLib3Session.send, Lock()

    def sent(session: Any, request: Any) -> Any:
        action = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        start = clock.monotonic()
        if action not in {"ReceiveMessage", "DeleteMessage"}:
            clock.sleep(latency)
        answer = send(session, request)
        with lock:
            spent.calls[action] += 1
            spent.wire[action] += clock.monotonic() - start  # type: ignore[assignment]  # a Counter of floats
        return answer

    URLLib3Session.send = sent  # type: ignore[method-assign, assignment]  # to measure it


@dataclass
class _Context:
    """Of an invocation that ends at `until`."""

    clock: Clock
    until: float
    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn"
    aws_request_id: str = "request"

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self.until - self.clock.monotonic()))


def finder(world: World, clock: Clock, spent: Spent, pipe: Connection) -> None:
    """An event in, seconds out; or seconds in, that it has nothing to do."""
    from tagalong.handlers import finder  # noqa: PLC0415 - after the clock is replaced

    finder.now = world.now
    finder.create_clients()
    pipe.send("ready")
    while (event := pipe.recv()) is not None:
        start = clock.monotonic()
        if isinstance(event, dict):
            context = _Context(clock, start + _FINDER_TIMEOUT, aws_request_id=str(event.get("id", start)))
            finder.handle(event, context)
            spent.invocations.append(clock.monotonic() - start)
        else:
            clock.ahead += event
        pipe.send(clock.monotonic() - start)
    pipe.send(spent)


def rechecker(world: World, clock: Clock, spent: Spent, pipe: Connection) -> None:
    """The finder at the recheck queue, until it is told to end."""
    from tagalong.handlers import finder  # noqa: PLC0415 - after the clock is replaced

    finder.now = world.now
    finder.create_clients()
    _work(finder.handle, _Poller(world, "rechecks", 50, _FINDER_TIMEOUT), clock, spent, pipe)


def deployer(world: World, clock: Clock, spent: Spent, pipe: Connection) -> None:
    """The deployer at the job queue, until it is told to end."""
    from tagalong.handlers import deployer  # noqa: PLC0415 - after the clock is replaced

    deployer.now = world.now
    deployer.create_clients()
    _work(deployer.handle, _Poller(world, "jobs.fifo", 10, _DEPLOYER_TIMEOUT), clock, spent, pipe)


@dataclass
class _Poller:
    """In front of a queue. It is none of our functions: its calls are not counted."""

    world: World
    queue: str
    batch: int
    timeout: int


def _work(handle: Callable[..., Any], poller: _Poller, clock: Clock, spent: Spent, pipe: Connection) -> None:
    import boto3  # noqa: PLC0415 - after the environment is set

    sqs, url = boto3.client("sqs", endpoint_url=poller.world.upstream), f"{_QUEUES}/{poller.queue}"
    pipe.send("ready")
    while not _is_told_to_end(pipe, clock):
        received = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=poller.batch, VisibilityTimeout=6 * poller.timeout
        )
        messages = received.get("Messages", [])
        if not messages:
            continue
        start = clock.monotonic()
        context = _Context(clock, start + poller.timeout)
        answer = handle({"Records": [_record(message) for message in messages]}, context)
        spent.invocations.append(clock.monotonic() - start)
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in messages:
            if message["MessageId"] not in failed:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    pipe.send(spent)


def _is_told_to_end(pipe: Connection, clock: Clock) -> bool:
    """By None; a number is how many seconds it has nothing to do."""
    while pipe.poll():
        if (seconds := pipe.recv()) is None:
            return True
        clock.ahead += seconds
        pipe.send(seconds)
    return False


def _record(message: Any) -> Json:
    """As the event source hands it over."""
    names = {"MessageId": "messageId", "ReceiptHandle": "receiptHandle", "Body": "body"}
    return {"attributes": message["Attributes"], **{new: message[old] for old, new in names.items()}}
