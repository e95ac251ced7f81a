"""`tagalong sweep`, `check` and `wait`: make tagalong look, and wait for what comes of it."""

from datetime import timedelta

from tagalong.model.decisions import Update
from tagalong.model.services import Service
from tagalong.model.triggers import Sweep

from . import finder
from .errors import CommandError
from .fleet import Fleet
from .follow import follow
from .images import is_image, push_of
from .plan import followers
from .render import Screen, counted


def sweep(
    fleet: Fleet, screen: Screen, *, cluster: str | None, repository: str | None, timeout: timedelta | None
) -> int:
    """Those that it will move are known before; it is waited for them."""
    with screen.progress("sweeping …"):
        seen = fleet.observe(fleet.services(cluster), Sweep("sweep"))
        finder.sweep(fleet.account, cluster, repository)
    due = [it.service for it in seen if isinstance(it.decision, Update) and _uses(it.decision, repository)]
    screen.say(f"Swept: {counted(len(due), 'service')} of {len(seen)} to move.")
    return _follow(fleet, screen, due, timeout, pushed=False)


def check(fleet: Fleet, screen: Screen, name: str, *, timeout: timedelta | None) -> int:
    with screen.progress("checking …"):
        if is_image(name):
            push = push_of(fleet, name, "check")
            services = followers(fleet, fleet.services(), push)
            finder.push(fleet.account, push)
        else:
            services = [fleet.find(name)]
            finder.recheck(fleet.account, services[0])
    screen.say(f"Checked: {counted(len(services), 'service')}.")
    return _follow(fleet, screen, services, timeout, pushed=is_image(name))


def wait(fleet: Fleet, screen: Screen, name: str, *, timeout: timedelta) -> int:
    """For CI, after a push."""
    with screen.progress("reading services …"):
        if is_image(name):
            services = followers(fleet, fleet.services(), push_of(fleet, name, "wait"))
        else:
            services = [fleet.find(name)]
    if not services:
        raise CommandError(f"no service follows '{name}'", f"tagalong plan {name} shows who uses it")
    return _follow(fleet, screen, services, timeout, pushed=True)


def _follow(
    fleet: Fleet, screen: Screen, services: list[Service], timeout: timedelta | None, *, pushed: bool
) -> int:
    if timeout is None:
        screen.data({"timed_out": False, "services": []})
        return 0
    if fleet.account.settings.dry_run:
        screen.data({"timed_out": False, "services": []})
        screen.say("The stack is in dry run: what it would do is in its log.")
        return 0
    return follow(fleet, screen, services, timeout, pushed=pushed)


def _uses(update: Update, repository: str | None) -> bool:
    return not repository or any(it.repository.name == repository for it in update.changes)
