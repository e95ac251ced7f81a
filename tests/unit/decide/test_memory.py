"""What is remembered after a look: when a tag moved, what was adopted, whom a person chose."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from support.looks import (
    APP,
    BEFORE,
    HOST,
    MINUTE,
    NEW,
    NEWER,
    NOW,
    OLD,
    PUSH,
    SERVICE,
    deployment,
    history,
    look,
    order,
    primary,
    revision,
    target,
)
from tagalong.decide.followed import followed
from tagalong.decide.look import Look
from tagalong.decide.memory import forget, remember
from tagalong.model.record import Choice, Noted, Record, Rejection, Status

RUNS_OLD = revision(f"{HOST}/app:prod@{OLD}")
UNKNOWN = Record(BEFORE)


def noted(seen: Look) -> Noted:
    containers, _ = followed(seen, seen.record)
    return remember(seen.record, seen, containers).containers["c0"]


def test_the_first_look_adopts_what_the_tag_says() -> None:
    first = noted(look(RUNS_OLD, {"app": NEW}, record=UNKNOWN))

    assert (first.digest, first.adopted, first.is_open_push) == (NEW, True, False)


def test_the_first_look_adopts_nothing_when_the_tag_was_pushed() -> None:
    first = noted(look(RUNS_OLD, {"app": NEW}, record=UNKNOWN, trigger=PUSH))

    assert (first.digest, first.at, first.is_open_push) == (NEW, PUSH.time, True)


@pytest.mark.parametrize(
    "pushed", [replace(PUSH, tag="other"), replace(PUSH, repository=replace(APP, name="x"))]
)
def test_the_first_look_adopts_when_another_tag_was_pushed(pushed: Any) -> None:
    assert noted(look(RUNS_OLD, {"app": NEW}, record=UNKNOWN, trigger=pushed)).adopted


def test_the_first_look_adopts_nothing_when_no_deployment_has_ever_completed() -> None:
    young = replace(SERVICE, primary=primary(1, "IN_PROGRESS", BEFORE))

    assert noted(look(RUNS_OLD, {"app": NEW}, record=UNKNOWN, service=young)).is_open_push


def test_adoption_ends_when_the_tag_names_another_digest() -> None:
    moved = noted(look(RUNS_OLD, {"app": NEW}))

    assert (moved.digest, moved.at, moved.is_open_push) == (NEW, NOW, True)


def test_adoption_ends_when_the_same_digest_is_pushed() -> None:
    assert noted(look(RUNS_OLD, {"app": OLD}, trigger=replace(PUSH, digest=OLD))).is_open_push


def test_what_others_deployed_and_failed_is_no_adoption() -> None:
    failed = deployment(3, "ROLLBACK_SUCCESSFUL", NOW - MINUTE, NOW)
    theirs = target(f"{HOST}/app:prod", c0=NEW)
    told = history(failed, targets={failed.service_revision: theirs})

    assert noted(look(RUNS_OLD, {"app": NEW}, history=told)).is_open_push


def test_a_rollout_such_as_ours_that_failed_after_the_record_was_written_is_an_adoption() -> None:
    """The table was restored from a backup."""
    failed = deployment(3, "ROLLBACK_SUCCESSFUL", NOW - MINUTE, NOW)
    told = history(failed, targets={failed.service_revision: target(f"{HOST}/app@{NEW}")})

    assert noted(look(RUNS_OLD, {"app": NEW}, history=told)).adopted


def test_a_duplicate_event_notes_nothing_new() -> None:
    done = Noted(NEW, PUSH.time, ordered_at=PUSH.time + MINUTE)
    record = Record(BEFORE, {"c0": done})

    assert noted(look(RUNS_OLD, {"app": NEW}, record=record, trigger=PUSH)) == done


def test_an_event_that_ecr_does_not_agree_with_notes_no_time() -> None:
    record = Record(BEFORE, {"c0": Noted(NEWER, BEFORE)})

    assert noted(look(RUNS_OLD, {"app": NEWER}, record=record, trigger=PUSH)).at == BEFORE


ORDERED_AT = NOW - 10 * MINUTE


def after_our_rollout(image: str, *, at: datetime, status: str = "SUCCESSFUL", **fields: Any) -> Look:
    """Our rollout was completed; then somebody deployed this image."""
    done = Noted(NEW, ORDERED_AT - MINUTE, ordered_at=ORDERED_AT)
    record = Record(BEFORE, {"c0": done}, (order(ORDERED_AT, Status.COMPLETED),))
    told = history(
        deployment(3, status, at),
        deployment(2, "SUCCESSFUL", ORDERED_AT),
        targets={"arn:revision/3": target(image)},
    )
    seen = look(revision(image), {"app": NEW}, record=record, history=told)
    return replace(seen, service=replace(SERVICE, primary=primary(3, "COMPLETED", at)), **fields)


THEN = ORDERED_AT + MINUTE


def test_a_digest_that_somebody_else_deployed_is_chosen() -> None:
    assert noted(after_our_rollout(f"{HOST}/app:prod@{OLD}", at=THEN)).choice == Choice(OLD, THEN, "3")


UNCHOSEN = {
    "the digest that we ordered": after_our_rollout(f"{HOST}/app:prod@{NEW}", at=THEN),
    "a plain tag": after_our_rollout(f"{HOST}/app:prod", at=THEN),
    "a deployment before our order": after_our_rollout(f"{HOST}/app:prod@{OLD}", at=ORDERED_AT - MINUTE),
    "a deployment that failed": after_our_rollout(
        f"{HOST}/app:prod@{OLD}", at=THEN, status="ROLLBACK_SUCCESSFUL"
    ),
}


@pytest.mark.parametrize("seen", UNCHOSEN.values(), ids=UNCHOSEN)
def test_nothing_else_is_a_choice(seen: Look) -> None:
    assert noted(seen).choice is None


def test_a_choice_ends_with_a_push_after_it_and_not_with_one_before() -> None:
    chosen = after_our_rollout(f"{HOST}/app:prod@{OLD}", at=THEN)
    earlier, later = (replace(PUSH, time=THEN + shift) for shift in (-MINUTE / 2, MINUTE))

    assert noted(replace(chosen, trigger=earlier)).choice
    assert not noted(replace(chosen, trigger=later)).choice


@pytest.mark.parametrize(("retry", "stands"), [(THEN - MINUTE, True), (THEN + MINUTE, False)])
def test_a_retry_ends_choices_and_rejections_from_before_it(retry: datetime, stands: bool) -> None:
    service = replace(SERVICE, tags={"tagalong:retry": retry.isoformat()})
    chosen = replace(after_our_rollout(f"{HOST}/app:prod@{OLD}", at=THEN), service=service)
    rejected = Record(BEFORE, rejections=(Rejection({"c0": NEWER}, THEN),))

    assert bool(noted(chosen).choice) is stands
    assert bool(forget(rejected, chosen).rejections) is stands


REJECTED = Record(BEFORE, rejections=(Rejection({"c0": OLD}, NOW), Rejection({"c0": NEWER, "c1": NEW}, NOW)))


def test_a_digest_that_runs_is_acquitted_and_no_other() -> None:
    record = forget(REJECTED, look(RUNS_OLD, {}))

    assert [it.change for it in record.rejections] == [{"c0": NEWER, "c1": NEW}]


@pytest.mark.parametrize(
    ("state", "tasks"), [("IN_PROGRESS", (1, 1)), ("COMPLETED", (0, 0)), ("COMPLETED", (2, 1))]
)
def test_a_digest_is_not_acquitted_before_its_deployment_is_completed_and_runs(
    state: str, tasks: tuple[int, int]
) -> None:
    service = replace(SERVICE, primary=primary(1, state, BEFORE, tasks))

    assert forget(REJECTED, look(RUNS_OLD, {}, service=service)) == REJECTED


def test_a_rejection_with_somebodys_edit_in_it_is_void_once_the_edit_is_gone() -> None:
    record = Record(BEFORE, rejections=(Rejection({"c0": NEW}, NOW, shape="of another revision"),))

    assert not forget(record, look(RUNS_OLD, {})).rejections
