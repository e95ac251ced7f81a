"""`semver`: the highest semantic version in a range; never a lower one than runs.

Strict versions only, `1.4.2` or `v1.4.2`: a git hash such as 1234567 is none. What follows after a hyphen is
a pre-release (`-rc.1`) if it starts with a word of _PRE_RELEASES; anything else (`-alpine`) names another
line of images, and lines are never crossed.
"""

import re
from dataclasses import dataclass, replace
from typing import Self

from semver import Version

from tagalong.decide.rules.track import not_found
from tagalong.model.decisions import No, SkipReason
from tagalong.model.images import Image
from tagalong.model.revisions import Container

_PRE_RELEASES = "alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|next|a|b|m"
_TAG = re.compile(
    rf"(?P<v>v?)(?P<version>\d+\.\d+\.\d+(?:-(?:{_PRE_RELEASES})[.\d]*)?)(?:-(?P<line>.+))?",
    re.ASCII | re.IGNORECASE,
)
_RANGE = re.compile(r"(?:(?P<major>\d+)\.)?(?:(?P<minor>\d+)\.)?x", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Tag:
    version: Version
    line: str
    spelling: str  # "v" or ""

    @classmethod
    def parse(cls, text: str) -> Self | None:
        if not (match := _TAG.fullmatch(text)) or not Version.is_valid(match["version"]):
            return None
        return cls(Version.parse(match["version"]), match["line"] or "", match["v"])


@dataclass(frozen=True, slots=True)
class Semver:
    text: str
    major: int | None
    minor: int | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """`x`, `1.x` or `1.4.x`."""
        if not (match := _RANGE.fullmatch(text)):
            return None
        return cls(text, *(int(match[part]) if match[part] else None for part in ("major", "minor")))

    def unconcerned(self, container: Container, tag: str) -> No | None:
        runs, pushed = _Tag.parse(container.tag or ""), _Tag.parse(tag)
        if not runs or (pushed and self._may_follow(runs, pushed)):
            return None
        sentence = f"{container.name} follows versions of {self.text} from '{container.tag}' up, not '{tag}'"
        return No(SkipReason.OTHER_TAG, sentence)

    def asks(self, _container: Container) -> str | None:
        return None

    def choose(self, container: Container, images: tuple[Image, ...]) -> Image | No:
        """Of `1.4.2` and `v1.4.2` the one that is spelt as what runs."""
        if not (runs := _Tag.parse(container.tag or "")):
            sentence = (
                f"{container.name} runs '{container.tag}', which is no version, so higher cannot be told"
            )
            return No(SkipReason.CURRENT_UNKNOWN, sentence)
        versions = [(tag, image) for image in images if (tag := _Tag.parse(image.tag))]
        allowed = [(tag, image) for tag, image in versions if self._may_follow(runs, tag)]
        if allowed:
            return max(allowed, key=lambda pair: (pair[0].version, pair[0].spelling == runs.spelling))[1]
        return _stay(container, images)

    def _may_follow(self, runs: _Tag, tag: _Tag) -> bool:
        return (
            tag.line == runs.line
            and tag.version >= runs.version
            and self.major in (None, tag.version.major)
            and self.minor in (None, tag.version.minor)
            and bool(runs.version.prerelease or not tag.version.prerelease)
        )


def _stay(container: Container, images: tuple[Image, ...]) -> Image | No:
    """What runs is above the range: it stays, also when its tag is gone."""
    by_tag = [image for image in images if image.tag == container.tag]
    by_digest = [image for image in images if image.digest == container.image.digest]
    found = next(iter(by_tag + by_digest), None)
    return replace(found, tag=container.tag or "") if found else not_found(container)
