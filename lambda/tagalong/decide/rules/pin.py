"""`pin`: the container stays as it is."""

from dataclasses import dataclass

from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container


@dataclass(frozen=True, slots=True)
class Pin:
    def __str__(self) -> str:
        return "pin"

    def ignores_tag(self, container: Container, _tag: str) -> Refusal | None:
        return self.select(container, ())

    def tag_to_query(self, container: Container) -> str | None:
        return container.tag

    def select(
        self, container: Container, _images: tuple[TaggedImage, ...], _since: float | None = None
    ) -> Refusal:
        message = (
            f"{container.name} stays at '{container.tag}' under the rule pin: change the rule to update it"
        )
        return Refusal(SkipReason.PINNED_BY_RULE, message)
