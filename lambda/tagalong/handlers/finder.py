"""The finder."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.inventory import Inventory
from tagalong.aws.rate_limit import DEADLINE, FULL_READ, RECHECK, RateLimit
from tagalong.aws.record_table import RecordTable
from tagalong.aws.revision_cache import RevisionCache
from tagalong.aws.service_index import ServiceIndex
from tagalong.aws.sqs import JobQueue, RecheckQueue
from tagalong.find import Finder, FindResult
from tagalong.jobs import Deferred, Recheck, recheck_message
from tagalong.messages.logs import (
    logger,
    metrics,
    report_broken,
    report_found,
    report_rechecks,
    trigger_fields,
)
from tagalong.model.plain import UnreadableError
from tagalong.model.triggers import DeploymentEvent, Ignored, parse_event
from tagalong.ports import AwsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_RESERVE = 60  # seconds, for what a sweep does with what it has read
_PARTIAL = "some clusters or revisions could not be read; the others are done: "


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any] | None:
    """An event of ECR, a sweep, or messages of the recheck queue in; jobs out. After an error Lambda invokes
    it again, and SQS knows the jobs that were sent already."""
    DEADLINE.begin(context.get_remaining_time_in_millis, _RESERVE)
    if "Records" in event:
        return _recheck(event["Records"])
    logger.append_keys(event_id=event.get("id"))
    trigger = parse_event(event, context.aws_request_id)
    if isinstance(trigger, Ignored):
        report_found(trigger)
        return None
    logger.append_keys(**trigger_fields(trigger))
    found = finder().find(trigger)
    report_found(found)
    if isinstance(found, FindResult) and found.errors and not found.deferred:
        raise AwsError(_PARTIAL + "; ".join(found.errors))
    return None


def _recheck(records: list[dict[str, Any]]) -> dict[str, Any]:
    """First what is cheap; what may read the fleet goes last."""
    messages: dict[str, Recheck | DeploymentEvent] = {}
    deferred: dict[str, Deferred] = {}
    failed: set[str] = set()
    for record in records:
        try:
            message = recheck_message(record["body"])
        except UnreadableError as error:
            failed.add(record["messageId"])
            report_broken(error)
            continue
        if isinstance(message, Deferred):
            deferred[record["messageId"]] = message
        else:
            messages[record["messageId"]] = message
    if messages:
        jobs, unread = rechecker().recheck(messages)
        queue().send(jobs)
        report_rechecks(len(messages), jobs)
        failed |= unread
    failed |= {id_ for id_, it in deferred.items() if not _resumed(it)}
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in sorted(failed)]}


def _resumed(deferred: Deferred) -> bool:
    """Whatever is wrong with one, the others are done."""
    with logger.append_context_keys(**trigger_fields(deferred.trigger)):
        try:
            report_found(finder().resume(deferred))
        except Exception as error:  # noqa: BLE001
            report_broken(error)
            return False
    return True


def now() -> datetime:
    return datetime.now(UTC)


def _time_left() -> timedelta:
    return timedelta(seconds=DEADLINE.left() + _RESERVE)


def _finder(part: str) -> Finder:
    here = settings.from_environment()
    ecs = Ecs(RateLimit(here.quota_share, part, DEADLINE))
    return Finder(
        Inventory(ecs, revisions()),
        index(),
        RecordTable(here.table),
        ecr(),
        queue(),
        rechecks(),
        here.policy,
        here.clusters,
        here.sweep_every,
        now,
        _time_left,
    )


@cache
def finder() -> Finder:
    """For pushes and sweeps: it may read the fleet, if it holds the lease."""
    return _finder(FULL_READ)


@cache
def rechecker() -> Finder:
    """There may be two at work, beside a full read: a part of the quotas of its own."""
    return _finder(RECHECK)


@cache
def ecr() -> Ecr:
    return Ecr()


@cache
def index() -> ServiceIndex:
    return ServiceIndex(settings.from_environment().table)


@cache
def revisions() -> RevisionCache:
    return RevisionCache(settings.from_environment().table)


@cache
def queue() -> JobQueue:
    return JobQueue(settings.from_environment().job_queue_url)


@cache
def rechecks() -> RecheckQueue:
    return RecheckQueue(settings.from_environment().recheck_queue_url)


def create_clients() -> None:
    """Every client that the first event needs."""
    finder()


if settings.in_lambda():  # A start has more of a processor than what 512 MB give an event.
    create_clients()
