"""What became of a rollout: as ECS tells it, not as it was ordered."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from support.looks import (
    BEFORE,
    HOST,
    MINUTE,
    NEW,
    NOW,
    OLD,
    SECOND,
    SERVICE,
    deployment,
    history,
    look,
    order,
    primary,
    revision,
    target,
)
from tagalong.decide.look import Look
from tagalong.decide.outcomes import Report, observe
from tagalong.model.history import Deployment, History
from tagalong.model.record import Order, Record, Status

AT = NOW - 5 * MINUTE  # of the order
THEN = AT + MINUTE


def seen(what: Order, told: History, **service: Any) -> tuple[Record, tuple[Report, ...]]:
    return observe(after(what, told, **service))


def after(what: Order, told: History, **service: Any) -> Look:
    record = Record(BEFORE, orders=(what,))
    now = replace(SERVICE, task_definition=SECOND, **service)
    return look(revision(f"{HOST}/app@{NEW}"), {"app": NEW}, record=record, history=told, service=now)


def ours(status: str, finished_at: Any = THEN) -> Deployment:
    return deployment(2, status, AT, finished_at)


NEWER_ONE = deployment(3, "IN_PROGRESS", THEN)
WENT_BACK = primary(1, "COMPLETED", BEFORE)
ENDS = {
    "under way": (history(ours("IN_PROGRESS", None)), primary(2, "IN_PROGRESS", AT), None),
    "not listed yet as ended": (history(ours("SUCCESSFUL")), primary(2, "IN_PROGRESS", AT), None),
    "completed": (history(), primary(2, "COMPLETED", AT), "completed"),
    "completed and gone": (
        history(NEWER_ONE, ours("SUCCESSFUL")),
        primary(3, "IN_PROGRESS", THEN),
        "completed",
    ),
    "completed without a task": (history(), primary(2, "COMPLETED", AT, (0, 0)), "not-started"),
    "rolled back": (history(ours("ROLLBACK_SUCCESSFUL")), WENT_BACK, "rolled-back"),
    "rollback failed": (history(ours("ROLLBACK_FAILED")), WENT_BACK, "failed"),
    "stopped by a person": (history(ours("STOPPED")), WENT_BACK, "stopped"),
    "failed without rollback": (
        history(ours("STOPPED"), causes={"arn:deployment/2": "the circuit breaker"}),
        primary(2, "FAILED", AT),
        "failed",
    ),
    "replaced": (history(NEWER_ONE, ours("STOPPED")), primary(3, "IN_PROGRESS", THEN), "replaced"),
    "forgotten by ECS": (history(), WENT_BACK, "replaced"),
    "not told by ECS": (History(unavailable="denied"), primary(3, "IN_PROGRESS", THEN), None),
}


@pytest.mark.parametrize(("told", "now", "ends"), ENDS.values(), ids=ENDS)
def test_a_rollout_ends_as_ecs_says_and_this_is_reported_once(
    told: History, now: Any, ends: str | None
) -> None:
    first = after(order(AT), told, primary=now)

    record, reports = observe(first)

    assert [it.status for it in reports] == ([ends] if ends else [])
    assert record.order
    assert record.order.status == (ends or "started")
    assert observe(replace(first, record=record)) == (record, ())


@pytest.mark.parametrize("status", ["rolled-back", "failed", "stopped"])
def test_what_ended_without_success_is_rejected_together(status: str) -> None:
    [told, now] = {"rolled-back": ENDS["rolled back"], "stopped": ENDS["stopped by a person"]}.get(
        status, ENDS["failed without rollback"]
    )[:2]
    record, _ = seen(order(AT, change={"c0": NEW, "c1": OLD}), told, primary=now)

    [rejection] = record.rejections
    assert (rejection.change, rejection.status, rejection.at) == ({"c0": NEW, "c1": OLD}, status, AT)


@pytest.mark.parametrize("name", ["replaced", "completed", "under way", "forgotten by ECS"])
def test_what_did_not_end_without_success_is_not_rejected(name: str) -> None:
    told, now, _ = ENDS[name]

    record, _ = seen(order(AT), told, primary=now)

    assert not record.rejections


def test_a_rollout_that_changed_nothing_rejects_nothing() -> None:
    record, _ = seen(order(AT, change={}), ENDS["rolled back"][0], primary=WENT_BACK)

    assert not record.rejections


def test_the_deployment_of_a_lost_answer_is_the_oldest_of_our_revision_since_the_order() -> None:
    ordered = order(AT, Status.ORDERED)
    of_us = {f"arn:revision/{number}": target(f"{HOST}/app@{NEW}") for number in (2, 3, 4)}
    told = history(
        deployment(4, "IN_PROGRESS", THEN),
        deployment(3, "STOPPED", AT, THEN),
        deployment(2, "SUCCESSFUL", AT - 2 * MINUTE),
        targets=of_us,
    )

    record, reports = seen(ordered, told, primary=primary(4, "IN_PROGRESS", THEN))

    assert record.order
    assert record.order.deployment == "ecs-svc/3"
    assert [it.status for it in reports] == ["started", "replaced"]


@pytest.mark.parametrize(("age", "remembered"), [(1 * MINUTE, True), (2 * MINUTE, False)])
def test_an_order_that_ecs_lists_nowhere_after_two_minutes_never_began(
    age: timedelta, remembered: bool
) -> None:
    record = Record(BEFORE, orders=(order(NOW - age, Status.ORDERED),))

    after, reports = observe(look(revision(f"{HOST}/app@{OLD}"), {}, record=record, history=history()))

    assert bool(after.order) is remembered
    assert not reports


def stuck(now: Look) -> list[Report]:
    return [it for it in observe(now)[1] if it.status is Status.STUCK]


def under_way(minutes: int, **told: Any) -> Look:
    since = NOW - minutes * MINUTE
    return look(
        revision(f"{HOST}/app@{NEW}"),
        {},
        record=Record(BEFORE, orders=(order(since),)),
        service=replace(SERVICE, primary=primary(2, "IN_PROGRESS", since, (1, 0))),
        history=history(deployment(2, "IN_PROGRESS", since), **told),
    )


@pytest.mark.parametrize(("minutes", "told"), [(29, 0), (30, 1), (300, 1)])
def test_a_deployment_is_stuck_when_it_does_not_complete_for_half_an_hour(minutes: int, told: int) -> None:
    assert len(stuck(under_way(minutes))) == told


def test_a_deployment_is_reported_as_stuck_once() -> None:
    first = under_way(30)
    record, _ = observe(first)

    assert not stuck(replace(first, record=record, now=NOW + 10 * MINUTE))


def test_a_deployment_that_waits_in_a_hook_or_bakes_is_not_stuck() -> None:
    assert not stuck(under_way(300, waits_in="BAKE_TIME"))


def test_a_rollout_without_tasks_is_stuck_half_an_hour_after_tasks_are_wanted() -> None:
    idle = order(BEFORE, Status.NOT_STARTED)
    service = replace(SERVICE, primary=primary(2, "COMPLETED", BEFORE, (1, 0)))
    first = look(revision(f"{HOST}/app@{NEW}"), {}, record=Record(BEFORE, orders=(idle,)), service=service)
    record, reports = observe(first)
    assert not reports

    later = replace(first, record=record, now=NOW + 30 * MINUTE)
    assert [it.status for it in observe(later)[1]] == ["stuck"]
    running = replace(later, service=replace(service, primary=primary(2, "COMPLETED", BEFORE)))
    assert [it.status for it in observe(running)[1]] == ["completed"]
