"""`track`: the same tag, whatever it points at now. Moving it back is a rollback, and is followed."""

from dataclasses import dataclass

from tagalong.model.decisions import No, SkipReason
from tagalong.model.images import Image
from tagalong.model.revisions import Container


@dataclass(frozen=True, slots=True)
class Track:
    def unconcerned(self, container: Container, tag: str) -> No | None:
        if container.tag == tag:
            return None
        return No(SkipReason.OTHER_TAG, f"{container.name} follows '{container.tag}', not '{tag}'")

    def asks(self, container: Container) -> str | None:
        return container.tag

    def choose(self, container: Container, images: tuple[Image, ...]) -> Image | No:
        return next((image for image in images if image.tag == container.tag), not_found(container))


def not_found(container: Container) -> No:
    return No(
        SkipReason.TAG_NOT_FOUND, f"ECR has no image '{container.image.repository.name}:{container.tag}'"
    )
