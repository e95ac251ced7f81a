"""The commands and their options; what each does is in a module of its own."""

import logging
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
from botocore.exceptions import BotoCoreError, ClientError

from tagalong import __version__
from tagalong.aws.sqs import JobsNotSentError
from tagalong.messages.text import neutral
from tagalong.ports import AwsError
from tagalong.settings import SettingsError

from .account import open_account
from .check import check, sweep, wait
from .doctor import doctor
from .errors import CommandError, explained
from .fleet import Fleet
from .history import history
from .letters import dead_letters, redrive
from .plan import plan
from .prune import prune
from .render import Screen
from .rollback import rollback
from .status import status, watched
from .steer import disable, enable, hold, resume, retry
from .ui import ui
from .why import why

_INTERRUPTED = 130
_LONGEST_AGE = 4  # digits, in days


class Commands(click.Group):
    """Every error is one sentence with a remedy and ends with 1: click's own 2 means attention here."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            code = super().main(*args, **{**kwargs, "standalone_mode": False})
        except click.Abort as error:
            interrupted = isinstance(error.__cause__, KeyboardInterrupt)
            code = _INTERRUPTED if interrupted else 1
            click.echo("interrupted" if interrupted else "nothing was changed", err=True)
        except click.UsageError as error:
            error.show()
            code = 1
        except click.ClickException as error:
            _show(error)
            code = 1
        except (AwsError, BotoCoreError, ClientError, JobsNotSentError, SettingsError) as error:
            _show(explained(error))
            code = 1
        sys.exit(code or 0)


class _Warnings(logging.Handler):
    """What the adapters warn of, where no program has set up logging."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"warning: {neutral(record.getMessage())}", err=True)


def _show(error: click.ClickException) -> None:
    click.echo(f"error: {neutral(error.format_message())}", err=True)
    if isinstance(error, CommandError):
        click.echo(f"  -> {error.remedy}", err=True)


@click.version_option(__version__, prog_name="tagalong", message="%(prog)s %(version)s")
@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
def main() -> None:
    """See and steer tagalong: ECS services that follow the tags of ECR.

    It reads and writes with your own AWS credentials. Exit codes: 0 all is well, 1 error, 2 something needs
    attention, 3 `plan` or `prune` has something to do.
    """
    logging.lastResort = _Warnings(logging.WARNING)


def on_account(command: Callable[..., int]) -> Callable[..., int]:
    """The options of every command; hands over the fleet and the screen."""

    @wraps(command)
    def run(stack: str, profile: str | None, region: str | None, json: bool, utc: bool, **rest: Any) -> int:
        screen = Screen(json=json, utc=utc)
        with screen.progress("finding tagalong …"):
            fleet = Fleet(open_account(stack, profile, region))
        return command(fleet, screen, **rest)

    options = (
        click.option(
            "--stack", default="tagalong", show_default=True, help="Name of the CloudFormation stack."
        ),
        click.option("--profile", help="AWS profile."),
        click.option("--region", help="AWS Region."),
        click.option("--json", is_flag=True, help="For programs; the schema is in docs/cli.md."),
        click.option("--utc", is_flag=True, help="Times instead of ages."),
    )
    for option in reversed(options):
        run = option(run)
    return run


@main.command("status", short_help="What runs where; what needs you first.")
@click.option("--cluster", help="Only services of this cluster.")
@click.option("--repository", metavar="GLOB", help="Only services that follow this repository.")
@click.option("--all", "everything", is_flag=True, help="Also list what is in sync or left alone.")
@click.option("--watch", is_flag=True, help="Look again every 10 seconds, until Ctrl-C.")
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Also write it as a page."
)
@on_account
def _status(fleet: Fleet, screen: Screen, watch: bool, **options: Any) -> int:
    """What each service follows and runs, and why it does not run something else.

    What needs you comes first, then what is stuck, moving or held. What is in sync is counted.

    \b
    Examples:
      tagalong status
      tagalong status --cluster production --all
      tagalong status --repository 'shop/*' --json
      tagalong status --html status.html
    """
    if not watch:
        return status(fleet, screen, **options)
    if screen.json:
        raise click.UsageError("--watch is for people: leave out --json")
    return watched(fleet, screen, **options)


@main.command("ui", short_help="The same as a page, in your browser.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Instead of a free one.")
@on_account
def _ui(fleet: Fleet, screen: Screen, port: int) -> int:
    """Show what runs where as a page in your browser, and look again every 15 seconds, until Ctrl-C.

    The page is on 127.0.0.1 only, at an address with a secret in it. It is read-only.

    \b
    Examples:
      tagalong ui
      tagalong ui --port 8080 --profile production
    """
    return ui(fleet, screen, port=port)


@main.command("why", short_help="What happened to a service, and what to type next.")
@click.argument("service")
@on_account
def _why(fleet: Fleet, screen: Screen, service: str) -> int:
    """Why SERVICE runs what it runs: pushes, deployments and how ECS says they ended, and what holds it.

    SERVICE is a name, CLUSTER/NAME or an ARN.

    \b
    Examples:
      tagalong why web-eu
      tagalong why production/web-eu --json
    """
    return why(fleet, screen, service)


