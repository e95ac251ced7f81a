"""What became of our rollouts: observed in ECS, not in what was ordered, nor in what an event said."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tagalong.decide.look import Look
from tagalong.model.history import Deployment, History
from tagalong.model.record import Order, Record, Rejection, Status, begin
from tagalong.model.services import Primary, Service

_BEFORE_ORDER = timedelta(minutes=1)  # clocks differ
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
                record = record.rejecting(_rejection(now, look.history or History()))
    record = replace(record, orders=tuple(_kept(record.orders)))
    return _stuck(record, look, reports)


def under_way_since(look: Look) -> datetime | None:
    """When the deployment that is under way was created; None if there is none. ECS's list and the service
    may differ for a while: either counts."""
    newest = look.history.newest if look.history else None
    if newest and newest.under_way:
        return newest.created_at
    return look.service.primary.created_at if look.service.primary.state == "IN_PROGRESS" else None


def is_rolling_back(look: Look) -> bool:
    newest = look.history.newest if look.history else None
    return bool(newest and newest.rolling_back) or _ROLLING_BACK in look.service.primary.reason


def find(order: Order, history: History) -> Deployment | None:
    """The deployment of a rollout, by its number."""
    return next((it for it in history.deployments if order.deployment.endswith(f"/{it.number}")), None)


def _observed(order: Order, look: Look) -> Order | None:
    """None if it never began."""
    if not order.status.is_open:
        return order
    if not order.deployment:
        if not (id_ := _begun_as(order, look)):
            lost = look.history and not look.history.unavailable and look.now >= order.at + _UNTIL_LISTED
            return None if lost else order
        order = replace(order, deployment=id_, status=Status.STARTED)
    status, deployment = _status(order, look), find(order, look.history or History())
    if status == order.status:
        return _waits_for_tasks(order, look)
    reason = (look.history or History()).causes.get(deployment.arn, deployment.reason) if deployment else ""
    ended = (deployment and deployment.finished_at) or look.now
    return replace(order, status=status, reason=reason, ended_at=None if status.is_open else ended)


def _begun_as(order: Order, look: Look) -> str:
    """The answer of UpdateService was lost: the id of the oldest deployment that can be it."""
    history, primary = look.history or History(), look.service.primary
    for deployment in reversed(history.deployments):
        target = history.target(deployment)
        since = deployment.created_at >= order.at - _BEFORE_ORDER
        if since and target and target.task_definition == order.revision:
            return f"ecs-svc/{deployment.number}"
    on_it = look.service.task_definition == order.revision
    return primary.id if on_it and primary.created_at >= order.at - _BEFORE_ORDER else ""


def _status(order: Order, look: Look) -> Status:
    primary, history = look.service.primary, look.history or History()
    is_primary = primary.id == order.deployment
    if is_primary and look.service.completed:
        return _completed(order, primary)
    deployment = find(order, history)
    if deployment and (deployment.under_way or (deployment.successful and is_primary)):
        return order.status
    if deployment and deployment.successful:
        return Status.REPLACED if order.status is Status.NOT_STARTED else Status.COMPLETED
    if deployment:
        return _ended_badly(deployment, history)
    if is_primary:
        return Status.FAILED if primary.state == "FAILED" else order.status
    listed = look.history and not history.unavailable and look.now >= order.at + _UNTIL_LISTED
    return Status.REPLACED if listed else order.status


def _completed(order: Order, primary: Primary) -> Status:
    if primary.desired == 0:
        return Status.NOT_STARTED
    waits = order.status is Status.NOT_STARTED and primary.running != primary.desired
    return Status.NOT_STARTED if waits else Status.COMPLETED


def _ended_badly(deployment: Deployment, history: History) -> Status:
    if history.replaced(deployment):
        return Status.REPLACED
    if deployment.status == "STOPPED":
        return Status.FAILED if deployment.arn in history.causes else Status.STOPPED
    return Status.ROLLED_BACK if deployment.status == "ROLLBACK_SUCCESSFUL" else Status.FAILED


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
    deployment = find(order, history)
    at = deployment.created_at if deployment else order.at
    return Rejection(order.change, at, order.status, order.reason, order.shape)


def _kept(orders: tuple[Order, ...]) -> Iterator[Order]:
    """The last, those before it until it has begun, and whatever is still open."""
    begun = False
    for order in orders:
        if not begun or order.status.is_open:
            yield order
        begun = begun or order.status is not Status.ORDERED


def _stuck(record: Record, look: Look, reports: list[Report]) -> tuple[Record, tuple[Report, ...]]:
    """Said once of each deployment; one that waits in a hook or bakes is not stuck."""
    newest = look.history.newest if look.history else None
    known = newest if newest and newest.under_way else None
    id_ = f"ecs-svc/{known.number}" if known else look.service.primary.id
    order = next((it for it in record.orders if it.deployment == id_), None)
    if not stuck_since(look, record) or record.stuck == id_:
        return record, tuple(reports)
    report = Report(look.service, Status.STUCK, order, look.now, look.service.primary.reason)
    return replace(record, stuck=id_), (*reports, report)


def stuck_since(look: Look, record: Record) -> datetime | None:
    """Since when a deployment does not get on; None if that is not for long, or is as it should be."""
    order = record.order
    since = under_way_since(look)
    if is_rolling_back(look) and not (look.history and look.history.newest):
        since = None  # the PRIMARY is the old deployment, with its old time
    if order and order.status is Status.NOT_STARTED:
        since = order.wanted_tasks_at
    waits = look.history.waits_in if look.history else ""
    return since if since and not waits and look.now - since >= look.policy.stuck_after else None
