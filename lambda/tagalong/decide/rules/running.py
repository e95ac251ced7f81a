"""What all rules have in common: the image that a container runs, and the reasons to leave it there."""

from dataclasses import replace

from tagalong.model.decisions import Refusal, SkipReason
from tagalong.model.images import TaggedImage
from tagalong.model.revisions import Container


def find_running(container: Container, images: tuple[TaggedImage, ...]) -> TaggedImage | None:
    """The image that the container runs, under the tag that it follows; None if ECR no longer has it."""
    # What a digest names is running, so that it can run is certain; a tag may point elsewhere by now.
    is_sure = bool(container.image.digest)
    running = (image for image in images if container.runs(image) and (is_sure or image.is_container_image))
    found = next(running, None)
    return replace(found, tag=container.tag or "") if found else None


def keep_running(
    rule: object, container: Container, images: tuple[TaggedImage, ...]
) -> TaggedImage | Refusal:
    """The running image, or why there is none to keep."""
    message = f"{_runs(rule, container)}; ECR has neither that image nor one that the rule allows: push one"
    return (
        find_running(container, images)
        or artifact_at_tag(rule, container, images)
        or Refusal(SkipReason.TAG_NOT_FOUND, message)
    )


def artifact_at_tag(rule: object, container: Container, images: tuple[TaggedImage, ...]) -> Refusal | None:
    """Why the container's own tag cannot be deployed, where it points at something else than an image."""
    image = next((image for image in images if image.tag == container.tag), None)
    if not image or image.is_container_image:
        return None
    types = ", ".join(image.media_types) or "a signature or attestation"
    message = (
        f"{_runs(rule, container)}; ECR has no container image there now ({types}): push an image to that tag"
    )
    return Refusal(SkipReason.NOT_AN_IMAGE, message)


def not_followed(rule: object, container: Container, tag: str, remedy: str) -> Refusal:
    message = f"{_runs(rule, container)}, which does not follow '{tag}': {remedy}"
    return Refusal(SkipReason.TAG_NOT_FOLLOWED, message)


def version_unknown(rule: object, container: Container, why: str) -> Refusal:
    remedy = (
        "deploy an image that the rule follows once by hand, or give the container a tagalong.rule of its own"
    )
    return Refusal(SkipReason.RUNNING_VERSION_UNKNOWN, f"{_runs(rule, container)}; {why}: {remedy}")


def _runs(rule: object, container: Container) -> str:
    return f"{container.name} runs '{container.tag}' under the rule {rule}"
