"""Which tag a container is to run: one small module for each rule, and this is the only switch."""

from typing import Protocol

from tagalong.decide.rules.newest import Newest
from tagalong.decide.rules.pin import Pin
from tagalong.decide.rules.track import Track
from tagalong.model.decisions import No
from tagalong.model.images import Image
from tagalong.model.revisions import Container


class Rule(Protocol):
    def unconcerned(self, container: Container, tag: str) -> No | None:
        """Why a push of this tag cannot matter to the container; None if it could. Cheap."""

    def asks(self, container: Container) -> str | None:
        """What to ask of ECR: one tag, or None for every image of the repository."""

    def choose(self, container: Container, images: tuple[Image, ...]) -> Image | No:
        """Which image the container is to run, of those that ECR has now."""


class RuleError(ValueError):
    """No such rule. Says what there is."""


def parse_rule(text: str) -> Rule:
    """`track`, `pin`, `newest`, `newest:main-`, `semver:x`, `semver:1.x`, `semver:1.4.x`."""
    name, colon, argument = text.partition(":")
    match name:
        case "track" if not colon:
            return Track()
        case "pin" if not colon:
            return Pin()
        case "newest":
            return Newest(argument)
        case "semver" if rule := _semver(argument):
            return rule
    raise RuleError(
        f"rule '{text}' is not one of track, semver:x, semver:1.x, semver:1.4.x, newest, newest:main-, pin"
    )


def _semver(argument: str) -> Rule | None:
    from tagalong.decide.rules.semantic import Semver  # noqa: PLC0415 - its library is a fiftieth of a cold start

    return Semver.parse(argument)
