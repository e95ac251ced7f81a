"""Who takes part: what ECS lets us update, and what the tags of a service say, taken literally."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches

from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.plain import parse_time
from tagalong.model.services import EPOCH, Service

ENABLED, HOLD, RULE, RETRY = "tagalong:enabled", "tagalong:hold", "tagalong:rule", "tagalong:retry"
_KEYS = (ENABLED, HOLD, RULE, RETRY)


def check(service: Service, *, opt_in: bool, now: datetime) -> Refusal | None:
    """Why this service is left alone, whatever it runs; None if it takes part."""
    return _check_updatable(service) or _check_tags(service.tags, opt_in=opt_in, now=now)


def _check_updatable(service: Service) -> Refusal | None:
    """What UpdateService cannot do."""
    if service.status != "ACTIVE":
        return Refusal(SkipReason.SERVICE_NOT_ACTIVE, f"the service is {service.status}, not ACTIVE")
    if service.managed_by == "ECS":
        message = "ECS Express Mode manages the service and deploys it itself"
        return Refusal(SkipReason.EXPRESS_MODE, message)
    if service.controller == "CODE_DEPLOY":
        message = "CodeDeploy deploys it, and ECS lets nobody else change its task definition"
        return Refusal(SkipReason.CODE_DEPLOY_CONTROLLER, message)
    if service.controller != "ECS":
        message = f"its deployment controller {service.controller} deploys through task sets"
        return Refusal(SkipReason.EXTERNAL_CONTROLLER, message)
    return None


def _check_tags(tags: Mapping[str, str], *, opt_in: bool, now: datetime) -> Refusal | None:
    """Only literal values count. Whatever else is written deploys nothing: a misspelt hold must hold."""
    if unknown := nearest(tags, "tagalong:", _KEYS):
        return _misconfigured(f"tag {unknown}")
    match tags.get(ENABLED):
        case "false":
            return Refusal(SkipReason.OPTED_OUT, f"its tag {ENABLED} is false")
        case None if opt_in:
            return Refusal(SkipReason.NOT_OPTED_IN, f"it has no tag {ENABLED} = true")
        case None | "true":
            return _hold(tags.get(HOLD), now) or _invalid_retry(tags.get(RETRY), now)
        case other:
            return _misconfigured(f"tag {ENABLED} is '{other}', not true or false")


def nearest(names: Iterable[str], prefix: str, known: tuple[str, ...]) -> str | None:
    """A name that starts like ours and is none of ours, with the one that was meant."""
    for name in sorted(names):
        if name.startswith(prefix) and name not in known:
            [meant] = get_close_matches(name, known, n=1, cutoff=0)
            return f"'{name}' is unknown, did you mean '{meant}'?"
    return None


def _hold(value: str | None, now: datetime) -> Refusal | None:
    if value is None:
        return None
    if value == "true":
        return Refusal(SkipReason.ON_HOLD, f"its tag {HOLD} is true")
    try:
        until = parse_time(value)
    except ValueError:
        return _misconfigured(f"tag {HOLD} is '{value}', neither true nor an ISO date such as 2027-01-07")
    return Refusal(SkipReason.ON_HOLD, f"its tag {HOLD} holds it until {value}") if now < until else None


def retry_requested_at(tags: Mapping[str, str]) -> datetime:
    """What was rejected or chosen before this instant counts no more."""
    try:
        return parse_time(tags[RETRY]) if RETRY in tags else EPOCH
    except ValueError:
        return EPOCH  # `check` reports it


def _invalid_retry(value: str | None, now: datetime) -> Refusal | None:
    try:
        if value is None or parse_time(value) <= now:
            return None
    except ValueError:
        return _misconfigured(f"tag {RETRY} is '{value}', not an ISO time such as 2026-11-22T14:30Z")
    return _misconfigured(f"tag {RETRY} is in the future ('{value}'); set it to the current time")


def _misconfigured(message: str) -> Refusal:
    return Refusal(SkipReason.MISCONFIGURED, message)
