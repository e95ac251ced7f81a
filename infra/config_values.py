"""How one value of the configuration is written and read. Each reader answers None to what it refuses."""

import re
from typing import Any

CLUSTER = r"\*|[A-Za-z0-9_-]{1,255}"
REPOSITORY = r"[a-z0-9._/*?-]{1,256}"
ROLE_PATH = r"/([A-Za-z0-9_+=,.@-]+/)*"
# At the path / where it names none, which is where CDK, CloudFormation and Terraform make them.
ROLE = r"(arn:aws[a-z-]*:iam::[0-9]{12}:role/)?([A-Za-z0-9_+=,.@*?-]+/)*[A-Za-z0-9_+=,.@*?-]+"
EMAIL = r"[^@\s]+@[^@\s]+"
ACCOUNT = r"[0-9]{12}"
TOPIC = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"
POLICY = r"arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]{1,512}"
_KEY_ID = r"mrk-[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KEY = rf"arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{{12}}:key/({_KEY_ID})"
TAG_KEY = r"(?!aws:)[\w .:/=+@-]{1,128}"
TAG_VALUE = r"[\w .:/=+@-]{0,256}"
ARCHITECTURE = r"arm64|x86_64"
# Less what SSM refuses at the start of a parameter, and what the stack of a registry ends with. The id of a
# statement on an event bus has it in its 64 characters.
STACK_NAME = r"(?!(?i:aws|ssm))(?!.*-registry$)[A-Za-z][A-Za-z0-9-]{0,39}"
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

_TEN_YEARS = 3650  # in days
_TEN_MINUTES, _DAY = 10, 24 * 60  # in minutes


def text(value: object, pattern: str) -> str | None:
    return value if isinstance(value, str) and re.fullmatch(pattern, value) else None


def texts(value: object, pattern: str) -> tuple[str, ...] | None:
    names: list[Any] = value if isinstance(value, list) else [value]
    unmixed = len(names) == 1 or "*" not in names
    accepted = names and unmixed and all(text(name, pattern) for name in names)
    return tuple(dict.fromkeys(names)) if accepted else None


def any_texts(value: object, pattern: str) -> tuple[str, ...] | None:
    """The list may be empty."""
    return () if value == [] else texts(value, pattern)


def retention_days(value: object) -> int | None:
    return value if type(value) is int and value in RETENTION_DAYS else None


def number_of_days(value: object) -> int | None:
    return value if type(value) is int and 1 <= value <= _TEN_YEARS else None


def minutes(value: object) -> int | None:
    if not (match := re.fullmatch(DURATION, value) if isinstance(value, str) else None):
        return None
    length = int(match[1]) * {"minute": 1, "hour": 60, "day": _DAY}[match[2]]
    return length if _TEN_MINUTES <= length <= _DAY else None


def sweep_minutes(rate: str) -> str:
    """Of a rate that was accepted."""
    if rate == "off":
        return rate
    number, unit = rate.split()
    return str(int(number) * {"minute": 1, "hour": 60, "day": _DAY}[unit.removesuffix("s")])


def tags(value: object) -> tuple[tuple[str, str], ...] | None:
    """As CloudFormation takes them."""
    if not isinstance(value, dict):
        return None
    accepted = all(text(key, TAG_KEY) and text(it, TAG_VALUE) is not None for key, it in value.items())
    return tuple(sorted(value.items())) if accepted else None


def flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def share(value: object) -> float | None:
    return value if isinstance(value, int | float) and type(value) is not bool and 0 < value <= 1 else None
