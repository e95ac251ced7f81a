"""How results are written down: log lines and metrics, in the same words."""

import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from aws_lambda_powertools import Logger, Metrics, single_metric
from aws_lambda_powertools.metrics import MetricUnit

from tagalong import __version__
from tagalong.decide.outcomes import Report
from tagalong.deploy import Elsewhere, Failed, Result, Unfinished
from tagalong.find import FindResult, Running
from tagalong.jobs import Job
from tagalong.model.decisions import Skip, SkipReason
from tagalong.model.images import short_digest
from tagalong.model.record import Order, Status
from tagalong.model.revisions import Change
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import DeploymentEvent, Ignored, Push, Trigger
from tagalong.rollout import ConcurrentDeploymentError, Updated

_ONE_BY_ONE = 20

logger = Logger(version=__version__)
metrics = Metrics(namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "tagalong"))
warnings.filterwarnings("ignore", "No application metrics to publish")  # most events of deployments have none

_COUNTED = {
    Status.COMPLETED: "RolloutsCompleted",
    Status.FAILED: "RolloutsFailed",
    Status.ROLLED_BACK: "RolloutsRolledBack",
    Status.STOPPED: "RolloutsStopped",
    Status.STUCK: "DeploymentsStuck",
}


def trigger_fields(trigger: Trigger) -> dict[str, str | None]:
    """What each log line about a trigger carries."""
    fields: dict[str, str | None] = {"event_id": trigger.event_id, "trigger": trigger.kind}
    if isinstance(trigger, Push):
        image = {"repository": trigger.repository.name, "tag": trigger.tag, "digest": trigger.digest}
        return {**fields, **image}
    repository = None if isinstance(trigger, DeploymentEvent) else trigger.repository
    return {**fields, "repository": repository, "tag": None, "digest": None}  # also within a push


def report_found(found: FindResult | Ignored) -> None:
    """What the finder made of an event."""
    if isinstance(found, Ignored):
        count("Ignored")
        logger.info(f"nothing to do: {found.message}", extra={"reason": found.reason})
        return
    _report_skips(found.skips)
    following = sum(len(names) for job in found.jobs for names in job.services.values())
    count("Triggers")
    count("Jobs", len(found.jobs))
    count("ServicesScanned", found.scanned)
    families = [job.family for job in found.jobs]
    left = {"settled": dict(found.settled)} if found.settled else {}
    logger.info(f"{following} of {found.scanned} services are affected", extra={"families": families, **left})
    if found.deferred:
        logger.info("the rest follows: the fleet is being read, or time does not suffice")
    for warning in found.warnings:
        logger.warning(f"the index could not be kept, so the next push reads the fleet: {warning}")
    report_untagged(found.untagged)
    for error in found.errors:
        count("ScanErrors")
        logger.error(
            f"could not be read, so its services may miss this: {error}", extra={"decision": "error"}
        )


def report_rechecks(messages: int, jobs: Sequence[Job]) -> None:
    """What came of events of deployments and of what was to be looked at again."""
    if jobs:
        count("Rechecks", len(jobs))
        families = sorted({job.family for job in jobs})
        logger.info(f"{len(jobs)} of {messages} services are checked again", extra={"families": families})


def report_untagged(running: Iterable[Running]) -> None:
    """Warn of images that run and that a lifecycle policy may delete."""
    for it in running:
        count("RunningImagesUntagged")
        logger.warning(
            f"{it.service.name} runs {it.repository.name}@{short_digest(it.digest)}, which has no tag any "
            "more: if a lifecycle policy deletes it, no task can start",
            extra={**_service_fields(it.service), "container": it.container, "digest": it.digest},
        )


def report_broken(error: Exception) -> None:
    """A message that cannot be processed."""
    count("Failed")
    logger.error(f"a message could not be processed: {error!r}", exc_info=error)


def report(job: Job, result: Result) -> None:
    """What came of one service: one log line and its metrics."""
    with logger.append_context_keys(**trigger_fields(job.trigger)):
        match result:
            case Skip():
                _report_skip(result)
            case Updated():
                _report_update(result)
            case Report():
                _report_rollout(result)
            case Failed():
                _report_failure(job, result)
            case Unfinished(services):
                left = sum(map(len, services.values()))
                extra = {"decision": "error", "reason": "out-of-time"}
                logger.info(f"{left} services are left for the next invocation", extra=extra)
            case Elsewhere(service):
                message = f"{service.name} belongs to another family by now: it is checked there"
                logger.info(message, extra=_service_fields(service))


def entry(result: Result, now: datetime) -> tuple[Service, datetime, dict[str, Any]] | None:
    """For the readable log of a service: what became of a rollout, or that a person's choice is kept."""
    match result:
        case Updated(order=Order() as order):
            return result.service, order.at, {"status": Status.STARTED, **_readable(order)}
        case Report(order=order):
            fields = {"status": result.status, "reason": result.reason, **(_readable(order) if order else {})}
            return result.service, result.at, fields
        case Skip(reason=SkipReason.REPLACED_BY_PERSON, news=True):
            return result.service, now, {"status": result.reason, "reason": result.message}
    return None


