"""How decisions are said: one log line and one metric for each service looked at, in the same words."""

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from tagalong.decisions import Skip
from tagalong.deploying import Failed, Outcome, Updated
from tagalong.finding import Found
from tagalong.pushes import Cause, Ignored, Sweep

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
        case Failed(service, error):
            _count("Failed")
            sentence = f"{service.name} was not updated and will be tried again: {error}"
            logger.error(sentence, extra=who | {"decision": "fail", "reason": "aws-error"})


def _report_skip(skip: Skip, who: dict[str, str]) -> None:
    _count("Skipped")
    with single_metric(name="Skipped", unit=MetricUnit.Count, value=1, namespace=_NAMESPACE) as metric:
        metric.add_dimension("reason", skip.reason)
    sentence = f"{skip.service.name} stays as it is: {skip.sentence}"
    logger.info(sentence, extra=who | {"decision": "skip", "reason": skip.reason})


def _report_update(updated: Updated, who: dict[str, str]) -> None:
    changes = updated.update.changes
    words = ", ".join(f"{c.container} to {c.repository.name}:{c.tag}" for c in changes)
    verb, decision = ("moves", "update") if updated.revision else ("would move (dry run)", "would-update")
    _count("Updated" if updated.revision else "WouldUpdate")
    logger.info(
        f"{updated.service.name} {verb}: {words}",
        extra=who
        | {
            "decision": decision,
            "reason": "new-digest",
            "new_revision": _short(updated.revision or ""),
            "containers": [{"name": c.container, "old": c.old_image, "new": c.new_image} for c in changes],
        },
    )


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]


def _count(name: str, value: int = 1) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)
