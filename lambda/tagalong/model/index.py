"""What the index knows: who uses which repository, and of which clusters it knows everybody.

It is a cache: stale, empty, wrong or lost it changes when a push reaches a service, and nothing else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from tagalong.model.images import Repository, Scope
from tagalong.model.revisions import Container
from tagalong.model.services import EPOCH, Service, last_part

_OURS = "tagalong:"


@dataclass(frozen=True, slots=True)
class Row:
    """A service that uses a repository, as it was last read: as much as says whether a push concerns it."""

    repository: Repository
    service: Service
    containers: tuple[Container, ...]  # of that repository; none in a row that could not be read

    @property
    def key(self) -> tuple[Repository, str]:
        return self.repository, self.service.key


def rows_of(service: Service, containers: Iterable[Container], scope: Scope) -> list[Row]:
    """One for each repository in scope that the service uses."""
    tags = {key: value for key, value in service.tags.items() if key.startswith(_OURS)}
    kept = Service(
        service.cluster,
        service.name,
        service.task_definition,
        service.arn,
        controller=service.controller,
        managed_by=service.managed_by,
        tags=tags,
    )
    using: dict[Repository, tuple[Container, ...]] = {}
    for it in containers:
        if scope.covers(it.image.repository):
            indexed = Container(it.name, it.image, it.labels)
            using[it.image.repository] = (*using.get(it.image.repository, ()), indexed)
    return [Row(repository, kept, these) for repository, these in using.items()]


@dataclass(frozen=True, slots=True)
class Completeness:
    """Of which clusters the index has every service, and since when: its reading began then."""

    scope: str = ""  # a hash of what it was read for
    clusters: Mapping[str, datetime] = field(default_factory=dict)  # by name
    listed_at: datetime = EPOCH  # when `clusters` were all that are in scope

    def of(self, scope: str) -> "Completeness":
        """Nothing, where the scope was another."""
        return self if self.scope == scope else Completeness(scope)

    def without(self, clusters: Iterable[str]) -> "Completeness":
        """Of these nothing is known any more."""
        return replace(self, clusters={**self.clusters, **{last_part(it): EPOCH for it in clusters}})

    def all_fresh(self, since: datetime) -> bool:
        return self.listed_at > since and all(at > since for at in self.clusters.values())

    def listed(self, clusters: Iterable[str], at: datetime) -> "Completeness":
        """Those of clusters that are gone are dropped; of new ones nothing is known."""
        known = {last_part(it): self.clusters.get(last_part(it), EPOCH) for it in clusters}
        return replace(self, clusters=known, listed_at=at)

    def known_until(self, clusters: Iterable[str]) -> datetime:
        """A service that was made later is new to us; EPOCH: nobody can tell."""
        return max(self.clusters.get(last_part(it), self.listed_at) for it in clusters)

    def read(self, cluster: str, at: datetime) -> "Completeness":
        return replace(self, clusters={**self.clusters, last_part(cluster): at})


def scope_hash(scope: Scope, clusters: Iterable[str]) -> str:
    parts = (sorted(scope.registries), scope.region, sorted(scope.repositories), sorted(clusters))
    return sha256(repr(parts).encode()).hexdigest()[:32]