def count(name: str, value: int = 1) -> None:
    metrics.add_metric(name, MetricUnit.Count, value)


def _service_fields(service: Service) -> dict[str, str]:
    """What each log line about a service carries. `service` is Powertools' name for the function."""
    return {"cluster": last_part(service.cluster), "ecs_service": service.name}


def _report_skips(skips: Sequence[Skip]) -> None:
    """One by one; of very many that say the same, the first with the number of the others."""
    alike: dict[tuple[str, str], list[Skip]] = {}
    for skip in skips:
        alike.setdefault((skip.reason, skip.message), []).append(skip)
    for some in alike.values():
        if len(some) <= _ONE_BY_ONE:
            for skip in some:
                _report_skip(skip)
        else:
            _count_skipped(some[0].reason, len(some))
            first, names = some[0], sorted(it.service.key for it in some)
            logger.info(
                f"{len(some)} services skipped ({first.reason}), {names[0]} among them: {first.message}",
                extra={"decision": "skip", "reason": first.reason, "services": names[:_ONE_BY_ONE]},
            )


def _count_skipped(reason: str, value: int = 1) -> None:
    count("Skipped", value)
    with single_metric(
        name="Skipped", unit=MetricUnit.Count, value=value, namespace=metrics.namespace
    ) as metric:
        metric.add_dimension("reason", reason)


def _report_skip(skip: Skip) -> None:
    _count_skipped(skip.reason)
    if skip.reason is SkipReason.REPLACED_BY_PERSON and skip.news:
        count("ReplacedByPerson")
    extra = {
        "decision": "skip",
        "reason": skip.reason,
        "task_definition": last_part(skip.service.task_definition),
    }
    message = f"{skip.service.name} skipped ({skip.reason}): {skip.message}"
    logger.info(message, extra=_service_fields(skip.service) | extra)


def _report_update(updated: Updated) -> None:
    update, order = updated.update, updated.order
    count("Updated" if order else "WouldUpdate")
    verb, decision = ("updated", "update") if order else ("would be updated (dry run)", "would-update")
    words = ", ".join(f"{c.container} to {c.repository.name}:{c.tag}" for c in update.changes)
    if order and isinstance(order.trigger, Push):
        metrics.add_metric("PushToUpdate", MetricUnit.Seconds, _since(order.trigger, order.at))
    logger.info(
        f"{updated.service.name} {verb}: {words}{''.join(f'; {it}' for it in update.unchanged)}",
        extra=_service_fields(updated.service)
        | {
            "decision": decision,
            "reason": update.reason,
            "old_revision": last_part(updated.service.task_definition),
            "new_revision": last_part(order.revision) if order else "",
            "containers": [_container(change) for change in update.changes],
        },
    )


def _report_rollout(report: Report) -> None:
    """With the trigger of the rollout, whatever made tagalong look: who searches for a push finds its end."""
    order, status = report.order, report.status
    if name := _COUNTED.get(status):
        count(name)
    if order and status is Status.COMPLETED and isinstance(order.trigger, Push):
        metrics.add_metric("PushToSteadyState", MetricUnit.Seconds, _since(order.trigger, report.at))
    what = "rollout" if order else "deployment"
    fields = trigger_fields(order.trigger) if order else {}
    reason = {"ecs_reason": report.reason} if report.reason else {}
    logger.info(
        f"{report.service.name}: the {what} is {status.replace('-', ' ')}",
        extra={
            **fields,
            **_service_fields(report.service),
            "deployment_status": status,
            **reason,
            **(_order_fields(order) if order else {}),
        },
    )


def _order_fields(order: Order) -> dict[str, object]:
    return {
        "old_revision": last_part(order.base),
        "new_revision": last_part(order.revision),
        "containers": [_container(change) for change in order.changes],
    }


def _readable(order: Order) -> dict[str, Any]:
    return {**_order_fields(order), **trigger_fields(order.trigger), "deployment": order.deployment}


def _report_failure(job: Job, failed: Failed) -> None:
    count("Failed")
    concurrent = isinstance(failed.error, ConcurrentDeploymentError)
    reason = "concurrent-deployment" if concurrent else "aws-error"
    text = str(failed.error) or repr(failed.error)
    logger.error(
        f"{failed.service.name} was not updated and will be tried again: {text}",
        extra=_service_fields(failed.service)
        | {"decision": "error", "reason": reason, "attempt": job.attempt + 1},
    )


def _container(change: Change) -> dict[str, str]:
    says = {name: it for name, it in asdict(change.provenance).items() if it}
    return {"name": change.container, "old": change.old_image, "new": change.new_image, **says}


def _since(push: Push, until: datetime) -> float:
    return max(0.001, (until - push.time).total_seconds())
