"""The finder's use case: one push becomes jobs. It only reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tagalong.images import Scope
from tagalong.jobs import Job, jobs
from tagalong.planning import Service, Skip, relevance
from tagalong.pushes import Ignored, IgnoreReason, Push
from tagalong.revisions import Container


class Inventory(Protocol):
    """The services in scope and the images of their revisions."""

    def services_in(self, clusters: Sequence[str]) -> Iterable[Service]:
        """All services of these clusters; of every cluster for `*`."""

    def containers(self, revision: str) -> Sequence[Container]:
        """The containers of a revision whose images are in private ECR repositories."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one push concerns: jobs to do; services that use the repository but stay; how many were seen."""

    jobs: tuple[Job, ...]
    skips: tuple[Skip, ...]
    seen: int


def find(push: Push, inventory: Inventory, scope: Scope, clusters: Sequence[str]) -> Found | Ignored:
    """Look at every service in scope for containers that follow the pushed tag."""
    if not scope.covers(push.repository):
        name = push.repository.name
        return Ignored(IgnoreReason.OUT_OF_SCOPE, f"repository '{name}' is outside the configured scope")
    following, skips, seen = [], [], 0
    for service in inventory.services_in(clusters):
        seen += 1
        containers = inventory.containers(service.revision) if service.revision else ()
        match relevance(service, containers, push):
            case Skip() as skip:
                skips.append(skip)
            case True:
                following.append(service)
    return Found(tuple(jobs(push, following)), tuple(skips), seen)
