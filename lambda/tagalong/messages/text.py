"""Foreign text for people: what owners of images and services wrote, or ECS quotes."""

import re
from datetime import timedelta

# Control characters, what changes the direction or is not seen, and what no UTF-8 can hold.
_CONTROL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]+"
)
_MOST = 600
# Nothing that a mail program or a chat turns into a link, a mention or markup.
_HARMLESS = str.maketrans({"<": "(", ">": ")", "`": "'", "*": ".", "[": "(", "]": ")", "\\": "/"})
_UNITS = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"), (timedelta(minutes=1), "min"))


def neutral(text: str) -> str:
    """One line, without links, mentions, markup and control characters."""
    line = _CONTROL.sub(" ", text)
    line = re.sub(r"://", ":/ /", line)
    line = re.sub(r"(?i)\b(www)\.", r"\1 .", line)
    line = re.sub(r"(^|\s)[@#!](?=\w)", r"\1", line).translate(_HARMLESS)
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"


def age(span: timedelta) -> str:
    """`3 d`, `2 h`, `8 min`; below a minute, seconds."""
    for unit, name in _UNITS:
        if span >= unit:
            return f"{span // unit} {name}"
    return f"{max(0, int(span.total_seconds()))} s"
