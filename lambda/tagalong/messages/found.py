"""What the finder made of an event."""

from collections.abc import Iterable

from tagalong.find import Found, Pinned
from tagalong.messages.logs import count, last_part, logger, report_skip
from tagalong.model.images import short_digest as short
from tagalong.model.triggers import Ignored


def report_found(found: Found | Ignored) -> None:
    """Say what the finder made of an event."""
    if isinstance(found, Ignored):
        count("Ignored")
        logger.info(f"nothing to do: {found.sentence}", extra={"reason": found.reason})
        return
    for skip in found.skips:
        report_skip(skip)
    following = sum(len(names) for job in found.jobs for names in job.services.values())
    count("Causes")
    count("Jobs", len(found.jobs))
    count("ServicesSeen", found.seen)
    families = [job.family for job in found.jobs]
    logger.info(f"{following} of {found.seen} services are concerned", extra={"families": families})


def report_untagged(pinned: Iterable[Pinned]) -> None:
    """Warn of images that run and that a lifecycle policy may delete."""
    for it in pinned:
        count("Untagged")
        logger.warning(
            f"{it.service.name} runs {it.repository.name}@{short(it.digest)}, which has no tag any more: "
            "if a lifecycle policy deletes it, no task can start",
            extra={
                "cluster": last_part(it.service.cluster),
                "ecs_service": it.service.name,
                "digest": it.digest,
            },
        )
