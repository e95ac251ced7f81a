"""`tagalong hold`, `resume`, `retry`, `enable`, `disable`: tags of one service, and then a check of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import click

from tagalong.aws import aws_errors
from tagalong.decide.eligibility import ENABLED, HOLD, RETRY
from tagalong.model.plain import parse_time
from tagalong.model.services import Service
from tagalong.model.triggers import Sweep
from tagalong.ports import AwsError

from . import finder
from .errors import CommandError
from .fleet import Fleet
from .render import Screen
from .states import state
from .status import data


@dataclass(frozen=True, slots=True)
class Change:
    """Of the tags of a service; and a deployment of what it names already."""

    set: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    deploy_again: bool = False


def hold(fleet: Fleet, screen: Screen, name: str, *, until: str | None, yes: bool) -> int:
    if until and _time(until) <= fleet.account.now():
        raise CommandError(
            f"'{until}' is in the past", "give a time to come, such as 2027-01-07 or 2027-01-07T08:00Z"
        )
    return _steer(fleet, screen, fleet.find(name), Change({HOLD: until or "true"}), yes=yes)


def resume(fleet: Fleet, screen: Screen, name: str, *, yes: bool) -> int:
    return _steer(fleet, screen, fleet.find(name), Change(remove=(HOLD,)), yes=yes)


def enable(fleet: Fleet, screen: Screen, name: str, *, yes: bool) -> int:
    return _steer(fleet, screen, fleet.find(name), Change({ENABLED: "true"}), yes=yes)


def disable(fleet: Fleet, screen: Screen, name: str, *, yes: bool) -> int:
    return _steer(fleet, screen, fleet.find(name), Change({ENABLED: "false"}), yes=yes)


def retry(fleet: Fleet, screen: Screen, name: str, *, yes: bool) -> int:
    """Where ECS did not roll back, the service names the image already: it is deployed again."""
    service = fleet.find(name)
    now = f"{fleet.account.now():%Y-%m-%dT%H:%M:%SZ}"
    again = service.primary.state == "FAILED"
    return _steer(fleet, screen, service, Change({RETRY: now}, deploy_again=again), yes=yes)


def _steer(fleet: Fleet, screen: Screen, service: Service, change: Change, *, yes: bool) -> int:
    fleet.account.output("FinderFunction")  # what is not installed is not steered
    needed = _needed(service, change)
    if needed != Change():
        _ask(service, needed, yes=yes)
        _do(fleet, service, needed)
    else:
        screen.say(f"{service.key}: nothing to change.")
    check(fleet, service)
    [again] = fleet.again([service])
    [seen] = fleet.observe([again], Sweep("steer"))
    it = state(seen)
    screen.data({**data(it), "changed": needed != Change(), "tags": dict(again.tags)})
    screen.say(f"Now: {it.reason}: {it.message}")
    if it.next:
        screen.say(f"Next: {it.next}", style="cyan")
    return 0


def _needed(service: Service, change: Change) -> Change:
    """Without what is so already."""
    new = {key: value for key, value in change.set.items() if service.tags.get(key) != value}
    return Change(new, tuple(key for key in change.remove if key in service.tags), change.deploy_again)


def _ask(service: Service, change: Change, *, yes: bool) -> None:
    """Shows the calls. Raises click.Abort unless a person agrees."""
    for key, value in change.set.items():
        click.echo(f"TagResource {service.key}: {key} = {value}", err=True)
    for key in change.remove:
        click.echo(f"UntagResource {service.key}: {key}", err=True)
    if change.deploy_again:
        click.echo(f"UpdateService {service.key}: force a new deployment of what it names", err=True)
    confirmed(yes=yes)


def confirmed(*, yes: bool) -> None:
    """Raises click.Abort unless a person agrees, or has with --yes."""
    if not yes:
        click.confirm("Go on?", abort=True, err=True)


def _do(fleet: Fleet, service: Service, change: Change) -> None:
    client = fleet.ecs.client
    if change.set:
        tags = [{"key": key, "value": value} for key, value in change.set.items()]
        with aws_errors("TagResource"):
            client.tag_resource(resourceArn=service.arn, tags=tags)  # type: ignore[arg-type]  # a plain dict
    if change.remove:
        with aws_errors("UntagResource"):
            client.untag_resource(resourceArn=service.arn, tagKeys=list(change.remove))
    if change.deploy_again:
        fleet.ecs.update(service, service.task_definition, force=True)


def check(fleet: Fleet, service: Service) -> None:
    """A tag is no event."""
    try:
        finder.recheck(fleet.account, service)
    except AwsError as error:
        message = f"it is done, and tagalong does not know yet: {error}"
        raise CommandError(
            message, "the next push, event or sweep sees it; or ask for lambda:InvokeFunction"
        ) from None


def _time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError:
        raise CommandError(f"'{text}' is no time", "write it as 2027-01-07 or 2027-01-07T08:00Z") from None
