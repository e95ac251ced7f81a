"""What is remembered of a service after a look: when tags moved, whom a person chose, what stays rejected."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tagalong.decide.look import Followed, Look, base_digests
from tagalong.model.history import Target
from tagalong.model.record import Choice, Noted, Record, Status
from tagalong.model.revisions import shape
from tagalong.model.services import EPOCH, last_part
from tagalong.model.triggers import Push

_ECS_REMEMBERS = timedelta(days=90)


def forget(record: Record, look: Look) -> Record:
    """Rejections end by success, by a person, and where the edit that may have failed is gone."""
    runs = base_digests(look) if look.service.steady else {}
    base = shape(look.base)
    kept = tuple(
        it
        for it in record.rejections
        if it.at > look.retry_at
        and not any(runs.get(container) == digest for container, digest in it.change.items())
        and it.shape in {"", base}
    )
    return replace(record, rejections=kept)


def remember(record: Record, look: Look, followed: Sequence[Followed]) -> Record:
    """Each container with when its tag began to name what it names, and the digest that a person chose."""
    choices = {name: it.choice for name, it in record.containers.items()} | _chosen(record, look)
    chosen = {name: it for name, it in choices.items() if it and not _put_back_in_vain(record, name, it)}
    containers = {it.name: _noted(it, record.containers.get(it.name), look) for it in followed}
    return replace(
        record,
        containers={
            name: replace(noted, choice=_standing(noted, chosen.get(name), look))
            for name, noted in containers.items()
        },
    )


def _noted(followed: Followed, known: Noted | None, look: Look) -> Noted:
    pushed = _pushed(followed, look)
    at = pushed or look.now
    if not followed.by_tag and followed.digest:
        at = _pushed_first(followed)
    if known is None:
        missed = _pushed_unnoticed(followed, look)
        adopted = not (followed.pushed or missed) and has_completed(look)
        return Noted(followed.digest, _pushed_first(followed) if missed else at, adopted=adopted)
    if known.adopted and look.retry_at > known.at:
        known = replace(known, adopted=False)
    if pushed and (known.adopted or pushed > known.at):  # an event of before it was adopted reaches us late
        return replace(known, digest=followed.digest, at=max(at, known.at), adopted=False)
    if followed.digest and (followed.digest != known.digest or (followed.pushed and known.adopted)):
        adopted = not followed.pushed and _has_failed(followed, look)
        return replace(known, digest=followed.digest, at=at, adopted=adopted)
    return known


def _pushed_unnoticed(followed: Followed, look: Look) -> bool:
    """The push came when nobody here knew of the service, which had just been made. ECR tells seconds."""
    made = look.service.created_at
    is_new = EPOCH < look.known_until < made
    later = is_new and followed.digest and _pushed_first(followed) >= made.replace(microsecond=0)
    return bool(later) and not _has_failed(followed, look)


def _has_failed(followed: Followed, look: Look) -> bool:
    """The record is older than a rollout of ours that failed: the table was restored from a backup.

    What others deployed rejects nothing. Ours name the digest and no tag; from theirs that do the same ours
    cannot be told."""
    history, ours = look.history, {last_part(order.deployment) for order in look.record.orders}
    return any(
        history.failed(it) and it.number not in ours and target.pins(followed.name, followed.digest)
        for it in history.deployments
        if (target := history.target(it))
    )


def _pushed(followed: Followed, look: Look) -> datetime | None:
    """When an event said where the tag points, and ECR agrees."""
    push, wanted = look.trigger, followed.wanted
    if not isinstance(push, Push) or not followed.digest:
        return None
    said = (push.repository, push.tag, push.digest)
    agrees = said == (followed.container.image.repository, getattr(wanted, "tag", ""), followed.digest)
    return push.time if agrees else None


def _pushed_first(followed: Followed) -> datetime:
    return datetime.fromtimestamp(getattr(followed.wanted, "pushed_at", 0), tz=UTC)


def has_completed(look: Look) -> bool:
    """Whether a deployment of the service ever has; where nobody knows, it counts as so."""
    history, forgotten = look.history, look.now - look.service.created_at > _ECS_REMEMBERS
    return look.service.completed or forgotten or bool(history.last_successful or history.unavailable)


def _chosen(record: Record, look: Look) -> dict[str, Choice | None]:
    """By deployments of others since our last order, the last one counts. A plain tag chooses nothing, and
    nothing is compared with an order of which nobody knows whether it began."""
    order = record.order
    if not order or (order.status is Status.ORDERED and not order.deployment):
        return {}
    chosen: dict[str, Choice | None] = {}
    for number, at, target in _of_others(record, look, order.at):
        for container, ordered in order.digests.items():
            known = chosen.get(container, _choice(record, container))
            named = target.named(container)
            if named and named != ordered:
                chosen[container] = Choice(named, at, number)
            elif named and known and known.digest != named:
                chosen[container] = None
    return chosen


def _of_others(record: Record, look: Look, since: datetime) -> list[tuple[str, datetime, Target]]:
    """(number, created, target), the oldest first. The PRIMARY may not be listed yet, or not told at all."""
    ours = {last_part(order.deployment) for order in record.orders}
    history, primary = look.history, look.service.primary
    found = [
        (it.number, it.created_at, target)
        for it in reversed(history.deployments)
        if it.created_at > since and it.number not in ours and not history.failed(it)
        if (target := history.target(it))
    ]
    unlisted = primary.number not in ours and not history.find(primary.id) and primary.state != "FAILED"
    if unlisted and primary.created_at > since and (history.was_read or history.unavailable):
        images = {c.name: c.image.text for c in look.base.containers}
        found.append((primary.number, primary.created_at, Target(look.base.arn, images)))
    return found


def _choice(record: Record, container: str) -> Choice | None:
    noted = record.containers.get(container)
    return noted.choice if noted else None


def _put_back_in_vain(record: Record, container: str, choice: Choice) -> bool:
    """Our last rollout did nothing but write it over the tag of a template, and failed."""
    order = record.order
    if not order or not order.status.rejects or order.change or order.at < choice.at:
        return False
    return order.digests.get(container) == choice.digest != order.runs.get(container)


def _standing(noted: Noted, choice: Choice | None, look: Look) -> Choice | None:
    """A push after it ends it, the tag tagalong:retry does, and that its deployment failed."""
    failed = {it.number for it in look.history.deployments if look.history.failed(it)}
    if look.service.primary.state == "FAILED":
        failed.add(look.service.primary.number)
    if not choice or choice.deployment in failed or choice.at < look.retry_at:
        return None
    return None if noted.is_open_push and noted.at > choice.at else choice
