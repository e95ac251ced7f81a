"""`highest:build-..`: the greatest number between prefix and suffix; never a lower one than runs."""

from dataclasses import dataclass
from typing import Self

from tagalong.decide.rules.pattern import TagPattern
from tagalong.decide.rules.running import keep_running, not_followed, version_unknown
from tagalong.model.decisions import Refusal
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container

_LONGEST_TAG = 300


@dataclass(frozen=True, slots=True)
class Highest:
    pattern: TagPattern

    def __str__(self) -> str:
        return f"highest:{self.pattern}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """`build-..`, `build-..-prod` or `..`."""
        pattern = TagPattern.parse(text)
        return cls(pattern) if pattern and pattern.suffix is not None else None

    def ignores_tag(self, container: Container, tag: str) -> Refusal | None:
        runs, pushed = self._number(container.tag or ""), self._number(tag)
        if runs is None or (pushed is not None and pushed > runs) or tag == container.tag:
            return None
        return not_followed(self, container, tag, f"push a tag {self.pattern} with a number above {runs}")

    def tag_to_query(self, _container: Container) -> str | None:
        return None

    def select(
        self, container: Container, images: tuple[TaggedImage, ...], _since: float | None = None
    ) -> TaggedImage | Refusal:
        """Of two spellings of one number (`9`, `09`) the greater text, but never another for what runs."""
        if (runs := self._number(container.tag or "")) is None:
            return version_unknown(
                self, container, f"'{container.tag}' has no number where {self} has its gap"
            )
        numbered = ((self._number(image.tag), image) for image in images if image.is_container_image)
        allowed = [
            (number, image.tag, image)
            for number, image in numbered
            if number is not None and (number > runs or image.tag == container.tag)
        ]
        return max(allowed, key=lambda it: it[:2])[2] if allowed else keep_running(self, container, images)

    def _number(self, tag: str) -> int | None:
        gap = self.pattern.gap(tag) or ""
        return int(gap) if gap.isascii() and gap.isdigit() and len(gap) <= _LONGEST_TAG else None
