"""Waiting for what was started to end: the core is asked again and again, and ends it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import chain, repeat
from time import sleep

from tagalong.model.decisions import SkipReason
from tagalong.model.services import Service
from tagalong.model.states import ERROR, Group
from tagalong.model.triggers import Sweep

from .fleet import Fleet
from .render import Screen, counted
from .states import State, in_order, state
from .status import data, show_reasons

_LONGEST_PAUSE = 5  # seconds
_MOMENT = timedelta(minutes=1)  # that the event of a push may take to arrive
_UNTIL_PUSHED = {SkipReason.ADOPTED, SkipReason.REPLACED_BY_PERSON}
_FINE = {Group.IN_SYNC, Group.LEFT_ALONE}


def follow(
    fleet: Fleet, screen: Screen, services: Sequence[Service], timeout: timedelta, *, pushed: bool
) -> int:
    """Until none of them moves, or is due to. `pushed`: a push may be on its way that ends what holds them.
    Answers the exit code."""
    with screen.progress(f"waiting for {counted(len(services), 'service')} …"):
        states, late = _settled(fleet, screen, services, timeout, pushed=pushed)
    screen.data({"timed_out": late, "services": [data(it) for it in states]})
    show_reasons(screen, states, fleet.account.now())
    if late:
        screen.say(f"Still moving after {timeout.total_seconds() // 60:.0f} min.")
    return exit_code(states)


def exit_code(states: Iterable[State]) -> int:
    """0: each runs what it follows, or follows nothing. 1: not known of one. 2: something else."""
    found = list(states)
    if any(it.reason == ERROR for it in found):
        return 1
    return 0 if all(it.group in _FINE for it in found) else 2


def _settled(
    fleet: Fleet, screen: Screen, services: Sequence[Service], timeout: timedelta, *, pushed: bool
) -> tuple[list[State], bool]:
    began = fleet.account.now()
    told: dict[str, str] = {}
    for pause in chain(range(1, _LONGEST_PAUSE), repeat(_LONGEST_PAUSE)):
        services = fleet.again(services)
        states = in_order([state(it) for it in fleet.observe(services, Sweep("wait"))])
        for it in states:
            if told.get(it.key) != it.reason:
                screen.note(f"{it.key}: {it.reason}")
                told[it.key] = it.reason
        took = fleet.account.now() - began
        if all(_is_settled(it, pushed=pushed and took < _MOMENT) for it in states):
            return states, False
        if took >= timeout:
            return states, True
        sleep(pause)
    raise AssertionError("it never ends by itself")


def _is_settled(it: State, *, pushed: bool) -> bool:
    if it.reason == ERROR:  # a call may fail once
        return False
    waits = pushed and it.reason in _UNTIL_PUSHED and any(line.differs for line in it.lines)
    return it.group is not Group.MOVING and not waits
