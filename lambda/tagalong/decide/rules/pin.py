"""`pin`: leave it alone."""

from dataclasses import dataclass

from tagalong.model.decisions import No, SkipReason
from tagalong.model.images import Image
from tagalong.model.revisions import Container


@dataclass(frozen=True, slots=True)
class Pin:
    def unconcerned(self, container: Container, _tag: str) -> No | None:
        return No(SkipReason.PIN_RULE, f"its rule for {container.name} is pin")

    def asks(self, container: Container) -> str | None:
        return container.tag

    def choose(self, container: Container, _images: tuple[Image, ...]) -> No:
        return No(SkipReason.PIN_RULE, f"its rule for {container.name} is pin")
