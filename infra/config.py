"""What the context key `tagalong` in cdk.json may say: read once, refused early."""

import difflib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, Self

CLUSTER = r"\*|[A-Za-z0-9_-]{1,255}"
REPOSITORY = r"[a-z0-9._/*?-]{1,256}"
ROLE_PATH = r"/([A-Za-z0-9_+=,.@-]+/)*"
EMAIL = r"[^@\s]+@[^@\s]+"
ACCOUNT = r"[0-9]{12}"
TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
POLICY = r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]{1,512}"
TAG_KEY = r"(?!aws:)[\w .:/=+@-]{1,128}"
TAG_VALUE = r"[\w .:/=+@-]{0,256}"
ARCHITECTURE = r"arm64|x86_64"
SELECTION = r"opt-out|opt-in"
MODE = r"revision|force"
# As lambda/tagalong/decide/rules read it; a test compares the two.
_PART = r"([A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*)?"
_GAPPED = rf"{_PART}\.\.{_PART}"
RULE = rf"track|pin|force|newest(:({_PART}\.?|{_GAPPED}))?|highest:{_GAPPED}|semver:([0-9]{{1,18}}\.){{0,2}}x"
# As lambda/tagalong/messages/notifications.py has them; a test compares the two.
KINDS = (
    *("started", "completed", "failed", "rolled-back", "stopped", "replaced"),
    *("stuck", "blocked", "action-required"),
)
DURATION = r"([1-9][0-9]{0,3}) (minute|hour|day)s?"
SWEEP = r"off|([5-9]|[1-9][0-9]{1,2}) minutes|1 (hour|day)|([2-9]|[1-9][0-9]{1,2}) (hours|days)"
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
RENAMED_KEYS = {
    "registries": "registryAccounts",
    "forwardTo": "forwardToAccounts",
    "historyDays": "historyRetentionDays",
    "notify": "notifyOn",
    "parameters": "publishParameters",
}
RENAMED_VALUES = {
    "selection": {"all": "opt-out", "tagged": "opt-in"},
    "notifyOn": {"held": "blocked", "refused": "action-required"},
}

_TEN_YEARS = 3650  # in days
_TEN_MINUTES, _DAY = 10, 24 * 60  # in minutes


class ConfigError(ValueError):
    """Something under `tagalong` that cannot be deployed, and what to write instead."""


def _text(value: object, pattern: str) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def _list(value: object, pattern: str) -> tuple[str, ...] | None:
    names: list[Any] = value if isinstance(value, list) else [value]
    unmixed = len(names) == 1 or "*" not in names
    accepted = names and unmixed and all(_text(name, pattern) for name in names)
    return tuple(dict.fromkeys(names)) if accepted else None


def _accounts(value: object) -> tuple[str, ...] | None:
    return () if value == [] else _list(value, ACCOUNT)


def _days(value: object) -> int | None:
    return value if type(value) is int and value in RETENTION_DAYS else None


def _number_of_days(value: object) -> int | None:
    return value if type(value) is int and 1 <= value <= _TEN_YEARS else None


def _kinds(value: object) -> tuple[str, ...] | None:
    return () if value == [] else _list(value, "|".join(KINDS))


def _minutes(value: object) -> int | None:
    if not (match := re.fullmatch(DURATION, value) if isinstance(value, str) else None):
        return None
    minutes = int(match[1]) * {"minute": 1, "hour": 60, "day": _DAY}[match[2]]
    return minutes if _TEN_MINUTES <= minutes <= _DAY else None


def sweep_minutes(rate: str) -> str:
    """Of a rate that was accepted."""
    if rate == "off":
        return rate
    number, unit = rate.split()
    return str(int(number) * {"minute": 1, "hour": 60, "day": _DAY}[unit.removesuffix("s")])


def _tags(value: object) -> tuple[tuple[str, str], ...] | None:
    """As CloudFormation takes them."""
    if not isinstance(value, dict):
        return None
    accepted = all(_text(key, TAG_KEY) and _text(text, TAG_VALUE) is not None for key, text in value.items())
    return tuple(sorted(value.items())) if accepted else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _share(value: object) -> float | None:
    return value if isinstance(value, int | float) and type(value) is not bool and 0 < value <= 1 else None


def _key(default: object, remedy: str, read: Callable[..., object], *pattern: str) -> Any:
    """`read` answers None to a value that it refuses."""
    return field(default=default, metadata={"remedy": remedy, "read": lambda value: read(value, *pattern)})


