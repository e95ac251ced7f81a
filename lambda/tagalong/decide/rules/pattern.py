"""Tags with a part that varies: `main-..-prod` is a prefix, a gap and a suffix.

The gap is written `..`, because a tag of an ECS resource cannot hold `*`.
"""

import re
from dataclasses import dataclass
from typing import Self

# No part touches the gap with a dot of its own: in `1.4...` nobody could tell which two are the gap.
_PART = r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)?"
_PREFIX = re.compile(rf"{_PART}\.?")
_GAPPED = re.compile(rf"(?P<prefix>{_PART})\.\.(?P<suffix>{_PART})")


@dataclass(frozen=True, slots=True)
class TagPattern:
    prefix: str
    suffix: str | None  # None: whatever may follow the prefix

    def __str__(self) -> str:
        return self.prefix if self.suffix is None else f"{self.prefix}..{self.suffix}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """`main-`, `main-..` or `main-..-prod`."""
        if match := _GAPPED.fullmatch(text):
            return cls(match["prefix"], match["suffix"])
        return cls(text, None) if _PREFIX.fullmatch(text) else None

    def gap(self, tag: str) -> str | None:
        """What the tag has in place of the gap, or after a mere prefix; None if the tag does not fit."""
        suffix = self.suffix or ""
        start, end = len(self.prefix), len(tag) - len(suffix)
        shortest = start if self.suffix is None else start + 1
        fits = end >= shortest and tag.startswith(self.prefix) and tag.endswith(suffix)
        return tag[start:end] if fits else None
