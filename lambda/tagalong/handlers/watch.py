"""The watcher."""

from functools import cache
from typing import TYPE_CHECKING, Any

from tagalong import settings
from tagalong.aws.outlets import Outlets
from tagalong.aws.records import Records
from tagalong.aws.sqs import JobQueue
from tagalong.reporting import cause_fields, logger, metrics
from tagalong.reporting.rollouts import report_rollout
from tagalong.rollouts import calls_for_a_look, parse_deployment_event
from tagalong.telling import of_rollout
from tagalong.watching import heard, look_again

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: "LambdaContext") -> None:  # noqa: ARG001 - Lambda passes it
    """What ECS tells of a deployment in, what became of the rollout out. Errors are tried again."""
    told = parse_deployment_event(event)
    before, rollout = heard(records(), told)
    if not before or not rollout:
        return
    logger.append_keys(**cause_fields(rollout.cause))
    if rollout != before:
        report_rollout(rollout)
        outlets().tell(of_rollout(rollout))
        records().keep(rollout)  # after what an error must bring again, before the deployer reads it
    if calls_for_a_look(rollout, told):
        queue().send([look_again(rollout, event["id"])])


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
