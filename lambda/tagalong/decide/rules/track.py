"""`track`: the image that the container's tag points at now. A tag that is moved back is a rollback."""

from dataclasses import dataclass

from tagalong.decide.rules.running import artifact_at_tag, not_followed
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container


@dataclass(frozen=True, slots=True)
class Track:
    def __str__(self) -> str:
        return "track"

    def ignores_tag(self, container: Container, tag: str) -> Refusal | None:
        if container.tag == tag:
            return None
        return not_followed(self, container, tag, f"push '{container.tag}' to update it")

    def tag_to_query(self, container: Container) -> str | None:
        return container.tag

    def select(
        self, container: Container, images: tuple[TaggedImage, ...], _since: float | None = None
    ) -> TaggedImage | Refusal:
        found = next((image for image in images if image.tag == container.tag), None)
        return artifact_at_tag(self, container, images) or found or _not_found(container)


def _not_found(container: Container) -> Refusal:
    image = f"{container.image.repository.name}:{container.tag}"
    follower = f"which {container.name} follows under the rule track"
    message = f"ECR has no image '{image}', {follower}: push that tag, or name another"
    return Refusal(SkipReason.TAG_NOT_FOUND, message)
