"""Who takes part: what the tags of a service say, taken literally."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches

from tagalong.model.decisions import Refusal, SkipReason

ENABLED, HOLD, RULE, RETRY = "tagalong:enabled", "tagalong:hold", "tagalong:rule", "tagalong:retry"
_KEYS = (ENABLED, HOLD, RULE, RETRY)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def refusal(tags: Mapping[str, str], *, only_enabled: bool, now: datetime) -> Refusal | None:
    """Why this service does not take part now; None if it does.

    Only literal values count. Whatever else is written there deploys nothing: a misspelt hold must hold.
    """
    if unknown := nearest(tags, "tagalong:", _KEYS):
        return _misconfigured(f"tag {unknown}")
    match tags.get(ENABLED):
        case "false":
            return Refusal(SkipReason.DISABLED, f"its tag {ENABLED} is false")
        case None if only_enabled:
            return Refusal(SkipReason.NOT_ENABLED, f"it has no tag {ENABLED} = true")
        case None | "true":
            return _hold(tags.get(HOLD), now) or _unclear(tags.get(RETRY), now)
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
        until = instant(value)
    except ValueError:
        return _misconfigured(f"tag {HOLD} is '{value}', neither true nor an ISO date such as 2027-01-07")
    return Refusal(SkipReason.ON_HOLD, f"its tag {HOLD} holds it until {value}") if now < until else None


def cleared(tags: Mapping[str, str]) -> datetime:
    """What was rejected before this instant may be tried again. A failure after it counts again."""
    return instant(tags[RETRY]) if RETRY in tags else _EARLIEST


def instant(text: str) -> datetime:
    """Of an ISO 8601 date or time; UTC where it names no zone. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _unclear(value: str | None, now: datetime) -> Refusal | None:
    try:
        if value is None or instant(value) <= now:
            return None
    except ValueError:
        return _misconfigured(f"tag {RETRY} is '{value}', not an ISO time such as 2026-11-22T14:30Z")
    return _misconfigured(f"tag {RETRY} is '{value}', which has not come yet: say the time of now")


def _misconfigured(sentence: str) -> Refusal:
    return Refusal(SkipReason.MISCONFIGURED, sentence)
