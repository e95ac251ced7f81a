"""`tagalong plan`: what a push, or a sweep, would do now. Works before anything is installed."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from tagalong.decide import match_push
from tagalong.model.decisions import Refusal, Update
from tagalong.model.images import short_digest
from tagalong.model.revisions import Change
from tagalong.model.services import Service
from tagalong.model.states import ERROR, Group
from tagalong.model.triggers import Push, Sweep
from tagalong.ports import AwsError

from .fleet import Fleet, Seen
from .images import push_of
from .render import Screen, counted, short
from .states import State, revision, state
from .status import data

_AT_ONCE = 8
_SIGNS = {
    Group.NEEDS_YOU: "!",
    Group.STUCK: "!",
    Group.MOVING: "~",
    Group.HELD: "~",
    Group.IN_SYNC: "=",
    Group.LEFT_ALONE: "-",
}
_WORDS = {"+": "to move", "!": "need you", "~": "held or moving", "=": "in sync", "-": "left alone"}


@dataclass(frozen=True, slots=True)
class Row:
    """What would become of one service."""

    state: State
    update: Update | None = None
    shared: bool = False  # the revision of a service above it

    @property
    def sign(self) -> str:
        return "+" if self.update else _SIGNS[self.state.group]


@dataclass(frozen=True, slots=True)
class Plan:
    title: str
    rows: Sequence[Row]
    everything: bool  # list also what stays as it is

    @property
    def exit_code(self) -> int:
        if any(row.state.reason == ERROR for row in self.rows):
            return 1
        signs = {row.sign for row in self.rows}
        return 3 if "+" in signs else 2 if "!" in signs else 0

    @property
    def calls(self) -> dict[str, int]:
        """At most: a revision that an interrupted run left behind is used again."""
        moves = [row for row in self.rows if row.update]
        new = [row for row in moves if not row.shared and row.update and not row.update.force]
        return {"RegisterTaskDefinition": len(new), "UpdateService": len(moves)}


def plan(fleet: Fleet, screen: Screen, *, image: str | None, cluster: str | None) -> int:
    """Answers the exit code."""
    with screen.progress("reading services and images …"):
        services = fleet.services(cluster)
        found = _of_push(fleet, services, image) if image else _of_sweep(fleet, services)
    screen.data(_data(fleet, found))
    _show(fleet, screen, found)
    return found.exit_code


def _of_sweep(fleet: Fleet, services: Sequence[Service]) -> Plan:
    return Plan("A sweep", _rows(fleet.observe(services, Sweep("plan"))), everything=False)


def _of_push(fleet: Fleet, services: Sequence[Service], image: str) -> Plan:
    push = push_of(fleet, image, "plan")
    matches = _matches(fleet, services, push)
    concerned = [it for it, match in zip(services, matches, strict=True) if match is True]
    alone = [
        Row(State(it, Group.LEFT_ALONE, str(match.reason), match.message, None, ()))
        for it, match in zip(services, matches, strict=True)
        if isinstance(match, Refusal)
    ]
    unread = [
        Row(State(it, Group.NEEDS_YOU, ERROR, str(match), None, ()))
        for it, match in zip(services, matches, strict=True)
        if isinstance(match, AwsError)
    ]
    rows = [*_rows(fleet.observe(concerned, push)), *alone, *unread]
    name = f"{push.repository.name}:{push.tag}"
    return Plan(f"{name} is {short_digest(push.digest)}. A push of it", rows, everything=True)


def followers(fleet: Fleet, services: Sequence[Service], push: Push) -> list[Service]:
    """Those that a push could move; one that cannot be read counts as such."""
    matches = _matches(fleet, services, push)
    return [
        it
        for it, match in zip(services, matches, strict=True)
        if match is True or isinstance(match, AwsError)
    ]


def _matches(fleet: Fleet, services: Sequence[Service], push: Push) -> list[Refusal | bool | AwsError]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(partial(_match, fleet, push), services))


def _match(fleet: Fleet, push: Push, service: Service) -> Refusal | bool | AwsError:
    if not service.task_definition:
        return False
    try:
        containers = fleet.ecs.revision(service.task_definition).containers
    except AwsError as error:
        return error
    return match_push(service, containers, push, fleet.policy)


def _rows(seen: Sequence[Seen]) -> list[Row]:
    """Services that change alike share one new revision."""
    known: set[tuple[str, tuple[Change, ...]]] = set()
    rows = []
    for it in seen:
        update = it.decision if isinstance(it.decision, Update) else None
        revision_of = (it.service.task_definition, update.changes if update else ())
        rows.append(Row(state(it), update, shared=bool(update) and revision_of in known))
        known.add(revision_of)
    return rows


def _show(fleet: Fleet, screen: Screen, found: Plan) -> None:
    screen.say(f"{found.title} would do this now:")
    if not fleet.account.installed:
        screen.say("Nothing is installed here: the first look adopts what runs, and a push moves it.")
    elif fleet.account.settings.dry_run:
        screen.say("The stack is in dry run: it would only write it to its log.")
    rows = sorted(found.rows, key=lambda row: (list(_WORDS).index(row.sign), row.state.key))
    shown = [row for row in rows if found.everything or row.sign not in "=-"]
    cells = [cell for row in shown for cell in _cells(row)]
    screen.say()
    screen.table(("", "SERVICE", "REVISION", "CHANGE"), cells) if cells else screen.say("  nothing")
    screen.say()
    signs = [row.sign for row in found.rows]
    numbers = [f"{signs.count(sign)} {word}" for sign, word in _WORDS.items() if sign in signs]
    screen.say(", ".join(numbers) or "no service uses it")
    calls = [counted(number, action, action) for action, number in found.calls.items() if number]
    screen.say(f"{' and '.join(calls) or 'No call'} at most. Nothing was changed.")


def _cells(row: Row) -> Iterator[tuple[str, ...]]:
    first = (row.sign, row.state.key, revision(row.state.service))
    if not row.update:
        yield (*first, f"{row.state.reason}: {row.state.message}" if row.sign != "=" else "in sync")
        return
    new = "forced" if row.update.force else "shared" if row.shared else "new"
    texts = [*_changes(row), *(f"stays: {it}" for it in row.update.unchanged)]
    for number, text in enumerate(texts):
        yield (*first[:2], f"{first[2]} → {new}", text) if number == 0 else ("", "", "", text)


def _changes(row: Row) -> Iterator[str]:
    """A change that only writes the digest for the tag moves nothing."""
    names = {line.container: line.names for line in row.state.lines}
    for it in row.update.changes if row.update else ():
        old = names.get(it.container, "")
        yield f"{it.container} {it.tag} {short(old)} → {short(it.digest)}"


def _data(fleet: Fleet, found: Plan) -> dict[str, Any]:
    return {
        "installed": fleet.account.installed,
        "exit_code": found.exit_code,
        "calls": found.calls,
        "services": [
            {
                **data(row.state),
                "sign": row.sign,
                "shares_revision": row.shared,
                "changes": [_change(it) for it in row.update.changes] if row.update else [],
                "unchanged": list(row.update.unchanged) if row.update else [],
            }
            for row in found.rows
        ],
    }


def _change(it: Change) -> dict[str, Any]:
    return {"container": it.container, "repository": it.repository.name, "tag": it.tag, "digest": it.digest}
