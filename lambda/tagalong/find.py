"""The finder's use case: a push or a sweep becomes jobs. It only reads."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tagalong.decide.planning import Policy, relevance
from tagalong.jobs import Job, jobs
from tagalong.model.decisions import Service, Skip
from tagalong.model.images import Repository
from tagalong.model.revisions import Container
from tagalong.model.triggers import Cause, Ignored, IgnoreReason, Push, Sweep
from tagalong.ports import Inventory, Tags

_AT_ONCE = 500  # services: the quota for reading them fills up again while their revisions are read


@dataclass(frozen=True, slots=True)
class Found:
    """What one cause concerns: jobs to do; services that use the repository but stay; how many were seen."""

    jobs: tuple[Job, ...]
    skips: tuple[Skip, ...]
    seen: int
    pinned: tuple["Pinned", ...] = ()  # what a sweep met


@dataclass(frozen=True, slots=True)
class Pinned:
    """A digest that tagalong deployed to a service, or its owner with the tag that it follows."""

    service: Service
    container: str
    repository: Repository
    digest: str


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks at every service in scope for containers that a cause could move."""

    inventory: Inventory
    policy: Policy
    clusters: tuple[str, ...]

    def find(self, cause: Cause) -> Found | Ignored:
        if sentence := self._out_of_scope(cause):
            return Ignored(IgnoreReason.OUT_OF_SCOPE, sentence)
        concerned: list[Service] = []
        skips: list[Skip] = []
        pinned: list[Pinned] = []
        seen = 0
        for service, containers in self._services(cause):
            seen += 1
            if isinstance(cause, Sweep):
                pinned += self._pinned(service, containers)
            match self._relevance(service, containers, cause):
                case Skip() as skip:
                    skips.append(skip)
                case True:
                    concerned.append(service)
        return Found(tuple(jobs(cause, concerned)), tuple(skips), seen, tuple(pinned))

    def _services(self, cause: Cause) -> Iterator[tuple[Service, Sequence[Container]]]:
        services = iter(self.inventory.services_in(self._clusters(cause)))
        while some := list(islice(services, _AT_ONCE)):
            containers = self.inventory.containers({service.revision for service in some} - {""})
            yield from ((service, containers.get(service.revision, ())) for service in some)

    def _pinned(self, service: Service, containers: Iterable[Container]) -> Iterator[Pinned]:
        for container in containers:
            repository, digest = container.image.repository, container.image.digest
            if digest and container.tag and self.policy.scope.covers(repository):
                yield Pinned(service, container.name, repository, digest)

    def _out_of_scope(self, cause: Cause) -> str | None:
        match cause:
            case Push(repository=repository) if not self.policy.scope.covers(repository):
                return (
                    f"repository '{repository.name}' of {repository.account} is outside the configured scope"
                )
            case Sweep(cluster=str(cluster)) if "*" not in self.clusters and cluster not in self.clusters:
                return f"cluster '{cluster}' is outside the configured scope"
        return None

    def _clusters(self, cause: Cause) -> tuple[str, ...]:
        return (cause.cluster,) if isinstance(cause, Sweep) and cause.cluster else self.clusters

    def _relevance(self, service: Service, containers: Sequence[Container], cause: Cause) -> Skip | bool:
        if isinstance(cause, Push):
            return relevance(service, containers, cause, self.policy)
        swept = [c for c in containers if cause.repository in (None, c.image.repository.name)]
        return any(c.tag and self.policy.scope.covers(c.image.repository) for c in swept)


def untagged(pinned: Sequence[Pinned], tags: Tags) -> Iterator[Pinned]:
    """Those whose digest has no tag left, or is gone: a lifecycle policy may delete what still runs."""
    tagged = {repository: tags.tagged(repository) for repository in {it.repository for it in pinned}}
    for it in pinned:
        if (known := tagged[it.repository]) is not None and it.digest not in known:
            yield it
