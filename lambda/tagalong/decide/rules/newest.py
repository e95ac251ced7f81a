"""`newest`: of the tags with a prefix, the one whose image was pushed last; never an older one than runs.

The time is that of the digest's first push: pointing an old image at a new tag does not make it new.
"""

from dataclasses import dataclass, replace

from tagalong.model.decisions import No, SkipReason
from tagalong.model.images import Image
from tagalong.model.revisions import Container


@dataclass(frozen=True, slots=True)
class Newest:
    prefix: str

    def unconcerned(self, container: Container, tag: str) -> No | None:
        if tag.startswith(self.prefix):
            return None
        return No(SkipReason.OTHER_TAG, f"{container.name} follows tags that start with '{self.prefix}'")

    def asks(self, _container: Container) -> str | None:
        return None

    def choose(self, container: Container, images: tuple[Image, ...]) -> Image | No:
        """Of images that were pushed in the same second, the one with the greatest tag."""
        running = next((image for image in images if container.runs(image)), None)
        if not running:
            sentence = f"ECR no longer has the image that {container.name} runs, so newer cannot be told"
            return No(SkipReason.CURRENT_UNKNOWN, sentence)
        known = [image for image in images if image.tag and image.tag.startswith(self.prefix)]
        newest = max([running, *known], key=lambda image: (image.pushed_at, image.tag))
        return newest if newest.digest != running.digest else replace(running, tag=container.tag or "")
