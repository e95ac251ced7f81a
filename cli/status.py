"""`tagalong status`: what runs where, and what needs a person first."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from time import sleep
from typing import Any, NoReturn

from tagalong.model.provenance import short_commit
from tagalong.model.states import ATTENTION, WORDS, Group, Line
from tagalong.model.triggers import Sweep

from .account import Account
from .fleet import Fleet
from .page import write
from .render import Screen, image, short, widths
from .states import State, in_order, revision, state

_PAUSE = 10  # seconds
_HEADINGS = {
    Group.NEEDS_YOU: ("NEEDS YOU", "bold red"),
    Group.STUCK: ("STUCK", "bold red"),
    Group.MOVING: ("MOVING", "bold yellow"),
    Group.HELD: ("HELD", "bold"),
    Group.IN_SYNC: ("IN SYNC", "bold green"),
    Group.LEFT_ALONE: ("LEFT ALONE", "bold"),
}
_QUIET = {Group.IN_SYNC, Group.LEFT_ALONE}  # counted, unless --all


def status(  # noqa: PLR0913 - its options
    fleet: Fleet,
    screen: Screen,
    *,
    cluster: str | None,
    repository: str | None,
    everything: bool,
    html: Path | None = None,
    again: bool = False,
) -> int:
    """In place of what is on the terminal, if it is shown again. Answers the exit code."""
    with screen.progress("reading services …"):
        services = fleet.services(cluster)
        found = fleet.observe(services, Sweep("status"))
        now = fleet.account.now()
    seen = [it for it in found if not repository or _uses(state(it), repository)]
    states = in_order([state(it) for it in seen])
    if html:
        write(html, fleet.account, seen)
    if again:
        screen.clear()
    screen.data(_data(fleet.account, states))
    _show(fleet.account, screen, states, now, everything=everything)
    if html:
        screen.say(f"\nThe page is in {html}")
    return 2 if any(it.group in ATTENTION for it in states) else 0


def watched(fleet: Fleet, screen: Screen, **options: Any) -> NoReturn:
    """Until a person ends it."""
    while True:
        status(fleet, screen, again=True, **options)
        sleep(_PAUSE)
        fleet = Fleet(fleet.account)  # nothing is kept of the last look


def counts(states: Iterable[State]) -> dict[Group, int]:
    found = Counter(it.group for it in states)
    return {group: found[group] for group in Group}


def _uses(it: State, repository: str) -> bool:
    return any(fnmatchcase(line.repository.name, repository) for line in it.lines)


def _show(
    account: Account, screen: Screen, states: Sequence[State], now: datetime, *, everything: bool
) -> None:
    where = account.stack if account.installed else f"{account.stack} is not installed"
    screen.say(f"{where} · account {account.id} · {account.region}")
    numbers = ", ".join(f"{number} {WORDS[it]}" for it, number in counts(states).items() if number)
    screen.say(numbers or "no service")
    for group in Group:
        some = [it for it in states if it.group is group]
        if some and (everything or group not in _QUIET):
            _show_group(screen, group, some, now)
    left = [group for group in _QUIET if any(it.group is group for it in states)]
    if left and not everything:
        screen.say()
        screen.say("--all also lists what is in sync and what is left alone.", style="dim")


def _show_group(screen: Screen, group: Group, states: Sequence[State], now: datetime) -> None:
    screen.say()
    heading, style = _HEADINGS[group]
    screen.say(f"{heading} ({len(states)})", style=style)
    if group in _QUIET:
        headings = ("SERVICE", "WHY" if group is Group.LEFT_ALONE else "FOLLOWS", "RUNS", "COMMIT", "SINCE")
        screen.table(headings, [row for it in states for row in _with_commits(it, screen, now)])
        return
    show_reasons(screen, states, now)


def show_reasons(screen: Screen, states: Sequence[State], now: datetime) -> None:
    """Each with the reason below it, unless it runs what it follows, and the next command."""
    tables = [rows(it, screen, now) for it in states]
    together = widths([row for table in tables for row in table])
    for it, table in zip(states, tables, strict=True):
        screen.table(("",) * 4, table, widths=together)
        if it.group is not Group.IN_SYNC:
            screen.detail(f"{it.reason}: {it.message}")
        if it.next:
            screen.detail(f"→ {it.next}", style="cyan")


def rows(it: State, screen: Screen, now: datetime) -> list[tuple[str, ...]]:
    """One for each container; what names the service stands in the first."""
    since = screen.when(it.since, now)
    if not it.lines:
        return [(it.key, it.reason if it.group is Group.LEFT_ALONE else "", revision(it.service), since)]
    cells = [(line.follows, runs(line)) for line in it.lines]
    return [(it.key if n == 0 else "", *pair, since if n == 0 else "") for n, pair in enumerate(cells)]


def _with_commits(it: State, screen: Screen, now: datetime) -> list[tuple[str, ...]]:
    """Where there is room, since nothing is wanted."""
    commits = [short_commit(line.commit) for line in it.lines] or [""]
    lines = zip(rows(it, screen, now), commits, strict=True)
    return [(*left, commit, since) for (*left, since), commit in lines]


def runs(line: Line) -> str:
    now = image(line.runs_tag, line.runs)
    if line.names and line.names != line.runs:
        return f"{now} → {short(line.names)}"
    return f"{now}, wants {short(line.wants)}" if line.differs else now


def _data(account: Account, states: Sequence[State]) -> dict[str, Any]:
    return {
        "account": account.id,
        "region": account.region,
        "stack": account.stack,
        "installed": account.installed,
        "counts": {str(group): number for group, number in counts(states).items()},
        "services": [data(it) for it in states],
    }


def data(it: State) -> dict[str, Any]:
    """One service, as every command writes it in JSON."""
    cluster, _, name = it.key.partition("/")
    return {
        "cluster": cluster,
        "service": name,
        "state": str(it.group),
        "reason": it.reason,
        "message": it.message,
        "since": it.since,
        "revision": revision(it.service),
        "next": it.next,
        "containers": [
            {
                "name": line.container,
                "repository": line.repository.name,
                "follows": line.follows,
                "runs": {
                    "tag": line.runs_tag or None,
                    "digest": line.runs or None,
                    "commit": line.commit or None,
                },
                "names": line.names or None,
                "wants": line.wants or None,
            }
            for line in it.lines
        ],
    }
