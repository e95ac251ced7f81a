"""The finder."""

from functools import cache
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.inventory import Inventory
from tagalong.aws.record_table import RecordTable
from tagalong.aws.revision_cache import RevisionCache
from tagalong.aws.sqs import JobQueue
from tagalong.find import Finder, FindResult, untagged
from tagalong.jobs import in_turns, recheck_message
from tagalong.messages.logs import (
    logger,
    metrics,
    report_broken,
    report_found,
    report_rechecks,
    report_untagged,
    trigger_fields,
)
from tagalong.model.plain import UnreadableError
from tagalong.model.triggers import Ignored, parse_event
from tagalong.ports import AwsError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

_PARTIAL = "some clusters or revisions could not be read; the others are done: "


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: "LambdaContext") -> dict[str, Any] | None:
    """An event of ECR, a sweep, or messages of the recheck queue in; jobs out. After an error Lambda invokes
    it again, and SQS knows the jobs that were sent already."""
    if "Records" in event:
        return _recheck(event["Records"])
    logger.append_keys(event_id=event.get("id"))
    trigger = parse_event(event, context.aws_request_id)
    if isinstance(trigger, Ignored):
        report_found(trigger)
        return None
    logger.append_keys(**trigger_fields(trigger))
    found = finder().find(trigger)
    if isinstance(found, FindResult):
        queue().send(in_turns(found.jobs))
        report_untagged(untagged(found.running, ecr()) if found.running else ())
    report_found(found)
    if isinstance(found, FindResult) and found.errors:
        raise AwsError(_PARTIAL + "; ".join(found.errors))
    return None


def _recheck(records: list[dict[str, Any]]) -> dict[str, Any]:
    messages, unreadable = {}, set()
    for record in records:
        try:
            messages[record["messageId"]] = recheck_message(record["body"])
        except UnreadableError as error:
            unreadable.add(record["messageId"])
            report_broken(error)
    jobs, unread = finder().recheck(messages)
    queue().send(jobs)
    report_rechecks(len(messages), jobs)
    return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in sorted(unread | unreadable)]}


@cache
def ecr() -> Ecr:
    return Ecr()


@cache
def finder() -> Finder:
    here = settings.from_environment()
    inventory = Inventory(Ecs(here.quota_share), RevisionCache(here.table))
    return Finder(inventory, RecordTable(here.table), here.policy, here.clusters)


@cache
def queue() -> JobQueue:
    return JobQueue(settings.from_environment().job_queue_url)


def create_clients() -> None:
    """Every client that the first event needs."""
    finder(), queue()


if settings.in_lambda():  # A start has more of a processor than what 512 MB give an event.
    create_clients()