@main.command("plan", short_help="What a push or a sweep would do now.")
@click.argument("image", required=False)
@click.option("--all", "everything", is_flag=True, help="What a sweep would do.")
@click.option("--cluster", help="Only services of this cluster.")
@on_account
def _plan(fleet: Fleet, screen: Screen, image: str | None, everything: bool, cluster: str | None) -> int:
    """What a push of IMAGE, or with --all a sweep, would do now; nothing is changed.

    IMAGE is REPOSITORY:TAG. It needs read-only rights, also where nothing is installed. Exits with 3 if there
    is something to do.

    \b
      +  it would move        ~  something holds it, or it moves already
      =  in sync              -  left alone: it follows something else
      !  a person must act

    \b
    Examples:
      tagalong plan shop/web:prod
      tagalong plan --all --cluster production
    """
    if bool(image) == everything:
        raise click.UsageError("name an image, such as shop/web:prod, or give --all")
    return plan(fleet, screen, image=image, cluster=cluster)


@main.command("history", short_help="The deployments of a service, by anybody.")
@click.argument("service")
@click.option("--limit", type=click.IntRange(1, 99), default=20, show_default=True, help="How many.")
@on_account
def _history(fleet: Fleet, screen: Screen, service: str, limit: int) -> int:
    """The deployments of SERVICE, the newest first: what, by whom, and how they ended.

    ECS keeps them for 90 days; those that tagalong did not order are by `others`.

    \b
    Examples:
      tagalong history web-eu
      tagalong history production/web-eu --limit 50 --utc
    """
    return history(fleet, screen, service, limit=limit)


_timeout = click.option(
    "--timeout",
    type=click.IntRange(1),
    default=30,
    show_default=True,
    metavar="MINUTES",
    help="To wait at most.",
)
_no_wait = click.option("--no-wait", is_flag=True, help="Do not wait for what comes of it.")


@main.command("sweep", short_help="Compare with ECR now, and wait for what moves.")
@click.option("--cluster", help="Only services of this cluster.")
@click.option("--repository", help="Only services that use this repository.")
@_no_wait
@_timeout
@on_account
def _sweep(fleet: Fleet, screen: Screen, timeout: int, no_wait: bool, **where: Any) -> int:
    """Make tagalong compare every service with ECR now, and wait for those that move.

    Exits with 0 if each of them runs what it follows, 2 if one failed, is held or still moves.

    \b
    Examples:
      tagalong sweep
      tagalong sweep --cluster production --no-wait
    """
    return sweep(fleet, screen, timeout=None if no_wait else timedelta(minutes=timeout), **where)


@main.command("check", short_help="Look at an image or a service again, and wait.")
@click.argument("name", metavar="IMAGE|SERVICE")
@_no_wait
@_timeout
@on_account
def _check(fleet: Fleet, screen: Screen, name: str, timeout: int, no_wait: bool) -> int:
    """Make tagalong look at a service now, or at those that follow an image, and wait for what comes of it.

    For an image it is as good as a push: it also ends adoption and the choice of a person.

    \b
    Examples:
      tagalong check shop/web:prod
      tagalong check production/web-eu
    """
    return check(fleet, screen, name, timeout=None if no_wait else timedelta(minutes=timeout))


@main.command("wait", short_help="Wait until a push has been rolled out.")
@click.argument("name", metavar="IMAGE|SERVICE")
@_timeout
@on_account
def _wait(fleet: Fleet, screen: Screen, name: str, timeout: int) -> int:
    """Wait until a service, or those that follow an image, run what their tags name. For CI, after a push.

    Exits with 0 then; with 2 if a rollout failed, something holds a service, or it still moves in the end.
    What holds a service until the next push is given a minute, in which the push may arrive.

    \b
    Examples:
      docker push $REGISTRY/shop/web:prod && tagalong wait shop/web:prod
      tagalong wait production/web-eu --timeout 10
    """
    return wait(fleet, screen, name, timeout=timedelta(minutes=timeout))


_yes = click.option("--yes", is_flag=True, help="Do not ask.")


@main.command("hold", short_help="Keep a service as it is.")
@click.argument("service")
@click.option("--until", metavar="TIME", help="Until then, such as 2027-01-07 or 2027-01-07T08:00Z.")
@_yes
@on_account
def _hold(fleet: Fleet, screen: Screen, service: str, until: str | None, yes: bool) -> int:
    """Set the tag tagalong:hold on SERVICE: it stays as it is, whatever is pushed.

    \b
    Examples:
      tagalong hold web-eu
      tagalong hold web-eu --until 2027-01-07T08:00Z --yes
    """
    return hold(fleet, screen, service, until=until, yes=yes)


