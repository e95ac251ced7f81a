"""The watcher."""

from functools import cache
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.notifier import Outlets
from tagalong.aws.record_table import Records
from tagalong.aws.sqs import JobQueue
from tagalong.messages.logs import cause_fields, logger, metrics
from tagalong.messages.notifications import of_rollout
from tagalong.messages.rollouts import report_rollout
from tagalong.model.rollouts import Rollout, calls_for_a_look, parse_deployment_event
from tagalong.watching import heard, look_again

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: "LambdaContext") -> None:  # noqa: ARG001 - Lambda passes it
    """What ECS tells of a deployment in, what became of the rollout out. Errors are tried again."""
    told = parse_deployment_event(event)
    rollout = heard(records(), told, _say)
    # Only when it is kept: the deployer looks at once, and would find it out a second time.
    if rollout and calls_for_a_look(rollout, told):
        queue().send([look_again(rollout, event["id"])])


def _say(rollout: Rollout) -> None:
    logger.append_keys(**cause_fields(rollout.cause))
    report_rollout(rollout)
    outlets().tell(of_rollout(rollout))


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


def ready() -> None:
    """Make every client that the first event needs."""
    records(), outlets()


if settings.in_lambda():  # A start has more of a processor than what 512 MB give an event.
    ready()
