"""What became of our rollouts: observed in ECS, not in what was ordered, nor in what an event said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tagalong.decide.look import Look
from tagalong.model.history import Deployment, History
from tagalong.model.record import Order, Record, Rejection, Status, begin
from tagalong.model.services import Primary, Service

_BEFORE_ORDER = timedelta(minutes=1)  # clocks differ
_MOST_OPEN = 10
_UNTIL_LISTED = timedelta(minutes=2)  # ECS lists a deployment up to 40 s after it began
_ROLLING_BACK = "rolling back to deployment"  # in the state reason of the PRIMARY


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a rollout; or, without an order, that somebody's deployment is stuck."""

    service: Service
    status: Status
    order: Order | None
    at: datetime
    reason: str = ""


def observe(look: Look) -> tuple[Record, tuple[Report, ...]]:
    """The record with what ECS says of each rollout that was open, and what is to be reported, in order."""
    record = replace(look.record, orders=())
    reports: list[Report] = []
    for order in reversed(look.record.orders):
        now = _observed(order, look)
        if now is None:
            continue
        record = replace(record, orders=(now, *record.orders))
        if not order.deployment and now.deployment:
            record = begin(record, now)
        if now.status != order.status:
            reports += _changed(order, now, look)
            if now.status.rejects and now.change:
                record = record.rejecting(_rejection(now, look.history))
    record = replace(record, orders=tuple(_kept(record.orders)))
    return _stuck(record, look, reports)


def under_way_since(look: Look) -> datetime | None:
    """When the deployment that is under way was created; None if there is none. ECS's list and the service
    may differ for a while: either counts."""
    primary = look.service.primary
    if listed := _listed_under_way(look):
        return listed.created_at
    if primary.state != "IN_PROGRESS":
        return None
    if not is_rolling_back(look):
        return primary.created_at
    # The PRIMARY is the old deployment, with its old time, and from what ECS goes back nobody tells.
    waits = look.record.waits
    return waits.since if waits and waits.deployment == primary.id else look.now


def deployment_id(look: Look) -> str:
    """Of the deployment that is under way, or else of the last."""
    listed = _listed_under_way(look)
    return listed.id if listed else look.service.primary.id


def _listed_under_way(look: Look) -> Deployment | None:
    """Unless the service tells of a newer one: by its id, or by going back to what was before. One that is
    asked to stop while ECS goes back was replaced by that which ECS goes back from."""
    listed, primary = look.history.under_way, look.service.primary
    if not listed:
        return None
    newer = primary.state == "IN_PROGRESS" and not look.history.find(primary.id)
    replaced = listed.status == "STOP_REQUESTED" and _goes_back(look)
    return None if replaced or (newer and primary.created_at > listed.created_at) else listed


def is_rolling_back(look: Look) -> bool:
    listed = look.history.under_way
    return _goes_back(look) or bool(listed and listed.rolling_back)


def _goes_back(look: Look) -> bool:
    """As the service says."""
    primary = look.service.primary
    return primary.state == "IN_PROGRESS" and _ROLLING_BACK in primary.reason


def _observed(order: Order, look: Look) -> Order | None:
    """None if it never began."""
    if not order.status.is_open:
        return order
    if not order.deployment:
        if not (id_ := _begun_as(order, look)):
            return None if _must_be_listed(order, look) else order
        order = replace(order, deployment=id_, status=Status.STARTED, reason="")
    order = _resolved(order, look)
    status, deployment = _status(order, look), look.history.find(order.deployment)
    if status == order.status:
        return _waits_for_tasks(order, look)
    reason = look.history.causes.get(deployment.arn, deployment.reason) if deployment else ""
    ended = (deployment and deployment.finished_at) or _completed_at(order, look) or look.now
    return replace(order, status=status, reason=reason, ended_at=None if status.is_open else ended)


def never_begun(before: Record, after: Record) -> Order | None:
    """A rollout that was written down and of which ECS knows nothing: the function ended in between. One that
    has a reason is told already."""
    kept = {it.at for it in after.orders}
    gone = (it for it in before.orders if it.status is Status.ORDERED and it.at not in kept)
    return next((it for it in gone if not it.reason), None)


def _completed_at(order: Order, look: Look) -> datetime | None:
    """Where no history is read: when the PRIMARY changed last."""
    primary = look.service.primary
    known = look.service.completed and primary.id == order.deployment and order.status is Status.STARTED
    return primary.updated_at if known else None


def _resolved(order: Order, look: Look) -> Order:
    """Of a forced deployment ECS knows the digests: it resolved the tags, not we."""
    if not order.forced or not (target := look.history.target(look.history.find(order.deployment))):
        return order
    digests = {name: target.digest(name) or known for name, known in order.digests.items()}
    change = {name: it for name, it in digests.items() if order.runs.get(name) != it}
    return replace(order, digests=digests, change=change)


def _begun_as(order: Order, look: Look) -> str:
    """The answer of UpdateService was lost: the id of the oldest deployment that can be it."""
    since, primary = order.at - _BEFORE_ORDER, look.service.primary
    taken = {it.deployment for it in look.record.orders}
    # Clocks differ: one from before the order counts only where there is none from after it.
    candidates = sorted(look.history.deployments, key=lambda it: (it.created_at < order.at, it.created_at))
    for deployment in candidates:
        target, known = look.history.target(deployment), deployment.id in taken
        ours = target and target.task_definition == order.revision
        if ours and not known and deployment.created_at >= since:
            return deployment.id
    on_it = look.service.task_definition == order.revision and primary.created_at >= since
    return primary.id if on_it and primary.id not in taken else ""


