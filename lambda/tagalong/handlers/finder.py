"""The finder."""

from functools import cache
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.inventory import Inventory
from tagalong.aws.revision_cache import KnownRevisions
from tagalong.aws.sqs import JobQueue
from tagalong.find import Finder, Found, untagged
from tagalong.jobs import in_turns
from tagalong.messages.found import report_found, report_untagged
from tagalong.messages.logs import cause_fields, logger, metrics
from tagalong.model.triggers import Ignored, parse_event

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: "LambdaContext") -> None:
    """An event of ECR or a sweep in, jobs out. After an error Lambda invokes it again."""
    logger.append_keys(event_id=event.get("id"))
    cause = parse_event(event, context.aws_request_id)
    if isinstance(cause, Ignored):
        report_found(cause)
        return
    logger.append_keys(**cause_fields(cause))
    found = finder().find(cause)
    if isinstance(found, Found):
        queue().send(in_turns(found.jobs))
        if found.pinned:
            report_untagged(untagged(found.pinned, ecr()))
    report_found(found)


@cache
def ecr() -> Ecr:
    return Ecr()


@cache
def finder() -> Finder:
    here = settings.here()
    inventory = Inventory(Ecs(here.quota_share), KnownRevisions(here.table))
    return Finder(inventory, here.policy, here.clusters)


@cache
def queue() -> JobQueue:
    return JobQueue(settings.here().queue_url)


def ready() -> None:
    """Make every client that the first event needs."""
    finder(), queue()


if settings.in_lambda():  # A start has more of a processor than what 512 MB give an event.
    ready()
