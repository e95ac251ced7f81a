"""Values to JSON and back: what queues and the table hold.

Unknown fields are left out and missing ones get their default, so that an older or newer version can read it.
"""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class UnreadableError(ValueError):
    """A text is not what was written. Names the field."""


def to_json(value: Any) -> str:
    """Of a dataclass. Times are ISO 8601, UTC."""
    return json.dumps(asdict(value), default=_plain, separators=(",", ":"))


def from_json(kind: type[T], text: str) -> T:
    """Raises UnreadableError."""
    try:
        value: T = read(kind, json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableError(f"not a {kind.__name__}: {error!r}") from None
    return value


def read(kind: Any, value: Any) -> Any:
    """`value`, as JSON has it, as a value of this type: a dataclass or what its fields are made of."""
    known = get_origin(kind) or kind
    if known is UnionType:
        return _union(get_args(kind), value)
    if is_dataclass(known):
        return _dataclass(known, value)
    if get_args(kind) and known is not Literal:
        return _collection(known, get_args(kind), value)
    if known is datetime:
        return parse_time(value)
    if known is Literal or issubclass(known, Enum):
        return value if known is Literal else known(value)
    if not isinstance(value, known):
        raise TypeError(f"{value!r} is not a {known.__name__}")
    return value


def _collection(known: Any, items: tuple[Any, ...], value: Any) -> Any:
    if issubclass(known, Mapping):
        return {name: read(items[1], it) for name, it in value.items()}
    return tuple(read(items[0], it) for it in value)


def parse_time(text: str) -> datetime:
    """Of an ISO 8601 date or time; UTC where it names no zone. Raises ValueError."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _dataclass(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    known = {it.name: it for it in fields(kind)}
    given = {name: read(hints[name], value[name]) for name in known if name in value}
    if missing := [name for name, it in known.items() if name not in given and _is_required(it)]:
        raise KeyError(missing[0])
    return kind(**given)


def _union(kinds: tuple[Any, ...], value: Any) -> Any:
    """Either optional, or of dataclasses that tell themselves apart by the default of their field `kind`."""
    if value is None and type(None) in kinds:
        return None
    candidates = [kind for kind in kinds if kind is not type(None)]
    if len(candidates) == 1:
        return read(candidates[0], value)
    [named] = [kind for kind in candidates if _kind(kind) == value["kind"]]
    return read(named, value)


def _kind(kind: Any) -> Any:
    return next(it.default for it in fields(kind) if it.name == "kind")


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{value!r} cannot be written")


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)
