"""`newest`: of the tags that fit, the one whose image was pushed last; never an older one than runs.

The time is that of the digest's first push: pointing an old image at a new tag does not make it new.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from tagalong.decide.rules.pattern import TagPattern
from tagalong.decide.rules.running import artifact_at_tag, find_running, not_followed, version_unknown
from tagalong.model.decisions import Refusal
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container

# As build tools name the platforms of an index that they push one by one.
_PLATFORM = re.compile(
    r"[-_.](?:(?:linux|windows)[-_.])?"
    r"(?:amd64|x86[-_]64|x64|386|arm64(?:[-_.]?v8)?|aarch64|arm(?:[-_.]?v[67])?|ppc64le|s390x|riscv64)\Z"
)


@dataclass(frozen=True, slots=True)
class Newest:
    pattern: TagPattern

    def __str__(self) -> str:
        return f"newest:{self.pattern}".removesuffix(":")

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Nothing, `main-`, `main-..` or `main-..-prod`."""
        pattern = TagPattern.parse(text)
        return cls(pattern) if pattern else None

    def ignores_tag(self, container: Container, tag: str) -> Refusal | None:
        if self._fits(tag):
            return None
        return not_followed(
            self, container, tag, f"push a tag that fits '{self.pattern}', or change the rule"
        )

    def tag_to_query(self, _container: Container) -> str | None:
        return None

    def select(
        self, container: Container, images: tuple[TaggedImage, ...], since: float | None = None
    ) -> TaggedImage | Refusal:
        """Of images that were pushed in the same second, the one with the greatest tag."""
        running = find_running(container, images)
        indexes = frozenset(image.tag for image in images if image.is_index)
        candidates = [image for image in self._candidates(images) if _index(image.tag) not in indexes]
        if not running:
            return artifact_at_tag(self, container, images) or self._latest(container, candidates, since)

        def order(image: TaggedImage) -> tuple[float, bool, str]:
            return image.pushed_at, _index(image.tag) not in indexes, image.tag

        newest = max([running, *candidates], key=order)
        return newest if newest.digest != running.digest else running

    def _latest(
        self, container: Container, candidates: Iterable[TaggedImage], since: float | None
    ) -> TaggedImage | Refusal:
        """The image pushed last since the running revision was registered, where nothing else is known."""
        newer = [image for image in candidates if since is not None and image.pushed_at > since]
        if newer:
            return max(newer, key=lambda image: (image.pushed_at, image.tag))
        unknown = "nothing newer than its revision" if since is not None else "nobody knows what is newer"
        return version_unknown(self, container, f"ECR no longer has that image, and {unknown}")

    def _candidates(self, images: Iterable[TaggedImage]) -> Iterable[TaggedImage]:
        return (image for image in images if image.tag and self._fits(image.tag) and image.is_container_image)

    def _fits(self, tag: str) -> bool:
        """With a gap the tag must end there: a platform behind it is more than the pattern says."""
        gap = self.pattern.gap(tag)
        return gap is not None and (self.pattern.suffix is None or not _PLATFORM.search(gap))


def _index(tag: str) -> str | None:
    """The tag of the index that this tag, by its name, is one platform of."""
    return tag[: match.start()] if (match := _PLATFORM.search(tag)) else None
