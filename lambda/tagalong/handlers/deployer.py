"""The deployer."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.notifier import Notifier
from tagalong.aws.rate_limit import DEADLINE, DEPLOYER, RateLimit
from tagalong.aws.record_table import RecordTable
from tagalong.aws.service_index import ServiceIndex
from tagalong.aws.sqs import DeadLetterQueue, JobQueue, RecheckQueue
from tagalong.deploy import Deployer, Result
from tagalong.jobs import Job
from tagalong.messages import logs
from tagalong.messages.logs import logger, metrics
from tagalong.messages.notifications import notification
from tagalong.model.decisions import Skip
from tagalong.parallel import in_parallel
from tagalong.reads import Reads
from tagalong.rollout import Registered
from tagalong.worker import Worker

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RESERVE = 20  # seconds: a call that is under way ends in this time, also a slow one


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, list[Any]], context: "LambdaContext") -> dict[str, list[dict[str, str]]]:
    """Jobs in, services updated, the messages that must come back out."""

    DEADLINE.begin(context.get_remaining_time_in_millis, _RESERVE)
    here = settings.from_environment()
    worker = Worker(
        deployers,
        logs.report,
        publish,
        logs.report_broken,
        queue(),
        rechecks(),
        dead_letters(),
        here.max_attempts,
        now,
    )
    failed = worker.process(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def publish(job: Job, result: Result) -> None:
    """Notifications, parameters and the readable log, where something is written."""
    if settings.from_environment().dry_run:
        return
    if isinstance(result, Skip):
        notifier().publish_running(result)
    in_parallel(lambda tell: tell(), [partial(_notify, job, result), partial(_log, result)])


def _notify(job: Job, result: Result) -> None:
    notifier().send(notification(result, job.trigger))


def _log(result: Result) -> None:
    if entry := logs.entry(result, now()):
        records().log(*entry)


def now() -> datetime:
    return datetime.now(UTC)


def deployers(jobs: Sequence[Job]) -> Callable[[Job], Deployer]:
    """For the jobs of one batch."""
    here = settings.from_environment()
    reads = Reads.of(ecs(), ecr(), records(), jobs)
    registered = {job.family: Registered() for job in jobs}

    def deployer(job: Job) -> Deployer:
        return Deployer(
            ecs(),
            ecr(),
            records(),
            rechecks(),
            here.policy,
            job,
            dry_run=here.dry_run,
            now=now(),
            time_left=lambda: DEADLINE.left() > 0,
            reads=reads,
            index=index() if here.sweep_every else None,
            registered=registered[job.family],
        )

    return deployer


@cache
def ecs() -> Ecs:
    return Ecs(RateLimit(settings.from_environment().quota_share, DEPLOYER, DEADLINE))


@cache
def ecr() -> Ecr:
    return Ecr(DEADLINE)


@cache
def records() -> RecordTable:
    here = settings.from_environment()
    return RecordTable(here.table, here.history_retention_days)


@cache
def index() -> ServiceIndex:
    return ServiceIndex(settings.from_environment().table)


@cache
def notifier() -> Notifier:
    here = settings.from_environment()
    return Notifier(here.stack_name, here.topic, here.notify_on, publish_parameters=here.publish_parameters)


@cache
def queue() -> JobQueue:
    return JobQueue(settings.from_environment().job_queue_url)


@cache
def rechecks() -> RecheckQueue:
    return RecheckQueue(settings.from_environment().recheck_queue_url)


@cache
def dead_letters() -> DeadLetterQueue:
    return DeadLetterQueue(settings.from_environment().job_dlq_url)


def create_clients() -> None:
    """Every client that the first event needs: threads must not make one twice."""
    ecs(), ecr(), records(), index(), notifier(), queue(), rechecks()


if settings.in_lambda():  # A start has more of a processor than what 512 MB give an event.
    create_clients()
