"""Following a rollout to its end: by what ECS tells, and where it told nothing, by asking."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from tagalong.jobs import Job
from tagalong.model.decisions import Service, Skip, SkipReason
from tagalong.model.revisions import family
from tagalong.model.rollouts import (
    DeploymentEvent,
    Rejection,
    Rollout,
    Standing,
    Status,
    after,
    rejected,
)
from tagalong.model.triggers import Sweep
from tagalong.ports import Fates, Records


def heard(records: Records, event: DeploymentEvent, say: Callable[[Rollout], object]) -> Rollout | None:
    """The rollout that an event is about, as it is after it; None if it is about none of ours.

    What changed is said before it is kept, so that an error brings both again.
    """
    if not (before := records.standing(event.service).about(event)):
        return None
    rollout = after(before, event)
    if rollout != before:
        for rejection in rejected(rollout):
            records.reject(event.service, rejection)
        say(rollout)
        records.keep(rollout)
    return rollout


def looked(
    records: Records, fates: Fates, service: Service, *, thoroughly: bool
) -> tuple[Standing, Rollout | None]:
    """What is remembered of a service, and its rollout if it was found to have gone on.

    If not thoroughly, ECS is not asked as long as the service itself says that the rollout is under way.
    Whoever says what was found keeps it afterwards, so that an error brings both again.
    """
    standing, began = _confirmed(records, fates, service)
    if not standing.latest or not standing.latest.is_open:
        return standing, began
    under_way = service.deploying and service.revision == standing.latest.new_revision
    if under_way and standing.latest.status is Status.STARTED and not thoroughly:
        return standing, began
    rollout = _went_on(fates, service, standing.latest)
    if rollout == standing.latest:
        return standing, began
    for rejection in rejected(rollout):
        records.reject(rollout.service, rejection)
    rejections = {**standing.rejections, **{it.digest: it for it in rejected(rollout)}}
    return replace(standing, latest=rollout, rejections=rejections), rollout


def _went_on(fates: Fates, service: Service, rollout: Rollout) -> Rollout:
    if fate := fates.fate(service, rollout):
        return rollout.became(fate.status, fate.reason, fate.at)
    if rollout.status is Status.ROLLING_BACK and not service.rolling_back:
        why = "ECS knows no such deployment: it is another service by now"
        return rollout.became(Status.REPLACED, why, rollout.ended_at)
    return rollout


def _confirmed(records: Records, fates: Fates, service: Service) -> tuple[Standing, Rollout | None]:
    """After a crash: whether the rollout that was to begin did begin; and that, if so."""
    standing = records.standing(service.arn)
    if not (intent := standing.unconfirmed):
        return standing, None
    is_primary = service.revision == intent.new_revision
    if not is_primary and not fates.fate(service, intent):
        return standing, None
    deployment = service.primary if is_primary else ""
    began = replace(intent, deployment=deployment).became(Status.STARTED, "", "")
    if standing.latest:
        records.archive(standing.latest.superseded(began.started_at))
    return replace(standing, latest=began, earlier=tuple(filter(None, [standing.latest]))), began


def remember(records: Records, skip: Skip, now: datetime) -> None:
    """That a person removed an image."""
    for it in skip.put_back:
        rejection = Rejection(it.digest, now.isoformat(), SkipReason.ROLLED_BACK, it.sentence)
        records.reject(skip.service.arn, rejection)


def look_again(rollout: Rollout, event_id: str) -> Job:
    """After a rollback: what was pushed while ECS was not to be disturbed."""
    return Job(family(rollout.new_revision), 0, {rollout.cluster: (rollout.name,)}, Sweep(event_id))
