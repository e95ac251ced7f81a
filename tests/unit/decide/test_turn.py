"""Whether it is our turn: others are not overtaken in a hurry, and no wait is without end."""

from dataclasses import replace
from typing import Any

import pytest

from support.looks import (
    BEFORE,
    HOST,
    MINUTE,
    NEW,
    NOW,
    OLD,
    SERVICE,
    deployment,
    history,
    look,
    order,
    primary,
    revision,
)
from tagalong.decide.followed import followed
from tagalong.decide.turn import wait_for
from tagalong.model.history import History
from tagalong.model.record import Noted, Record, Wait
from tagalong.model.services import Primary

OPEN, ADOPTED = Noted(NEW, NOW), Noted(NEW, NOW, adopted=True)


def reason(
    noted: Noted,
    told: History,
    now: Primary = SERVICE.primary,
    *,
    rollout_at: Any = None,
    waits: Wait | None = None,
) -> str | None:
    orders = (order(rollout_at),) if rollout_at else ()
    record = Record(BEFORE, {"c0": noted}, orders, waits=waits)
    service = replace(SERVICE, primary=now)
    seen = look(
        revision(f"{HOST}/app:prod@{OLD}"), {"app": NEW}, record=record, history=told, service=service
    )
    containers, _ = followed(seen, record)
    refused = wait_for(seen, record, containers)
    return refused.reason if refused else None


def test_it_is_our_turn_when_nothing_is_under_way() -> None:
    assert reason(OPEN, history()) is None


@pytest.mark.parametrize(("minutes", "expected"), [(29, "deployment-in-progress"), (30, None)])
def test_a_deployment_of_others_is_waited_for_and_overtaken_when_it_is_stuck(
    minutes: int, expected: str | None
) -> None:
    since = NOW - minutes * MINUTE

    assert (
        reason(OPEN, history(deployment(3, "IN_PROGRESS", since)), primary(3, "IN_PROGRESS", since))
        == expected
    )


def test_a_deployment_of_others_is_never_overtaken_without_an_open_push() -> None:
    told = history(deployment(3, "IN_PROGRESS", BEFORE))

    assert reason(ADOPTED, told, primary(3, "IN_PROGRESS", BEFORE)) == "deployment-in-progress"


@pytest.mark.parametrize("list_or_service", ["list", "service"])
def test_either_the_list_or_the_service_says_that_a_deployment_is_under_way(list_or_service: str) -> None:
    since = NOW - MINUTE
    listed = (deployment(3, "IN_PROGRESS", since),) if list_or_service == "list" else ()
    now = primary(3, "IN_PROGRESS", since) if list_or_service == "service" else SERVICE.primary

    assert reason(OPEN, history(*listed), now) == "deployment-in-progress"


def test_our_own_rollout_is_overtaken() -> None:
    since = NOW - MINUTE
    told = history(deployment(2, "IN_PROGRESS", since))

    assert reason(OPEN, told, primary(2, "IN_PROGRESS", since), rollout_at=since) is None


def test_a_rollback_of_our_own_rollout_is_waited_for() -> None:
    since = NOW - MINUTE
    told = history(deployment(2, "ROLLBACK_IN_PROGRESS", since))

    assert reason(OPEN, told, primary(1, "IN_PROGRESS", BEFORE), rollout_at=since) == "deployment-in-progress"


@pytest.mark.parametrize(("number", "expected"), [(1, None), (3, "deployment-in-progress")])
def test_where_no_history_is_told_a_rollback_is_waited_for_since_a_look_first_saw_this_one(
    number: int, expected: str | None
) -> None:
    """Not since another deployment was waited for: the PRIMARY is the old deployment with its old time."""
    back = replace(primary(1, "IN_PROGRESS", BEFORE), reason="rolling back to deploymentId ecs-svc/1")
    told = History(unavailable="AccessDeniedException")
    waits = Wait("deployment-in-progress", NOW - 40 * MINUTE, f"ecs-svc/{number}")

    assert reason(OPEN, told, back, waits=waits) == expected


@pytest.mark.parametrize("number", [2, 3])
def test_a_deployment_that_waits_in_a_hook_or_bakes_is_not_overtaken_however_old(number: int) -> None:
    told = history(deployment(number, "IN_PROGRESS", BEFORE), waits_in="BAKE_TIME")

    found = reason(OPEN, told, primary(number, "IN_PROGRESS", BEFORE), rollout_at=BEFORE)
    assert found == "deployment-in-progress"


@pytest.mark.parametrize(("noted", "expected"), [(OPEN, None), (ADOPTED, "history-unavailable")])
def test_an_open_push_goes_ahead_when_ecs_does_not_tell_the_history(
    noted: Noted, expected: str | None
) -> None:
    assert reason(noted, History(unavailable="AccessDeniedException")) == expected
