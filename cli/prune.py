"""`tagalong prune`: old revisions that tagalong registered and nothing uses are deregistered, not deleted."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby
from typing import Any

from tagalong.aws import aws_errors
from tagalong.aws.rate_limit import TokenBucket
from tagalong.model.revisions import TAG_LABEL, Revision, family, revision_number
from tagalong.model.services import last_part
from tagalong.parallel import in_parallel
from tagalong.ports import AwsError

from .account import Account
from .errors import CommandError
from .fleet import Fleet
from .render import Screen, counted, span
from .schedules import targets
from .uses import Names, Uses

_A_SECOND = 0.5  # of the one that ECS allows the account, without a burst: a push never waits for it
_LOOK_AGAIN = 20  # revisions later: somebody may have deployed one
_SERVICES = {
    "ListEventBuses": "events",
    "ListRules": "events",
    "ListTargetsByRule": "events",
    "ListSchedules": "scheduler",
    "GetSchedule": "scheduler",
    "BatchGetItem": "dynamodb",
}


@dataclass(frozen=True, slots=True)
class Old:
    """A revision of ours that is old enough."""

    arn: str
    at: datetime
    images: Mapping[str, str]  # container -> image

    @property
    def name(self) -> str:
        return last_part(self.arn)

    def is_in(self, names: Names, text: str = "") -> bool:
        named = {self.name, family(self.arn)} & names
        return bool(named or re.search(rf"{re.escape(self.name)}(?!\d)", text))


@dataclass(frozen=True)
class Pruning:
    """What is offered, and what becomes of it."""

    fleet: Fleet
    keep: int
    before: datetime
    done: list[Old] = field(default_factory=list)

    def offered(self) -> list[Old]:
        """Candidates first: without one, nothing else is read."""
        candidates = list(chain.from_iterable(in_parallel(self._old_of_ours, self._families())))
        if not candidates:
            return []
        names, text = Uses(self.fleet).ever(self.keep), targets()
        return [it for it in candidates if not it.is_in(names, text)]

    def deregister(self, offered: Sequence[Old]) -> None:
        """What is in use by now, or the latest of its family, stays."""
        pace = TokenBucket(1, _A_SECOND)
        for first in range(0, len(offered), _LOOK_AGAIN):
            free = {arn for arns in self._families() for arn in arns}
            used = Uses(self.fleet).now()
            for it in offered[first : first + _LOOK_AGAIN]:
                if it.arn in free and not it.is_in(used):
                    pace.acquire()
                    with aws_errors("DeregisterTaskDefinition"):
                        self.fleet.ecs.client.deregister_task_definition(taskDefinition=it.arn)
                    self.done.append(it)

    def _families(self) -> list[list[str]]:
        """The active revisions of each, the oldest first, without the last `keep`."""
        with aws_errors("ListTaskDefinitions"):
            pages = self.fleet.ecs.client.get_paginator("list_task_definitions").paginate(status="ACTIVE")
            arns = [arn for page in pages for arn in page["taskDefinitionArns"]]
        arns.sort(key=lambda arn: (family(arn), revision_number(arn)))
        return [list(some)[: -self.keep] for _, some in groupby(arns, family)]

    def _old_of_ours(self, arns: Sequence[str]) -> list[Old]:
        found = map(self.fleet.ecs.revision, arns)
        return list(_ours(self.fleet.account, found, self.before))


def prune(fleet: Fleet, screen: Screen, *, keep: int, older: timedelta, yes: bool) -> int:
    now = fleet.account.now()
    pruning = Pruning(fleet, keep, now - older)
    try:
        with screen.progress("reading revisions, and what uses them …"):
            offered = pruning.offered()
        with screen.progress(f"deregistering {len(offered)} …"):
            pruning.deregister(offered if yes else [])
    except AwsError as error:
        raise _ended(error, len(pruning.done)) from None
    screen.data(_data(pruning, offered))
    _show(screen, pruning, offered, now, yes=yes)
    return 0 if yes or not offered else 3


def _ours(account: Account, revisions: Iterator[Revision], before: datetime) -> Iterator[Old]:
    """Of one family, the oldest first: no number is older than one before it."""
    for it in revisions:
        if it.registered_at is None or it.registered_at >= before.timestamp():
            return
        if it.active and _is_ours(account, it):
            images = {each.name: each.image.text for each in it.containers}
            yield Old(it.arn, datetime.fromtimestamp(it.registered_at, tz=UTC), images)


def _is_ours(account: Account, revision: Revision) -> bool:
    """Registered by the deployer, in whichever session of its role, and labelled as it labels."""
    session = f"{account.id}:assumed-role/{last_part(account.role)}/"
    by_deployer = revision.registered_by.partition(":sts::")[2].startswith(session)
    return by_deployer and any(TAG_LABEL in it.labels for it in revision.containers)


def _ended(error: AwsError, done: int) -> CommandError:
    action = str(error).partition(":")[0]
    right = f"{_SERVICES.get(action, 'ecs')}:{action}"
    became = f"{counted(done, 'revision')} deregistered" if done else "nothing was deregistered"
    return CommandError(f"{became}, since this was not answered: {error}", f"ask for {right}, or try again")


def _show(screen: Screen, pruning: Pruning, offered: Sequence[Old], now: datetime, *, yes: bool) -> None:
    if not offered:
        screen.say("No revision of tagalong is old enough and unused.")
        return
    shown = pruning.done if yes else offered
    families = [list(some) for _, some in groupby(shown, lambda it: family(it.arn))]
    rows = [(family(it[0].arn), str(len(it)), _numbers(it), screen.when(it[-1].at, now)) for it in families]
    if rows:
        screen.table(("FAMILY", "NUMBER", "REVISIONS", "NEWEST"), rows, indent=0)
    if yes:
        used = len(offered) - len(shown)
        screen.say(f"{counted(len(shown), 'revision')} deregistered; ECS keeps them, inactive.")
        if used:
            screen.say(f"{counted(used, 'revision')} stay: in use, or deregistered, since they were listed.")
        return
    takes = span(timedelta(seconds=len(offered) / _A_SECOND))
    screen.say(f"{counted(len(offered), 'revision')} would be deregistered, in {takes}. Nothing was changed.")
    days = (now - pruning.before).days
    screen.say(f"Next: tagalong prune --keep {pruning.keep} --older {days}d --yes", style="cyan")


def _numbers(some: Sequence[Old]) -> str:
    """`1-7, 9`: as many as follow each other."""
    numbers = [revision_number(it.arn) for it in some]
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda it: it[1] - it[0])]
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _data(pruning: Pruning, offered: Sequence[Old]) -> dict[str, Any]:
    done = {it.arn for it in pruning.done}
    return {
        "keep": pruning.keep,
        "before": pruning.before,
        "number": len(offered),
        "revisions": [
            {"revision": it.name, "registered": it.at, "images": it.images, "deregistered": it.arn in done}
            for it in offered
        ],
    }
