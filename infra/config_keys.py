"""The keys under `tagalong`: each is known, spelled as today, and has a value that can be deployed."""

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import Field, field
from typing import Any

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


class ConfigError(ValueError):
    """Something under `tagalong` that cannot be deployed, and what to write instead."""


def key(default: object, remedy: str, read: Callable[..., object], *pattern: str) -> Any:
    """`read` answers None to a value that it refuses."""
    return field(default=default, metadata={"remedy": remedy, "read": lambda value: read(value, *pattern)})


def read_keys(known: Iterable[Field[Any]], value: object) -> dict[str, Any]:
    """The name of a field -> what the key of this name says."""
    named = {_camel_case(it.name): it for it in known}
    return dict(_setting(named, key, given) for key, given in _object(value).items())


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


def _setting(known: Mapping[str, Field[Any]], key: str, value: object) -> tuple[str, Any]:
    _refuse_renamed(key, value)
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
