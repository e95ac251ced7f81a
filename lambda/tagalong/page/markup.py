"""HTML and SVG that no text can break out of: what is not Markup already is made harmless and escaped."""

import re
from html import escape

from tagalong.messages.text import neutral

_NAME = re.compile(r"[a-z][a-zA-Z0-9-]*")
_EMPTY = {"meta", "path", "rect", "circle", "line"}


class Markup(str):
    """Made by `el`, `join` or `literal` only."""

    __slots__ = ()


def literal(text: str) -> Markup:
    """Of ours, never of others: it is not escaped."""
    return Markup(text)


def el(tag: str, /, *children: str, **attributes: str | int | None) -> Markup:
    """An element. Attributes are written with _ for -, `class_` for class; one that is None is left out."""
    written = "".join(
        f' {_attribute(key)}="{_text(str(value))}"' for key, value in attributes.items() if value is not None
    )
    if tag in _EMPTY and not children:
        return Markup(f"<{tag}{written}/>")
    return Markup(f"<{tag}{written}>{join(*children)}</{tag}>")


def join(*children: str) -> Markup:
    return Markup("".join(it if isinstance(it, Markup) else _text(it) for it in children))


def _attribute(key: str) -> str:
    name = key.rstrip("_").replace("_", "-")
    if not _NAME.fullmatch(name):
        raise ValueError(f"'{name}' is no name of an attribute")
    return name


def _text(text: str) -> str:
    return escape(neutral(text), quote=True)
