"""`semver`: the highest version in a range; never a lower one than runs, never another line of images.

No library reads tags as people write them: SemVer knows no leading zeros and no fourth part, and takes
`-jammy` for a pre-release. docs/rules.md says what is a version here, and where this departs from SemVer.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from tagalong.decide.rules.running import find_running, keep_running, not_followed, version_unknown
from tagalong.model.decisions import Refusal
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container

_LONGEST_TAG = 300
_READ_AT_ONCE = 2**15  # more tags than most repositories have: services of one job share what was read

_WORD = "alpha|beta|milestone|rc|cr|pre|preview|dev|snapshot|nightly|canary|next|ea"
_LETTER = "a|b|m"
_END = r"(?=[-._]|\Z)"
# One short commit in thirty has digits only. Taken for a number it would be above all that follow: so 7 or
# 8 digits are a commit, unless they are a date.
_COMMIT = rf"(?!(?:(?:19|20)\d{{6}}|\d{{9,}}){_END})g?[0-9a-f]{{7,40}}{_END}"

_NUMBERS = re.compile(r"(v?)((?:0|[1-9]\d*)(?:\.\d+){2,})", re.ASCII | re.IGNORECASE)
_SINCE_RELEASE = re.compile(rf"-(\d+)-g[0-9a-f]{{7,40}}{_END}", re.ASCII)  # as git describe writes it
_PRE_RELEASE = re.compile(
    rf"""((?:[-._](?!{_COMMIT})(?:{_WORD}|{_LETTER})|{_WORD}|(?:{_LETTER})(?=\d))\d*{_END}
        (?:[-._](?!{_COMMIT})(?:\d+|(?:{_WORD}|{_LETTER})\d*){_END})*)
        (?:[-._]{_COMMIT})?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_BUILD = re.compile(rf"[-_](\d+(?:[-._T]\d+)*)Z?{_END}", re.ASCII)
_REBUILD = re.compile(r"[-._](?:r|build[-._]?)(\d+)\Z", re.ASCII | re.IGNORECASE)
_VARIANT = re.compile(r"(?:[-._].+)?", re.ASCII)
_COMMIT_IN_VARIANT = re.compile(rf"(?<=[-._])(?!\d+{_END}){_COMMIT}", re.ASCII)
_INTEGER = re.compile(r"\d+", re.ASCII)
_IDENTIFIER = re.compile(r"\d+|[a-z]+", re.ASCII)
_RANGE = re.compile(r"(?:(?P<major>\d{1,18})\.)?(?:(?P<minor>\d{1,18})\.)?x", re.ASCII)


@dataclass(frozen=True, slots=True)
class Version:
    """A tag, read as a version. Versions with the same `line` are in order of `rank`."""

    line: tuple[int, str]  # how many numbers it has, and which variant of the image it names
    rank: tuple[object, ...]
    numbers: tuple[int, ...]
    is_stable: bool
    prefix: str  # `v` or nothing

    @classmethod
    @lru_cache(maxsize=_READ_AT_ONCE)
    def parse(cls, tag: str) -> Self | None:
        """None for a tag that is no version."""
        if not (match := _NUMBERS.match(tag)) or len(tag) > _LONGEST_TAG:
            return None
        rest, since_release = _take(_SINCE_RELEASE, tag[match.end() :])
        rest, pre_release = _take(_PRE_RELEASE, rest, anchored=True)
        rest, build = _take(_BUILD, rest, anchored=True)
        rest, rebuild = _take(_REBUILD, rest)
        if not _VARIANT.fullmatch(rest):
            return None
        numbers, commits = _integers(match[2]), _integers(since_release)
        identifiers = _identifiers(pre_release)
        rank = (numbers, not identifiers, identifiers, commits, _integers(build) + _integers(rebuild))
        line = len(numbers), _COMMIT_IN_VARIANT.sub("<commit>", rest)
        return cls(line, rank, numbers, not identifiers and not commits, match[1])


def _take(part: re.Pattern[str], text: str, *, anchored: bool = False) -> tuple[str, str]:
    """The text without the part, and what the part says; the text and nothing where there is no such part."""
    if not text or not (match := part.match(text) if anchored else part.search(text)):
        return text, ""
    return text[: match.start()] + text[match.end() :], match[1]


def _integers(text: str) -> tuple[int, ...]:
    return tuple(map(int, _INTEGER.findall(text))) if text else ()


def _identifiers(text: str) -> tuple[tuple[bool, int, str], ...]:
    """In the order of SemVer, numbers before words; but `rc10` is a word and a number, as `rc.10` is."""
    found = _IDENTIFIER.findall(text.lower())
    return tuple((False, int(it), "") if it.isdigit() else (True, 0, it) for it in found)


@dataclass(frozen=True, slots=True)
class Semver:
    range: str
    major: int | None
    minor: int | None

    def __str__(self) -> str:
        return f"semver:{self.range}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """`x`, `1.x` or `1.4.x`."""
        if not (match := _RANGE.fullmatch(text)):
            return None
        return cls(text, *(int(match[part]) if match[part] else None for part in ("major", "minor")))

    def ignores_tag(self, container: Container, tag: str) -> Refusal | None:
        runs, pushed = Version.parse(container.tag or ""), Version.parse(tag)
        if not runs:
            return None
        obstacle = self._obstacle(runs, pushed) if pushed else "it is no version"
        return not_followed(self, container, tag, obstacle) if obstacle else None

    def tag_to_query(self, _container: Container) -> str | None:
        return None

    def select(
        self, container: Container, images: tuple[TaggedImage, ...], since: float | None = None
    ) -> TaggedImage | Refusal:
        """Of tags of one version, the one with the prefix of what runs, else the one pushed last."""
        if not (runs := Version.parse(container.tag or "")):
            return version_unknown(self, container, f"'{container.tag}' is no version")
        running = find_running(container, images)
        pushed_at = running.pushed_at if running else since
        allowed = [
            ((version.rank, version.prefix == runs.prefix, image.pushed_at, image.tag), image)
            for image in images
            if image.is_container_image
            and (version := Version.parse(image.tag))
            and not self._obstacle(runs, version)
            and (version.rank > runs.rank or _is_later(container, image, pushed_at))
        ]
        return max(allowed, key=lambda it: it[0])[1] if allowed else keep_running(self, container, images)

    def _obstacle(self, runs: Version, version: Version) -> str | None:
        """Why a container that runs one version may not go to another, with the remedy."""
        if version.line[1] != runs.line[1]:
            return "it names another variant of the image; push a tag of the same variant"
        if version.line[0] != runs.line[0]:
            return f"it has {version.line[0]} numbers; push a version with {runs.line[0]}"
        if self.major not in (None, version.numbers[0]) or self.minor not in (None, version.numbers[1]):
            return "it is outside the range; push a version inside it, or change the rule"
        if runs.is_stable and not version.is_stable:
            return "it is a pre-release and a stable version runs; push its release"
        if version.rank < runs.rank:
            return "it is lower; push a higher version, or deploy the lower one by hand"
        return None


def _is_later(container: Container, image: TaggedImage, pushed_at: float | None) -> bool:
    """Whether an image of the version that runs replaces it: it has the same tag, or was pushed later."""
    return image.tag == container.tag or (pushed_at is not None and image.pushed_at > pushed_at)
