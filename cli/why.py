"""`tagalong why`: what happened to one service, why it runs what it runs, and what to type next."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tagalong.model.provenance import short_commit
from tagalong.model.services import EPOCH
from tagalong.model.states import ATTENTION, Group
from tagalong.model.triggers import Sweep
from tagalong.ports import AwsError

from .fleet import Fleet, Seen
from .past import Image, Past, past
from .render import Screen, image, short, span
from .states import State, revision, state
from .status import data
from .tasks import Stopped, last_stopped

_DEPLOYMENTS = 8


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the timeline."""

    at: datetime
    what: str
    text: str
    detail: str = ""


def why(fleet: Fleet, screen: Screen, name: str) -> int:
    with screen.progress("reading the service …"):
        service = fleet.find(name)
        [seen] = fleet.observe([service], Sweep("why"))
        orders = seen.look.record.orders if seen.look else ()
        deployments, missing = past(fleet, service, orders, _DEPLOYMENTS)
        stopped = _stopped(fleet, seen)
        now = fleet.account.now()
    it = state(seen)
    events = sorted(_events(seen, it, deployments, stopped), key=lambda event: event.at)
    screen.data(
        {
            **data(it),
            "waits_since": seen.verdict.record.waits.since
            if seen.verdict and seen.verdict.record.waits
            else None,
            "timeline": [_event(event) for event in events],
            "unknown": missing or None,
        }
    )
    _show(screen, it, events, missing, now)
    return 2 if it.group in ATTENTION else 0


def _stopped(fleet: Fleet, seen: Seen) -> Stopped | None:
    """ECS describes stopped tasks for about an hour; they matter where something does not run."""
    if seen.service.steady and state(seen).group is Group.IN_SYNC:
        return None
    with suppress(AwsError):
        return last_stopped(fleet.ecs.client, seen.service)
    return None


def _events(seen: Seen, it: State, deployments: Sequence[Past], stopped: Stopped | None) -> Iterator[Event]:
    yield from _pushes(seen, it)
    for deployed in deployments:
        yield from _deployed(deployed)
    if not deployments and it.service.primary.created_at > EPOCH:
        text = f"{revision(it.service)} · {it.service.primary.state.lower() or 'unknown'}"
        yield Event(it.service.primary.created_at, "deployed", text, it.service.primary.reason)
    if stopped:
        yield Event(stopped.at, "task ended", stopped.reason, stopped.container)


def _pushes(seen: Seen, it: State) -> Iterator[Event]:
    noted = seen.look.record.containers if seen.look else {}
    for line in it.lines:
        known = noted.get(line.container)
        if known and known.digest:
            what = "first seen" if known.adopted else "tag moved"
            yield Event(known.at, what, f"{line.follows} → {short(known.digest)}")
        if known and known.choice:
            text = f"a person put {short(known.choice.digest)} into {line.container}"
            yield Event(known.choice.at, "chosen", text)


def _deployed(it: Past) -> Iterator[Event]:
    images = ", ".join(_image(each) for each in it.images)
    moved = f"{it.before} → {it.revision}" if it.before and it.before != it.revision else it.revision
    by = f"by {it.by}" if it.ours else "not by tagalong"
    yield Event(
        it.deployment.created_at, "deployed", f"{moved or 'a revision'} · {images or 'no image'} · {by}"
    )
    if end := it.deployment.finished_at:
        took = span(end - it.deployment.created_at)
        reason = "" if it.result == "completed" else it.reason
        yield Event(end, it.result, f"{it.revision or 'it'} after {took}", reason)


def _image(it: Image) -> str:
    return (
        f"{image(it.tag, it.digest)} commit {short_commit(it.commit)}"
        if it.commit
        else image(it.tag, it.digest)
    )


def _show(screen: Screen, it: State, events: Sequence[Event], missing: str, now: datetime) -> None:
    for sentence in _headline(it):
        screen.say(sentence, style="bold")
    screen.say()
    rows = [(_when(event.at, now, screen), event.what, text) for event in events for text in _texts(event)]
    again = (row[:2] for row in [("", "", ""), *rows])
    screen.table(
        ("WHEN", "WHAT", ""),
        [row if row[:2] != before else ("", "", row[2]) for row, before in zip(rows, again, strict=False)],
    )
    screen.say()
    screen.say(f"Now: {it.reason}", style="bold")
    screen.detail(it.message, indent=2)
    if missing:
        screen.detail(missing, indent=2)
    if it.next:
        screen.say(f"Next: {it.next}", style="cyan")


def _headline(it: State) -> Iterator[str]:
    if not it.lines:
        yield f"{it.key} runs {revision(it.service)}"
    for line in it.lines:
        built = f" (commit {short_commit(line.commit)})" if line.commit else ""
        now = f"{it.key} runs {line.repository.name}@{short(line.runs)}{built}"
        if not line.wants:
            yield f"{now} and follows {line.follows}"
        elif line.differs:
            yield f"{now}, not {short(line.wants)}, which {line.follows} names"
        else:
            yield f"{now}, which {line.follows} names"


def _texts(event: Event) -> list[str]:
    return [event.text, event.detail] if event.detail else [event.text]


def _when(at: datetime, now: datetime, screen: Screen) -> str:
    """The time of day, where it was today."""
    if screen.utc or now - at >= timedelta(days=1):
        return screen.when(at, now)
    return f"{at:%H:%M:%S}Z"


def _event(event: Event) -> dict[str, Any]:
    return {"at": event.at, "what": event.what, "text": event.text, "detail": event.detail or None}
