"""The deployer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.notifier import Outlets
from tagalong.aws.record_table import Records
from tagalong.aws.sqs import FailedJobs, JobQueue
from tagalong.deploy import Deployer, Failed
from tagalong.jobs import Backlog, Job, in_turns, message, retry_delay
from tagalong.messages.logs import cause_fields, logger, metrics
from tagalong.messages.notifications import notice
from tagalong.messages.outcomes import report, report_broken
from tagalong.model.decisions import Skip
from tagalong.model.triggers import Push, Sweep

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RESERVE = 20_000  # milliseconds: a call that is under way ends in this time, also a slow one

Record = dict[str, Any]
"""A message, as the event source of SQS hands it over."""


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, list[Record]], context: "LambdaContext") -> dict[str, list[dict[str, str]]]:
    """Jobs in, services updated, the messages that must come back out."""
    failed = list(_failed(event["Records"], context))
    queue().return_after({record["receiptHandle"]: retry_delay(_tries(record)) for record in failed})
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def _failed(records: list[Record], context: "LambdaContext") -> Iterator[Record]:
    """A family goes on in order: behind a job of it that failed, the others come back undone.

    Powertools has this too, and takes a tenth of the cold start for it.
    """
    stopped = set()
    for record in records:
        group = record["attributes"]["MessageGroupId"]
        if group in stopped:
            yield record
        elif reason := _why_not_done(record, context):
            if _tries(record) >= settings.here().tries:
                _give_up(record, reason)
            else:
                stopped.add(group)
                yield record


def _why_not_done(record: Record, context: "LambdaContext") -> str:
    try:
        match message(record["body"]):
            case Backlog(jobs):
                queue().send(in_turns(jobs))
            case Job() as job:
                return _do(job, context, first=_tries(record) == 1)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with one job, the others are done
        report_broken(error)
        return repr(error)
    return ""


def _do(job: Job, context: "LambdaContext", *, first: bool) -> str:
    """What stood in the way, if anything; each service that is concerned is in the log."""
    reasons = []
    with logger.append_context_keys(**cause_fields(job.cause)):
        for outcome in _deployer(job, context).deploy(job.services):
            report(outcome)
            outlets().tell(notice(outcome, pushed=first and isinstance(job.cause, Push)))
            if isinstance(outcome, Skip) and isinstance(job.cause, Sweep):
                outlets().publish(outcome)
            if isinstance(outcome, Failed):
                reasons.append(f"{outcome.service.name}: {outcome.error}")
    return "; ".join(reasons)


def _give_up(record: Record, reason: str) -> None:
    """SQS would do it by itself, and could not say why."""
    attributes = record["attributes"]
    failed_jobs().put(
        record["body"], attributes["MessageGroupId"], attributes["MessageDeduplicationId"], reason
    )


def _tries(record: Record) -> int:
    return int(record["attributes"]["ApproximateReceiveCount"])


def _deployer(job: Job, context: "LambdaContext") -> Deployer:
    here = settings.here()
    return Deployer(
        ecs(),
        ecr(),
        records(),
        here.policy,
        job.cause,
        dry_run=here.dry_run,
        now=datetime.now(UTC),
        time_left=lambda: context.get_remaining_time_in_millis() > _RESERVE,
    )


@cache
def ecs() -> Ecs:
    return Ecs(settings.here().quota_share)


@cache
def ecr() -> Ecr:
    return Ecr()


@cache
def records() -> Records:
    return Records(settings.here().table, settings.here().history_days)


@cache
def outlets() -> Outlets:
    here = settings.here()
    return Outlets(here.topic, here.notify, parameters=here.parameters)


@cache
def queue() -> JobQueue:
    return JobQueue(settings.here().queue_url)


@cache
def failed_jobs() -> FailedJobs:
    return FailedJobs(settings.here().failed_jobs_url)


def ready() -> None:
    """Make every client that the first event needs."""
    ecs(), ecr(), records(), outlets(), queue()


if settings.in_lambda():  # A start has more of a processor than what 512 MB give an event.
    ready()
