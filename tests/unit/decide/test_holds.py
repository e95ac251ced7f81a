"""Why a container stays where it is though its tag says otherwise."""

from dataclasses import replace

import pytest

from support.looks import BEFORE, HOST, NEW, NEWER, NOW, OLD, known, look, revision
from tagalong.decide.followed import followed
from tagalong.decide.holds import Hold, holds
from tagalong.model.record import Choice, Noted, Record, Rejection, Status

BOTH = revision(f"{HOST}/app:prod@{OLD}", f"{HOST}/proxy:prod@{OLD}")
PUSHED = {name: Noted(NEW, NOW) for name in ("c0", "c1")}


def held(record: Record, app: str | None = NEW, proxy: str = NEW) -> dict[str, Hold]:
    seen = look(BOTH, {"app": app, "proxy": proxy}, record=record)
    containers, _ = followed(seen, record)
    return holds(record, containers)


def test_nothing_is_held_that_was_pushed() -> None:
    assert not held(Record(BEFORE, PUSHED))


def test_what_was_adopted_is_held_at_what_it_runs() -> None:
    assert {name: (it.reason, it.digest) for name, it in held(known(BOTH)).items()} == {
        "c0": ("adopted", OLD),
        "c1": ("adopted", OLD),
    }


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (Status.ROLLED_BACK, "rolled-back"),
        (Status.FAILED, "deployment-failed"),
        (Status.STOPPED, "stopped-by-person"),
    ],
)
def test_what_was_rejected_alone_is_held_alone(status: Status, reason: str) -> None:
    found = held(Record(BEFORE, PUSHED, rejections=(Rejection({"c0": NEW}, NOW, status, "why"),)))

    assert {name: (it.reason, it.digest) for name, it in found.items()} == {"c0": (reason, OLD)}
    assert "why" in found["c0"].message


@pytest.mark.parametrize(("proxy", "names"), [(NEW, {"c0", "c1"}), (NEWER, set())])
def test_what_was_rejected_together_is_held_as_long_as_all_of_it_is_wanted(
    proxy: str, names: set[str]
) -> None:
    record = Record(BEFORE, PUSHED, rejections=(Rejection({"c0": NEW, "c1": NEW}, NOW),))

    assert held(record, proxy=proxy).keys() == names


@pytest.mark.parametrize(("chosen", "reason"), [(OLD, "replaced-by-person"), (NEW, None)])
def test_what_a_person_chose_is_held_unless_it_is_wanted(chosen: str, reason: str | None) -> None:
    noted = PUSHED | {"c0": replace(PUSHED["c0"], choice=Choice(chosen, NOW, "3"))}

    found = held(Record(BEFORE, noted))

    assert [(it.reason, it.digest) for it in found.values()] == ([(reason, chosen)] if reason else [])


def test_a_container_whose_tag_is_gone_is_held_and_holds_no_other() -> None:
    found = held(Record(BEFORE, PUSHED), app=None)

    assert {name: (it.reason, it.digest) for name, it in found.items()} == {"c0": ("tag-not-found", OLD)}
