"""What people and programs are told: a notification for each thing that happens to a service."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from tagalong.decide.eligibility import RETRY
from tagalong.decide.outcomes import Report
from tagalong.deploy import Result
from tagalong.messages.text import neutral
from tagalong.model.decisions import Skip, SkipReason
from tagalong.model.images import short_digest
from tagalong.model.provenance import short_commit
from tagalong.model.record import Order, Status
from tagalong.model.revisions import Change
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import Push, Trigger
from tagalong.rollout import Updated

_SUBJECT_LENGTH = 99  # SNS takes less than 100 characters


class Kind(StrEnum):
    """What is sent to the topic can be chosen by kind."""

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    STOPPED = "stopped"
    REPLACED = "replaced"
    STUCK = "stuck"
    BLOCKED = "blocked"
    ACTION_REQUIRED = "action-required"


_OF_STATUS = {
    Status.STARTED: (Kind.STARTED, "{} moves to {}", "is being deployed"),
    Status.COMPLETED: (Kind.COMPLETED, "{} runs {}", "runs the new image: ECS has completed the deployment"),
    Status.FAILED: (Kind.FAILED, "{}: the rollout of {} failed", "was not moved: its deployment failed"),
    Status.ROLLED_BACK: (
        Kind.ROLLED_BACK,
        "{} was rolled back from {}",
        "runs what it ran before: ECS has rolled the deployment back",
    ),
    Status.STOPPED: (Kind.STOPPED, "{}: the rollout of {} was stopped", "was stopped on its way by a person"),
    Status.REPLACED: (
        Kind.REPLACED,
        "{}: the rollout of {} was replaced",
        "got a newer deployment meanwhile",
    ),
    Status.STUCK: (Kind.STUCK, "{}: the rollout of {} is stuck", "does not complete its deployment"),
}
_OF_REASON = {
    SkipReason.ON_HOLD: Kind.BLOCKED,
    SkipReason.ROLLED_BACK: Kind.BLOCKED,
    SkipReason.DEPLOYMENT_FAILED: Kind.BLOCKED,
    SkipReason.STOPPED_BY_PERSON: Kind.BLOCKED,
    SkipReason.REPLACED_BY_PERSON: Kind.BLOCKED,
    SkipReason.TOO_MANY_DEPLOYMENTS: Kind.BLOCKED,
    SkipReason.HISTORY_UNAVAILABLE: Kind.BLOCKED,
    SkipReason.MISCONFIGURED: Kind.ACTION_REQUIRED,
    SkipReason.TAG_NOT_FOUND: Kind.ACTION_REQUIRED,
    SkipReason.NOT_AN_IMAGE: Kind.ACTION_REQUIRED,
    SkipReason.RUNNING_VERSION_UNKNOWN: Kind.ACTION_REQUIRED,
    SkipReason.UNKNOWN_FIELD: Kind.ACTION_REQUIRED,
}
_RETRYABLE = {
    SkipReason.ROLLED_BACK,
    SkipReason.DEPLOYMENT_FAILED,
    SkipReason.STOPPED_BY_PERSON,
    SkipReason.REPLACED_BY_PERSON,
}


@dataclass(frozen=True, slots=True)
class Notification:
    """For a person, `subject` and `body`; for a program, `record`."""

    kind: Kind
    cluster: str
    service: str
    arn: str
    subject: str
    body: str
    record: Mapping[str, Any]
    runs: Mapping[str, str] = field(default_factory=dict)  # container -> image, where that is certain now


def notification(result: Result, trigger: Trigger) -> Notification | None:
    """Of what the deployer did or found; None where nothing happened that a person would ask about."""
    match result:
        case Updated(order=Order() as order):
            return _of_rollout(result.service, Status.STARTED, order, "")
        case Report():
            return _of_rollout(result.service, result.status, result.order, result.reason)
        case Skip(reason=SkipReason.ON_HOLD):
            return _of_skip(result) if isinstance(trigger, Push) else None
        case Skip(news=True) if result.reason in _OF_REASON:
            return _of_skip(result)
    return None


def _of_rollout(service: Service, status: Status, order: Order | None, reason: str) -> Notification | None:
    if status not in _OF_STATUS:
        return None
    kind, subject, became = _OF_STATUS[status]
    changes = order.changes if order else ()
    images = ", ".join(f"{it.repository.name}:{it.tag}" for it in changes) or "somebody else's deployment"
    where = f"{service.name} in {last_part(service.cluster)}"
    lines = [f"{service.name} in cluster {last_part(service.cluster)} {became}.", *map(_change, changes)]
    if order:
        lines += [_revisions(order), _trigger(order.trigger)]
    if reason and kind is not Kind.COMPLETED:
        lines.append(f"ECS says: {neutral(reason)}")
    runs = {it.container: it.new_image for it in changes} if kind is Kind.COMPLETED else {}
    record = _fields(service) | {"status": status, "reason": reason}
    told = _notification(
        kind,
        service,
        subject.format(where, images),
        [*lines, *_advice(kind, service)],
        record | ({"rollout": asdict(order)} if order else {}),
    )
    return replace(told, runs=runs)


def _of_skip(skip: Skip) -> Notification:
    kind, service = _OF_REASON[skip.reason], skip.service
    verb = "is blocked" if kind is Kind.BLOCKED else "needs attention"
    lines = [
        f"{service.name} in cluster {last_part(service.cluster)} is not updated: {neutral(skip.message)}."
    ]
    if skip.reason in _RETRYABLE:
        lines += ["", _to_retry(service.arn)]
    record = _fields(service) | {"reason": skip.reason, "message": skip.message}
    subject = f"{service.name} in {last_part(service.cluster)} {verb}: {skip.reason}"
    return replace(_notification(kind, service, subject, lines, record), runs=skip.running_images)


def _notification(
    kind: Kind, service: Service, subject: str, lines: list[str], record: Mapping[str, Any]
) -> Notification:
    cluster, body = last_part(service.cluster), "\n".join(lines)
    return Notification(kind, cluster, service.name, service.arn, _subject(subject), body, record)


def _fields(service: Service) -> dict[str, Any]:
    return {"service": service.arn, "cluster": service.cluster, "name": service.name}


def _change(change: Change) -> str:
    old = short_digest(change.old_image.rpartition("@")[2]) if "@" in change.old_image else "the plain tag"
    image = f"{change.repository.name}:{neutral(change.tag)} {short_digest(change.digest)}"
    commit = f", commit {short_commit(built)}" if (built := change.provenance.revision) else ""
    return f"  {change.container}: {image}{commit} (was {old})"


def _revisions(order: Order) -> str:
    return f"  task definition {last_part(order.revision)} (was {last_part(order.base)})"


def _trigger(trigger: Trigger) -> str:
    if isinstance(trigger, Push):
        what = f"{trigger.repository.name}:{trigger.tag}"
        return f"Pushed to {what} at {trigger.time:%Y-%m-%dT%H:%M:%SZ} (event {trigger.event_id})"
    return "Found by a sweep" if trigger.kind == "sweep" else "Found when a deployment ended"


def _advice(kind: Kind, service: Service) -> list[str]:
    if kind not in {Kind.FAILED, Kind.ROLLED_BACK, Kind.STOPPED}:
        return []
    where = f"--cluster {last_part(service.cluster)} --service {service.name}"
    return [
        "",
        "tagalong does not deploy this image to this service again. Push a fixed image, or retry this one:",
        _to_retry(service.arn),
        "If the deployment was not rolled back, the service still names the failed image. To start it again:",
        f"aws ecs update-service {where} --force-new-deployment",
    ]


def _to_retry(service: str) -> str:
    return f"aws ecs tag-resource --resource-arn {service} --tags key={RETRY},value=$(date -u +%FT%TZ)"


def _subject(text: str) -> str:
    ascii_only = text.encode("ascii", "replace").decode()
    return ascii_only if len(ascii_only) <= _SUBJECT_LENGTH else f"{ascii_only[: _SUBJECT_LENGTH - 3]}..."