def _must_be_listed(order: Order, look: Look) -> bool:
    return look.history.was_read and look.now >= order.at + _UNTIL_LISTED


def _went_back(order: Order, look: Look) -> bool:
    """Without a history: ECS has completed a deployment that is older than the last rollout. Of those before
    it nobody can tell."""
    last = next((it for it in look.record.orders if it.deployment), order)
    old = look.service.completed and look.service.primary.created_at < order.at == last.at
    return bool(look.history.unavailable) and old and look.now >= order.at + _UNTIL_LISTED


def ends_unknown(order: Order | None, look: Look) -> bool:
    """Whether ECS may have begun this rollout, and even ended it, and does not list that yet."""
    if not order or order.status not in {Status.ORDERED, Status.STARTED}:
        return False
    if not look.history.was_read:
        return bool(look.history.unavailable) and _is_behind(order, look)
    deployment = look.history.find(order.deployment)
    return order.deployment != look.service.primary.id and not (deployment and deployment.under_way)


def _is_behind(order: Order, look: Look) -> bool:
    """For two minutes; then it is taken for what the service says."""
    return order.deployment != look.service.primary.id and look.now < order.at + _UNTIL_LISTED


def _status(order: Order, look: Look) -> Status:
    primary, deployment = look.service.primary, look.history.find(order.deployment)
    is_primary = primary.id == order.deployment
    if is_primary and look.service.completed:
        return _completed(order, primary)
    if deployment:
        under_way = deployment.under_way or (deployment.successful and is_primary)
        return order.status if under_way else _ended(deployment, order, look)
    listed = _must_be_listed(order, look)
    if is_primary:
        failed = primary.state == "FAILED" and (listed or not look.history.was_read)
        return Status.FAILED if failed else order.status
    if listed:
        return Status.REPLACED
    return Status.ROLLED_BACK if _went_back(order, look) else order.status


def _completed(order: Order, primary: Primary) -> Status:
    if primary.desired == 0:
        return Status.NOT_STARTED
    waits = order.status is Status.NOT_STARTED and primary.running != primary.desired
    return Status.NOT_STARTED if waits else Status.COMPLETED


def _ended(deployment: Deployment, order: Order, look: Look) -> Status:
    if deployment.successful:
        return Status.REPLACED if order.status is Status.NOT_STARTED else Status.COMPLETED
    if look.history.replaced(deployment):
        return Status.REPLACED
    if deployment.status == "STOPPED":
        return _stopped(deployment, order, look)
    return Status.ROLLED_BACK if deployment.status == "ROLLBACK_SUCCESSFUL" else Status.FAILED


def _stopped(deployment: Deployment, order: Order, look: Look) -> Status:
    """By its circuit breaker, by a person, or for a newer one that ECS does not list yet."""
    if deployment.arn in look.history.causes:
        return Status.FAILED
    is_newest = order.deployment == look.service.primary.id
    ended = deployment.finished_at or look.now
    return Status.STOPPED if is_newest or look.now >= ended + _UNTIL_LISTED else order.status


def _waits_for_tasks(order: Order, look: Look) -> Order:
    """A look first sees that tasks are wanted of what was completed with none."""
    if order.status is not Status.NOT_STARTED:
        return order
    since = (order.wanted_tasks_at or look.now) if look.service.primary.desired else None
    return replace(order, wanted_tasks_at=since)


def _changed(before: Order, now: Order, look: Look) -> Iterator[Report]:
    if before.status is Status.ORDERED and now.status is not Status.STARTED:
        yield Report(look.service, Status.STARTED, now, now.at)
    yield Report(look.service, now.status, now, now.ended_at or look.now, now.reason)


def _rejection(order: Order, history: History) -> Rejection:
    deployment = history.find(order.deployment)
    at = deployment.created_at if deployment else order.at
    return Rejection(order.change, at, order.status, order.reason, order.shape)


def _kept(orders: tuple[Order, ...]) -> Iterator[Order]:
    """The last, those before it until it has begun, and whatever is still open; of that not without end,
    where ECS tells nothing."""
    begun = False
    for order in orders[:_MOST_OPEN]:
        if not begun or order.status.is_open:
            yield order
        begun = begun or order.status is not Status.ORDERED


def _stuck(record: Record, look: Look, reports: list[Report]) -> tuple[Record, tuple[Report, ...]]:
    """Said once of each deployment; one that waits in a hook or bakes is not stuck."""
    id_ = deployment_id(look)
    order = next((it for it in record.orders if it.deployment == id_), None)
    if not stuck_since(look, record) or record.stuck == id_:
        return record, tuple(reports)
    report = Report(look.service, Status.STUCK, order, look.now, look.service.primary.reason)
    return replace(record, stuck=id_), (*reports, report)


def stuck_since(look: Look, record: Record) -> datetime | None:
    """Since when a deployment does not get on; None if that is not for long, or is as it should be."""
    since = under_way_since(look)
    if record.order and record.order.status is Status.NOT_STARTED:
        since = record.order.wanted_tasks_at
    waits = look.history.waits_in
    return since if since and not waits and look.now - since >= look.policy.stuck_after else None
