"""How long each rule takes for a repository with 10,000 tags: python -m benchmarks.rules."""

import time
from collections.abc import Iterator
from dataclasses import replace

from tagalong.decide.rules import parse_rule
from tagalong.decide.rules.semver import Version
from tagalong.model.images import ImageReference, Repository, TaggedImage
from tagalong.model.revisions import TAG_LABEL, Container

_TAGS = 10_000
_MEDIA_TYPES = "application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.manifest.v1+json"
_PINNED = ImageReference("", "", Repository("111122223333", "eu-west-1", "app"), tag=None, digest=None)
# Rule, and how all tags are written.
_ROWS = [
    ("semver:x", "1.4.{}"),
    ("semver:x", "1.{0}.0-rc{0}-jammy"),
    ("semver:x", "v1.5.{0}-{0}-g582a891"),
    ("newest:main-", "main-{}"),
    ("newest:main-..", "main-{}"),
    ("highest:build-..", "build-{}"),
]


def measure() -> Iterator[tuple[str, str, float]]:
    """Rule, tags, and seconds of one processor, nothing read before."""
    for rule, tags in _ROWS:
        images = tuple(
            TaggedImage(tags.format(number), f"sha256:{number:064}", number, _MEDIA_TYPES)
            for number in range(_TAGS)
        )
        container = Container("app", replace(_PINNED, digest=images[0].digest), {TAG_LABEL: images[0].tag})
        Version.parse.cache_clear()
        begun = time.process_time()
        selected = parse_rule(rule).select(container, images)
        seconds = time.process_time() - begun
        if selected != images[-1]:
            raise ValueError(f"{rule} selected {selected}")
        yield rule, tags, seconds


if __name__ == "__main__":
    for rule, tags, seconds in measure():
        print(f"{rule:18}{tags:24}{seconds:6.3f} s")
