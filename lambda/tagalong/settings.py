"""The environment of the functions, read once. infra/ sets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tagalong.images import Scope
from tagalong.planning import Policy


class SettingsError(ValueError):
    """A setting is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What both functions are told. `clusters` concerns the finder, `dry_run` the deployer."""

    policy: Policy
    queue_url: str
    table: str  # of known revisions
    clusters: tuple[str, ...]
    dry_run: bool
    quota_share: float  # of the calls that ECS allows the account

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingsError, naming the variable."""
        return cls(
            policy=_policy(environment),
            queue_url=_value(environment, "TAGALONG_QUEUE_URL"),
            table=_value(environment, "TAGALONG_TABLE"),
            clusters=_words(environment, "TAGALONG_CLUSTERS"),
            dry_run=_choice(environment, "TAGALONG_DRY_RUN", true=True, false=False),
            quota_share=float(_value(environment, "TAGALONG_QUOTA_SHARE")),
        )


def _policy(environment: Mapping[str, str]) -> Policy:
    scope = Scope(
        registries=frozenset(_words(environment, "TAGALONG_REGISTRIES")),
        region=_value(environment, "AWS_REGION"),
        repositories=_words(environment, "TAGALONG_REPOSITORIES"),
    )
    only_enabled = _choice(environment, "TAGALONG_SELECTION", all=False, tagged=True)
    return Policy(scope, _value(environment, "TAGALONG_DEFAULT_RULE"), only_enabled=only_enabled)


def _value(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name, "")):
        raise SettingsError(f"{name} is not set: deploy the function with tagalong's CDK app")
    return value


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in _value(environment, name).split(","))


def _choice(environment: Mapping[str, str], name: str, **choices: bool) -> bool:
    value = _value(environment, name)
    if value not in choices:
        raise SettingsError(f"{name} is '{value}': say {' or '.join(choices)}")
    return choices[value]
