"""How decisions are said: one log line and one metric for each service looked at, in the same words."""

from collections.abc import Iterable

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from tagalong.consent import instant
from tagalong.decisions import Skip
from tagalong.deploying import Ended, Failed, Outcome, Updated
from tagalong.finding import Found, Pinned
from tagalong.pushes import Cause, Ignored, Sweep
from tagalong.revisions import Change
from tagalong.rollouts import Rollout, Status, short

_NAMESPACE = "tagalong"

logger = Logger()
metrics = Metrics(namespace=_NAMESPACE)


def cause_fields(cause: Cause) -> dict[str, str | None]:
    """What each log line about a push or a sweep carries."""
    if isinstance(cause, Sweep):
        return {"event_id": cause.event_id, "cause": "sweep", "repository": cause.repository}
    return {
        "event_id": cause.event_id,
        "cause": "push",
        "repository": cause.repository.name,
        "tag": cause.tag,
        "digest": cause.digest,
    }


def report_found(found: Found | Ignored) -> None:
    """Say what the finder made of an event."""
    if isinstance(found, Ignored):
        _count("Ignored")
        logger.info(f"nothing to do: {found.sentence}", extra={"reason": found.reason})
        return
    for skip in found.skips:
        report(skip)
    following = sum(len(names) for job in found.jobs for names in job.services.values())
    _count("Causes")
    _count("Jobs", len(found.jobs))
    _count("ServicesSeen", found.seen)
    families = [job.family for job in found.jobs]
    logger.info(f"{following} of {found.seen} services are concerned", extra={"families": families})


def report_untagged(pinned: Iterable[Pinned]) -> None:
    """Warn of images that run and that a lifecycle policy may delete."""
    for it in pinned:
        _count("Untagged")
        logger.warning(
            f"{it.service.name} runs {it.repository.name}@{short(it.digest)}, which has no tag any more: "
            "if a lifecycle policy deletes it, no task can start",
            extra={
                "cluster": _short(it.service.cluster),
                "ecs_service": it.service.name,
                "digest": it.digest,
            },
        )


def report_broken(error: BaseException) -> None:
    """Say that a job could not even be begun, or met an error of our own."""
    _count("Failed")
    logger.error(f"a job is broken and will be tried again: {error!r}", exc_info=error)


def report(outcome: Outcome) -> None:
    """Say what became of one service."""
    who = {
        "cluster": _short(outcome.service.cluster),
        "ecs_service": outcome.service.name,  # `service` is Powertools' name for the function
        "old_revision": _short(outcome.service.revision),
    }
    match outcome:
        case Skip():
            _report_skip(outcome, who)
        case Updated():
            _report_update(outcome, who)
        case Ended(rollout=rollout):
            report_rollout(rollout)
        case Failed(service, error):
            _count("Failed")
            sentence = f"{service.name} was not updated and will be tried again: {error}"
            logger.error(sentence, extra=who | {"decision": "fail", "reason": "aws-error"})


def _report_skip(skip: Skip, who: dict[str, str]) -> None:
    _count("Skipped")
    with single_metric(name="Skipped", unit=MetricUnit.Count, value=1, namespace=_NAMESPACE) as metric:
        metric.add_dimension("reason", skip.reason)
    if skip.put_back:
        _count("Held")
    sentence = f"{skip.service.name} stays as it is: {skip.sentence}"
    logger.info(sentence, extra=who | {"decision": "skip", "reason": skip.reason})


def _report_update(updated: Updated, who: dict[str, str]) -> None:
    changes = updated.update.changes
    words = ", ".join(f"{c.container} to {c.repository.name}:{c.tag}" for c in changes)
    verb, decision = ("moves", "update") if updated.revision else ("would move (dry run)", "would-update")
    _count("Updated" if updated.revision else "WouldUpdate")
    if updated.rollout and (seconds := _since_push(updated.rollout.cause, updated.rollout.started_at)):
        metrics.add_metric("PushToUpdate", MetricUnit.Seconds, seconds)
    why = ", where somebody had put the plain tag back" if updated.update.reason == "re-pinned" else ""
    logger.info(
        f"{updated.service.name} {verb}: {words}{why}{''.join(f'; {left}' for left in updated.update.left)}",
        extra=who
        | {
            "decision": decision,
            "reason": updated.update.reason,
            "new_revision": _short(updated.revision or ""),
            "containers": [_container(change) for change in changes],
        },
    )


def report_rollout(rollout: Rollout) -> None:
    """Say what became of a service after it was told to run a revision."""
    if rollout.has_just_failed:
        _add("RolloutsFailed", 1)
    if rollout.status is Status.ROLLED_BACK:
        _add("RolloutsRolledBack", 1)
    if rollout.status is Status.COMPLETED:
        _add("RolloutsCompleted", 1)
        if seconds := _since_push(rollout.cause, rollout.ended_at):
            _add("PushToSteady", seconds, MetricUnit.Seconds)
    logger.info(
        f"{rollout.name}: the rollout is {rollout.status.replace('-', ' ')}",
        extra={
            "cluster": _short(rollout.cluster),
            "ecs_service": rollout.name,
            "rollout": rollout.status,
            **({"ecs_reason": rollout.reason} if rollout.reason else {}),
            "old_revision": _short(rollout.old_revision),
            "new_revision": _short(rollout.new_revision),
            "containers": [_container(change) for change in rollout.changes],
        },
    )


def _container(change: Change) -> dict[str, str]:
    return {"name": change.container, "old": change.old_image, "new": change.new_image}


def _add(name: str, value: float, unit: MetricUnit = MetricUnit.Count) -> None:
    """Of rollouts, whichever function hears of it."""
    with single_metric(name=name, unit=unit, value=value, namespace=_NAMESPACE) as metric:
        metric.add_dimension("service", "rollouts")


def _since_push(cause: Cause, until: str) -> float | None:
    """Seconds; None after a sweep."""
    if isinstance(cause, Sweep):
        return None
    return max(0.001, (instant(until) - instant(cause.time)).total_seconds())


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]


def _count(name: str, value: int = 1) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