@dataclass(frozen=True)
class Config:
    """One field per key: `task_role_paths` here is `taskRolePaths` there."""

    clusters: tuple[str, ...] = _key(("*",), 'give cluster names, or "*" alone', _list, CLUSTER)
    repositories: tuple[str, ...] = _key(
        ("*",), 'give repository names, with * and ? as wildcards, or "*" alone', _list, REPOSITORY
    )
    task_role_paths: tuple[str, ...] = _key(
        ("/",), 'give IAM paths that start and end with "/", such as "/ecs/"', _list, ROLE_PATH
    )
    alarm_email: str | None = _key(None, "give one e-mail address, or leave the key out", _text, EMAIL)
    log_retention_days: int = _key(30, f"give one of {', '.join(map(str, RETENTION_DAYS))}", _days)
    dry_run: bool = _key(default=False, remedy="give true or false, without quotes", read=_flag)
    selection: str = _key("opt-out", 'give "opt-out" or "opt-in"', _text, SELECTION)
    default_rule: str = _key(
        "track",
        'give "track", "pin", "newest", "newest:main-", "newest:main-..-prod", "highest:build-..", '
        '"semver:x", "semver:1.x", "semver:1.4.x" or "force"',
        _text,
        RULE,
    )
    mode: str = _key(
        "revision", 'give "revision" to register revisions, or "force" to only force deployments', _text, MODE
    )
    sweep: str = _key(
        "1 hour", 'give a rate of 5 minutes or more, such as "30 minutes", "1 hour" or "off"', _text, SWEEP
    )
    registry_accounts: tuple[str, ...] = _key(
        (), 'give the ids of all accounts whose pushes count, such as ["111122223333"]', _accounts
    )
    forward_to_accounts: tuple[str, ...] = _key(
        (), 'give the ids of other accounts that run images of this one, such as ["222233334444"]', _accounts
    )
    quota_share: float = _key(0.8, "give a number above 0 and not above 1, such as 0.5", _share)
    stuck_after: int = _key(
        30, 'give a time from 10 minutes to 1 day, such as "45 minutes" or "2 hours"', _minutes
    )
    history_retention_days: int = _key(90, "give a number of days, from 1 to 3650", _number_of_days)
    notify_on: tuple[str, ...] = _key(
        ("failed", "rolled-back", "stopped", "stuck", "blocked", "action-required"),
        f"give a list of {', '.join(KINDS)}, which may be empty",
        _kinds,
    )
    publish_parameters: bool = _key(default=False, remedy="give true or false, without quotes", read=_flag)
    alarm_topic: str | None = _key(None, "give the ARN of one SNS topic, or leave the key out", _text, TOPIC)
    permissions_boundary: str | None = _key(
        None, "give the ARN of one IAM policy, or leave the key out", _text, POLICY
    )
    tags: tuple[tuple[str, str], ...] = _key(
        (), 'give an object of texts, such as {"team": "platform"}; no key may start with aws:', _tags
    )
    architecture: str = _key("arm64", 'give "arm64" or "x86_64"', _text, ARCHITECTURE)
    xray: bool = _key(default=False, remedy="give true or false, without quotes", read=_flag)

    @classmethod
    def from_context(cls, value: object) -> Self:
        config = cls(**dict(_setting(key, given) for key, given in _object(value).items()))
        if config.mode == "force" and config.default_rule not in {"track", "force"}:
            raise ConfigError(
                f'tagalong.defaultRule: received "{config.default_rule}", which needs new revisions; '
                'with mode "force" leave it out'
            )
        return config


def _object(value: object) -> dict[str, object]:
    """`cdk -c tagalong='{"dryRun": true}'` arrives as text, cdk.json as an object."""
    given = value
    if isinstance(value, str):
        with suppress(json.JSONDecodeError):
            given = json.loads(value)
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(
            f'tagalong: received {json.dumps(value)}; give an object such as {{"dryRun": true}}'
        )
    return given


def _setting(key: str, value: object) -> tuple[str, Any]:
    _refuse_renamed(key, value)
    known = {_camel_case(field.name): field for field in fields(Config)}
    received = json.dumps(value)
    if key not in known:
        (nearest,) = difflib.get_close_matches(key, known, n=1, cutoff=0)
        raise ConfigError(f"tagalong.{key}: unknown key, received {received}; did you mean {nearest}?")
    accepted = known[key].metadata["read"](value)
    if accepted is None:
        raise ConfigError(f"tagalong.{key}: received {received}; {known[key].metadata['remedy']}")
    return known[key].name, accepted


def _refuse_renamed(key: str, value: object) -> None:
    if new_key := RENAMED_KEYS.get(key):
        raise ConfigError(f"tagalong.{key} was renamed: write {new_key}")
    renamed = RENAMED_VALUES.get(key, {})
    for word in value if isinstance(value, list) else [value]:
        if isinstance(word, str) and word in renamed:
            raise ConfigError(f'tagalong.{key}: "{word}" was renamed: write "{renamed[word]}"')


def _camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(map(str.capitalize, rest))
