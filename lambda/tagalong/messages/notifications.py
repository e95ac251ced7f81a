"""What people are told, in words: a notice for each thing that happens to a service."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tagalong.decide.eligibility import RETRY
from tagalong.deploy import Ended, Outcome, Updated
from tagalong.model.decisions import Skip, SkipReason
from tagalong.model.images import short_digest as short
from tagalong.model.revisions import Change
from tagalong.model.rollouts import Rollout, Status
from tagalong.model.triggers import Push

_SUBJECT_LENGTH = 100  # of SNS


class Kind(StrEnum):
    """What is told can be chosen by kind."""

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"
    HELD = "held"
    REFUSED = "refused"


_OF_STATUS = {
    Status.STARTED: (Kind.STARTED, "{} moves to the new {}"),
    Status.COMPLETED: (Kind.COMPLETED, "{} runs the new {}"),
    Status.FAILED: (Kind.FAILED, "{}: the rollout of {} failed"),
    Status.ROLLED_BACK: (Kind.ROLLED_BACK, "{} was rolled back from {}"),
}
_OF_REASON = {
    SkipReason.ON_HOLD: Kind.HELD,
    SkipReason.ROLLOUT_FAILED: Kind.HELD,
    SkipReason.ROLLED_BACK: Kind.HELD,
    SkipReason.ROLLBACK_IN_PROGRESS: Kind.HELD,
    SkipReason.MISCONFIGURED: Kind.REFUSED,
    SkipReason.TAG_NOT_FOUND: Kind.REFUSED,
    SkipReason.RUNNING_VERSION_UNKNOWN: Kind.REFUSED,
    SkipReason.UNKNOWN_FIELD: Kind.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Notice:
    """For a person, `subject` and `body`; for a program, `record`."""

    kind: Kind
    cluster: str
    service: str
    arn: str
    subject: str
    body: str
    record: Mapping[str, Any]
    runs: Mapping[str, str] = field(default_factory=dict)  # container -> image, where that is certain now


def notice(outcome: Outcome, *, pushed: bool) -> Notice | None:
    """Of what a deployer did or found; None where nothing happened that a person would ask about.

    A service that stays as it is is news when something was pushed that it would follow, not at each sweep.
    """
    match outcome:
        case Updated(rollout=Rollout() as rollout) | Ended(rollout=rollout):
            return of_rollout(rollout)
        case Skip(put_back=put_back) if put_back or (pushed and outcome.reason in _OF_REASON):
            return _of_skip(outcome)
    return None


def of_rollout(rollout: Rollout) -> Notice | None:
    """Of the status that a rollout has just reached."""
    status = Status.FAILED if rollout.status is Status.ROLLING_BACK else rollout.status
    if status not in _OF_STATUS or (status is Status.FAILED and not rollout.has_just_failed):
        return None
    kind, subject = _OF_STATUS[status]
    images = ", ".join(f"{change.repository.name}:{change.tag}" for change in rollout.changes)
    lines = [_what(kind, rollout), *map(_change, rollout.changes), _revisions(rollout), *_cause(rollout)]
    if rollout.reason and kind is not Kind.COMPLETED:
        lines.append(f"ECS says: {rollout.reason}")
    runs = (
        {change.container: change.new_image for change in rollout.changes} if kind is Kind.COMPLETED else {}
    )
    return Notice(
        kind,
        _last(rollout.cluster),
        rollout.name,
        rollout.service,
        _subject(subject.format(f"{rollout.name} in {_last(rollout.cluster)}", images)),
        "\n".join([*lines, *_advice(kind, rollout)]),
        asdict(rollout),
        runs,
    )


def _of_skip(skip: Skip) -> Notice:
    kind, service = _OF_REASON[skip.reason], skip.service
    verb = "is held back" if kind is Kind.HELD else "cannot be deployed"
    rejected = skip.reason in {SkipReason.ROLLOUT_FAILED, SkipReason.ROLLED_BACK}
    to_retry = ["", _to_retry(service.arn)] if rejected else []
    record = {
        "service": service.arn,
        "cluster": service.cluster,
        "name": service.name,
        "reason": skip.reason,
        "sentence": skip.sentence,
    }
    return Notice(
        kind,
        _last(service.cluster),
        service.name,
        service.arn,
        _subject(f"{service.name} in {_last(service.cluster)} {verb}: {skip.reason}"),
        "\n".join(
            [
                f"{service.name} in cluster {_last(service.cluster)} stays as it is: {skip.sentence}.",
                *to_retry,
            ]
        ),
        record,
        {it.container: it.image for it in skip.put_back},
    )


def _what(kind: Kind, rollout: Rollout) -> str:
    who = f"{rollout.name} in cluster {_last(rollout.cluster)}"
    return {
        Kind.STARTED: f"{who} is on its way to a new image.",
        Kind.COMPLETED: f"{who} runs the new image: ECS has completed the deployment.",
        Kind.FAILED: f"{who} could not be moved to a new image: its deployment failed.",
        Kind.ROLLED_BACK: f"{who} runs what it ran before: ECS has rolled the deployment back.",
    }[kind]


def _change(change: Change) -> str:
    old = short(change.old_image.rpartition("@")[2]) if "@" in change.old_image else "the plain tag"
    return f"  {change.container}: {change.repository.name}:{change.tag} {short(change.digest)} (was {old})"


def _revisions(rollout: Rollout) -> str:
    return f"  task definition {_last(rollout.new_revision)} (was {_last(rollout.old_revision)})"


def _cause(rollout: Rollout) -> list[str]:
    if isinstance(push := rollout.cause, Push):
        return [f"Pushed to {push.repository.name}:{push.tag} at {push.time} (event {push.event_id})"]
    return ["Found by a sweep"]


def _advice(kind: Kind, rollout: Rollout) -> list[str]:
    if kind not in {Kind.FAILED, Kind.ROLLED_BACK}:
        return []
    where = f"--cluster {_last(rollout.cluster)} --service {rollout.name}"
    return [
        "",
        "tagalong does not deploy this image to this service again. Push another one, or let it try again:",
        _to_retry(rollout.service),
        "Where ECS rolls nothing back, the service names this image still, and this tries it again:",
        f"aws ecs update-service {where} --force-new-deployment",
    ]


def _to_retry(service: str) -> str:
    return f"aws ecs tag-resource --resource-arn {service} --tags key={RETRY},value=$(date -u +%FT%TZ)"


def _subject(text: str) -> str:
    ascii_only = text.encode("ascii", "replace").decode()
    return ascii_only if len(ascii_only) <= _SUBJECT_LENGTH else f"{ascii_only[: _SUBJECT_LENGTH - 3]}..."


def _last(arn: str) -> str:
    return arn.rpartition("/")[2]
