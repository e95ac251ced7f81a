"""What ECS would go back to."""

from dataclasses import replace

import pytest

from support.looks import BEFORE, FIRST, HOST, NEW, NOW, OLD, SECOND, SERVICE, look, order, primary, revision
from tagalong.decide.look import baseline_of
from tagalong.model.record import Record

THIRD = "arn:task-definition/web:3"
BEHIND = revision(f"{HOST}/app@{OLD}", arn=THIRD)


@pytest.mark.parametrize("ordered", [True, False])
def test_the_service_tells_the_baseline_where_ecs_lists_no_success_any_more(*, ordered: bool) -> None:
    """It lists deployments for 90 days, and the service may run for longer without one."""
    service = replace(SERVICE, primary=primary(9, "IN_PROGRESS", NOW), completed_before=THIRD)
    record = Record(BEFORE, orders=(order(BEFORE),) if ordered else ())
    seen = look(revision(f"{HOST}/app@{NEW}"), {"app": NEW}, service=service, record=record)

    assert baseline_of(seen)[0] == THIRD
    assert baseline_of(replace(seen, baseline=BEHIND)) == (THIRD, {"c0": OLD})


def test_the_digests_of_the_baseline_are_remembered_of_the_order_that_had_it() -> None:
    service = replace(SERVICE, task_definition=SECOND, primary=primary(2, "IN_PROGRESS", NOW))
    record = Record(BEFORE, orders=(order(BEFORE),))
    for known in ("", FIRST):
        now = replace(service, completed_before=known)
        seen = look(revision(f"{HOST}/app@{NEW}"), {"app": NEW}, service=now, record=record)

        assert baseline_of(seen) == (FIRST, {"c0": OLD})
