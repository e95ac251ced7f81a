"""What became of a rollout, whichever function hears of it."""

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

from tagalong.decide.eligibility import instant
from tagalong.messages.logs import NAMESPACE, cause_fields, last_part, logger
from tagalong.model.revisions import Change
from tagalong.model.rollouts import Rollout, Status
from tagalong.model.triggers import Cause, Sweep


def report_rollout(rollout: Rollout) -> None:
    """Say what became of a service after it was told to run a revision."""
    if rollout.has_just_failed:
        _add("RolloutsFailed", 1)
    if rollout.status is Status.ROLLED_BACK:
        _add("RolloutsRolledBack", 1)
    if rollout.status is Status.COMPLETED:
        _add("RolloutsCompleted", 1)
        if seconds := since_push(rollout.cause, rollout.ended_at):
            _add("PushToSteady", seconds, MetricUnit.Seconds)
    logger.info(
        f"{rollout.name}: the rollout is {rollout.status.replace('-', ' ')}",
        extra={
            # Not of what the function is doing now: who looks for a push finds how it ended.
            **cause_fields(rollout.cause),
            "cluster": last_part(rollout.cluster),
            "ecs_service": rollout.name,
            "rollout": rollout.status,
            **({"ecs_reason": rollout.reason} if rollout.reason else {}),
            "old_revision": last_part(rollout.old_revision),
            "new_revision": last_part(rollout.new_revision),
            "containers": [container(change) for change in rollout.changes],
        },
    )


def container(change: Change) -> dict[str, str]:
    return {"name": change.container, "old": change.old_image, "new": change.new_image}


def since_push(cause: Cause, until: str) -> float | None:
    """Seconds; None after a sweep."""
    if isinstance(cause, Sweep):
        return None
    return max(0.001, (instant(until) - instant(cause.time)).total_seconds())


def _add(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Of rollouts, whichever function hears of it."""
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as metric:
        metric.add_dimension("service", "rollouts")