@main.command("resume", short_help="End a hold.")
@click.argument("service")
@_yes
@on_account
def _resume(fleet: Fleet, screen: Screen, service: str, yes: bool) -> int:
    """Remove the tag tagalong:hold from SERVICE, and have it checked.

    \b
    Example:
      tagalong resume web-eu
    """
    return resume(fleet, screen, service, yes=yes)


@main.command("retry", short_help="Try again what failed, or what a person replaced.")
@click.argument("service")
@_yes
@on_account
def _retry(fleet: Fleet, screen: Screen, service: str, yes: bool) -> int:
    """Let SERVICE have again what failed on it, or what a person replaced, until now.

    It sets the tag tagalong:retry to the time of AWS, and has the service checked. Where ECS did not roll
    back, the service names the image already: then it also forces a new deployment.

    \b
    Example:
      tagalong retry web-eu && tagalong wait web-eu
    """
    return retry(fleet, screen, service, yes=yes)


@main.command("enable", short_help="Let tagalong move a service.")
@click.argument("service")
@_yes
@on_account
def _enable(fleet: Fleet, screen: Screen, service: str, yes: bool) -> int:
    """Set the tag tagalong:enabled = true on SERVICE, and have it checked.

    \b
    Example:
      tagalong enable web-eu
    """
    return enable(fleet, screen, service, yes=yes)


@main.command("disable", short_help="Let tagalong leave a service alone.")
@click.argument("service")
@_yes
@on_account
def _disable(fleet: Fleet, screen: Screen, service: str, yes: bool) -> int:
    """Set the tag tagalong:enabled = false on SERVICE: tagalong leaves it alone for good.

    \b
    Example:
      tagalong disable web-eu
    """
    return disable(fleet, screen, service, yes=yes)


@main.command("dead-letters", short_help="What was given up, and why.")
@on_account
def _dead_letters(fleet: Fleet, screen: Screen) -> int:
    """Pushes, jobs and rechecks that tagalong gave up, each with its reason. They are kept for 14 days.

    Exits with 2 if there is one.

    \b
    Example:
      tagalong dead-letters --json
    """
    return dead_letters(fleet, screen)


@main.command("redrive", short_help="Give back what was given up.")
@_yes
@on_account
def _redrive(fleet: Fleet, screen: Screen, yes: bool) -> int:
    """Give every dead letter back to where it belongs, to be tried anew.

    Old ones do no harm: services, tags and images are read again. Exits with 2 if one cannot be read and
    stays.

    \b
    Example:
      tagalong redrive --yes
    """
    return redrive(fleet, screen, yes=yes)


@main.command("rollback", short_help="Back to an image that has run well.")
@click.argument("service")
@click.option("--to", metavar="DIGEST|REVISION", help="Start of a digest, or a revision such as web:6.")
@_yes
@on_account
def _rollback(fleet: Fleet, screen: Screen, service: str, to: str | None, yes: bool) -> int:
    """Let SERVICE go back to the last other image that ECS has deployed well, or to the one that --to names.

    A rollout of tagalong that is still under way is stopped, with rollback. Otherwise the revision that ran
    then is deployed; a copy of it that is pinned, where it names a tag. It shows the way, and asks.

    \b
    Examples:
      tagalong rollback web-eu
      tagalong rollback web-eu --to 91c0aa17 --yes
    """
    return rollback(fleet, screen, service, to=to, yes=yes)


def _days(_context: click.Context, _option: click.Parameter, text: str) -> timedelta:
    number = text.removesuffix("d")
    if not (text.endswith("d") and number.isdecimal() and len(number) <= _LONGEST_AGE):
        raise click.BadParameter(f"'{text}' is no number of days, such as 90d")
    return timedelta(days=int(number))


@main.command("prune", short_help="Deregister old revisions that nothing uses.")
@click.option(
    "--keep", type=click.IntRange(1), default=10, show_default=True, help="Of each service, the last."
)
@click.option(
    "--older", callback=_days, default="90d", show_default=True, metavar="DAYS", help="Registered before."
)
@click.option("--yes", is_flag=True, help="Deregister them; without it, list them.")
@on_account
def _prune(fleet: Fleet, screen: Screen, keep: int, older: timedelta, yes: bool) -> int:
    """List the revisions that tagalong registered, that are old, and that nothing uses; deregister them.

    A revision stays if a service of any cluster, a task, an EventBridge rule or a schedule names it, if ECS
    or tagalong may go back to it, or if it is among the last of its service or its family. What cannot be
    read ends it before anything is done. Nothing is deleted. Without --yes it exits with 3 if there is
    something to do.

    \b
    Examples:
      tagalong prune
      tagalong prune --keep 20 --older 180d --yes
    """
    return prune(fleet, screen, keep=keep, older=older, yes=yes)


@main.command("doctor", short_help="Is tagalong itself well?")
@on_account
def _doctor(fleet: Fleet, screen: Screen) -> int:
    """Look at the stack, its queues and alarms, and at what keeps it from moving the services that are there.

    What you may not read is `unknown`. Exits with 2 if there is a problem.

    \b
    Example:
      tagalong doctor
    """
    return doctor(fleet, screen)
