"""The environment of the functions, read once. infra/ sets it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tagalong.images import Scope


class SettingsError(ValueError):
    """A setting is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What both functions are told. `clusters` concerns the finder, `dry_run` the deployer."""

    scope: Scope
    queue_url: str
    clusters: tuple[str, ...]
    dry_run: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Self:
        """Raises SettingsError, naming the variable."""
        return cls(
            scope=Scope(
                registries=frozenset(_words(environment, "TAGALONG_REGISTRIES")),
                region=_value(environment, "AWS_REGION"),
                repositories=_words(environment, "TAGALONG_REPOSITORIES"),
            ),
            queue_url=_value(environment, "TAGALONG_QUEUE_URL"),
            clusters=_words(environment, "TAGALONG_CLUSTERS"),
            dry_run=_flag(environment, "TAGALONG_DRY_RUN"),
        )


def _value(environment: Mapping[str, str], name: str) -> str:
    if not (value := environment.get(name, "")):
        raise SettingsError(f"{name} is not set: deploy the function with tagalong's CDK app")
    return value


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in _value(environment, name).split(","))


def _flag(environment: Mapping[str, str], name: str) -> bool:
    match _value(environment, name):
        case "true":
            return True
        case "false":
            return False
        case other:
            raise SettingsError(f"{name} is '{other}': say true or false")
