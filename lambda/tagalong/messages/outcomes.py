"""What became of each service that a job names: one log line and one metric."""

from aws_lambda_powertools.metrics import MetricUnit

from tagalong.deploy import Ended, Failed, Outcome, Updated
from tagalong.messages.logs import count, last_part, logger, metrics, report_skip, service_fields
from tagalong.messages.rollouts import container, report_rollout, since_push
from tagalong.model.decisions import Skip


def report_broken(error: BaseException) -> None:
    """Say that a job could not even be begun, or met an error of our own."""
    count("Failed")
    logger.error(f"a job is broken and will be tried again: {error!r}", exc_info=error)


def report(outcome: Outcome) -> None:
    """Say what became of one service."""
    match outcome:
        case Skip():
            report_skip(outcome)
        case Updated():
            _report_update(outcome)
        case Ended(rollout=rollout):
            report_rollout(rollout)
        case Failed(service, error):
            count("Failed")
            sentence = f"{service.name} was not updated and will be tried again: {error}"
            logger.error(
                sentence, extra=service_fields(service) | {"decision": "fail", "reason": "aws-error"}
            )


def _report_update(updated: Updated) -> None:
    changes = updated.update.changes
    words = ", ".join(f"{c.container} to {c.repository.name}:{c.tag}" for c in changes)
    verb, decision = ("moves", "update") if updated.revision else ("would move (dry run)", "would-update")
    count("Updated" if updated.revision else "WouldUpdate")
    if updated.rollout and (seconds := since_push(updated.rollout.cause, updated.rollout.started_at)):
        metrics.add_metric("PushToUpdate", MetricUnit.Seconds, seconds)
    why = ", where somebody had put the plain tag back" if updated.update.reason == "re-pinned" else ""
    logger.info(
        f"{updated.service.name} {verb}: {words}{why}{''.join(f'; {left}' for left in updated.update.left)}",
        extra=service_fields(updated.service)
        | {
            "decision": decision,
            "reason": updated.update.reason,
            "new_revision": last_part(updated.revision or ""),
            "containers": [container(change) for change in changes],
        },
    )
