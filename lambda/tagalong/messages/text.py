"""Foreign text for people: what owners of images and services wrote, or ECS quotes."""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_MOST = 600
# Nothing that a mail program or a chat turns into a link, a mention or markup.
_HARMLESS = str.maketrans({"<": "(", ">": ")", "`": "'", "*": ".", "[": "(", "]": ")", "\\": "/"})


def neutral(text: str) -> str:
    """One line, without links, mentions, markup and control characters."""
    line = _CONTROL.sub(" ", text)
    line = re.sub(r"://", ":/ /", line)
    line = re.sub(r"(?i)\b(www)\.", r"\1 .", line)
    line = re.sub(r"(^|\s)[@#!](?=\w)", r"\1", line).translate(_HARMLESS)
    return line if len(line) <= _MOST else f"{line[: _MOST - 1]}…"
