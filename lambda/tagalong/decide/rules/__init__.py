"""Which image a container should run: one module for each rule, and this is the only switch."""

from typing import Protocol

from tagalong.decide.rules.force import Force
from tagalong.decide.rules.highest import Highest
from tagalong.decide.rules.newest import Newest
from tagalong.decide.rules.pin import Pin
from tagalong.decide.rules.semver import Semver
from tagalong.decide.rules.track import Track
from tagalong.model.decisions import Refusal
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container


class Rule(Protocol):
    """`str(rule)` is the text that it was parsed from."""

    def ignores_tag(self, container: Container, tag: str) -> Refusal | None:
        """Why a push of this tag cannot matter to the container; None if it could. Cheap."""

    def tag_to_query(self, container: Container) -> str | None:
        """The one tag to look up in ECR, or None for every image of the repository."""

    def select(
        self, container: Container, images: tuple[TaggedImage, ...], since: float | None = None
    ) -> TaggedImage | Refusal:
        """The image that the container should run, of those that ECR has now.

        `since`: when the running revision was registered (Unix time), if that is known.
        """


_PLAIN: dict[str, Rule] = {"track": Track(), "pin": Pin(), "force": Force()}


class RuleError(ValueError):
    """The text names no rule. The message lists the rules."""


def parse_rule(text: str) -> Rule:
    """The rule for a text such as `track` or `semver:1.x`. Raises RuleError."""
    name, _, argument = text.partition(":")
    rule: Rule | None = None
    match name:
        case "newest":
            rule = Newest.parse(argument)
        case "highest":
            rule = Highest.parse(argument)
        case "semver":
            rule = Semver.parse(argument)
    if plain := _PLAIN.get(text):
        return plain
    if rule:
        return rule
    raise RuleError(
        f"rule '{text}' is not one of track, semver:x, semver:1.x, semver:1.4.x, newest, newest:main-, "
        "newest:main-..-prod, highest:build-.., force, pin"
    )
