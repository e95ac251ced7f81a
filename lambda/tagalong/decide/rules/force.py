"""`force`: as `track`, but the revision stays: ECS resolves the plain tag anew in a forced deployment.

For teams whose revisions belong to Terraform or CloudFormation.
"""

from dataclasses import dataclass

from tagalong.decide.rules.track import Track
from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container

_TRACK = Track()


@dataclass(frozen=True, slots=True)
class Force:
    def __str__(self) -> str:
        return "force"

    def ignores_tag(self, container: Container, tag: str) -> Refusal | None:
        return _TRACK.ignores_tag(container, tag)

    def tag_to_query(self, container: Container) -> str | None:
        return container.tag

    def select(
        self, container: Container, images: tuple[TaggedImage, ...], _since: float | None = None
    ) -> TaggedImage | Refusal:
        if container.image.digest:
            message = (
                f"{container.name} is pinned by digest, so a forced deployment changes nothing: write "
                f"the plain tag, or use the rule track"
            )
            return Refusal(SkipReason.PINNED_BY_DIGEST, message)
        if container.version_consistency == "disabled":
            message = (
                f"{container.name} has versionConsistency disabled, so tasks of one deployment may run "
                "different images: enable it for the rule force"
            )
            return Refusal(SkipReason.MISCONFIGURED, message)
        return _TRACK.select(container, images)
