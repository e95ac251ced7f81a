"""The watcher."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from tagalong import settings
from tagalong.aws.outlets import Outlets
from tagalong.aws.records import Records
from tagalong.aws.sqs import JobQueue
from tagalong.reporting import cause_fields, logger, metrics, report_rollout
from tagalong.rollouts import Status, parse_deployment_event
from tagalong.telling import of_rollout
from tagalong.watching import heard, look_again


@metrics.log_metrics
@logger.inject_lambda_context(clear_state=True)
def handle(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001 - Lambda passes it
    """What ECS tells of a deployment in, what became of the rollout out. Errors are tried again."""
    if not (rollout := heard(records(), parse_deployment_event(event))):
        return
    logger.append_keys(**cause_fields(rollout.cause))
    report_rollout(rollout)
    if told := of_rollout(rollout):
        outlets().tell(told)
    if rollout.status is Status.ROLLED_BACK:
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
