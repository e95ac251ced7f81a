"""The finder's use case: a trigger becomes jobs. It writes nothing but queues."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice

from tagalong.decide import match_push
from tagalong.decide.look import Policy
from tagalong.jobs import Job, Recheck, jobs
from tagalong.model.decisions import Refusal, Skip
from tagalong.model.images import Repository
from tagalong.model.revisions import Container
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import DeploymentEvent, Ignored, IgnoreReason, Push, Sweep
from tagalong.ports import AwsError, Inventory, NeedsLook, Tags

_SERVICES_AT_ONCE = 500  # the quota for reading them fills up again while their revisions are read


@dataclass(frozen=True, slots=True)
class Running:
    """A digest that a service runs in a container that follows a tag."""

    service: Service
    container: str
    repository: Repository
    digest: str


@dataclass(slots=True)
class FindResult:
    """What one trigger concerns."""

    jobs: list[Job] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)  # services that use the repository and stay as they are
    scanned: int = 0
    running: list[Running] = field(default_factory=list)  # what a sweep met
    plain: list[tuple[Service, Container]] = field(default_factory=list)  # of them, those with a plain tag
    errors: list[str] = field(default_factory=list)  # clusters and revisions that could not be read


@dataclass(frozen=True, slots=True)
class Finder:
    """Looks for the services that a trigger could move."""

    inventory: Inventory
    records: NeedsLook
    policy: Policy
    clusters: tuple[str, ...]

    def find(self, trigger: Push | Sweep) -> FindResult | Ignored:
        """What cannot be read does not keep the rest: it is in `errors`."""
        if message := self._out_of_scope(trigger):
            return Ignored(IgnoreReason.OUT_OF_SCOPE, message)
        found = FindResult()
        concerned = [
            service
            for service, containers in self._services(trigger, found)
            if self._concerns(service, containers, trigger, found)
        ]
        found.jobs = list(jobs(trigger, concerned, trigger.event_id))
        found.running += self._resolved(found.plain)
        return found

    def recheck(self, messages: Mapping[str, Recheck | DeploymentEvent]) -> tuple[list[Job], set[str]]:
        """By the ids of their messages: jobs, and the ids of those that could not be read.

        An event, or a wait that may have ended, matters only where a rollout is open or something is waited
        for; a failure always does.
        """
        waiting = self.records.waiting({_key(it) for it in messages.values() if _may_not_matter(it)})
        relevant = {id_: it for id_, it in messages.items() if not _may_not_matter(it) or _key(it) in waiting}
        found: list[Job] = []
        unread: set[str] = set()
        for cluster, some in groupby(sorted(relevant.items(), key=_cluster), key=_cluster):
            together = dict(some)
            try:
                found += self._rechecked(cluster, together)
            except AwsError:
                unread |= together.keys()
        return found, unread

    def _rechecked(self, cluster: str, messages: Mapping[str, Recheck | DeploymentEvent]) -> Iterator[Job]:
        names = sorted({it.service for it in messages.values()})
        services = self.inventory.named(cluster, names)
        looked_at = set()
        for id_, it in messages.items():
            once = _may_not_matter(it) and it.service in looked_at
            if (service := services.get(it.service)) and not once:
                looked_at.add(it.service)
                recheck = it if isinstance(it, Recheck) else Recheck(cluster, it.service, it)
                yield from jobs(
                    recheck.trigger, [service], id_, attempt=recheck.attempt, first_at=recheck.first_at
                )

    def _services(
        self, trigger: Push | Sweep, found: FindResult
    ) -> Iterator[tuple[Service, Sequence[Container]]]:
        for cluster in self._clusters(trigger):
            try:
                services = iter(self.inventory.services_in(cluster))
                while some := list(islice(services, _SERVICES_AT_ONCE)):
                    yield from self._with_containers(some, found)
            except AwsError as error:
                found.errors.append(f"cluster {last_part(cluster)}: {error}")

    def _with_containers(
        self, services: Sequence[Service], found: FindResult
    ) -> Iterator[tuple[Service, Sequence[Container]]]:
        read = self.inventory.containers({it.task_definition for it in services} - {""})
        for service in services:
            containers = read.get(service.task_definition, ())
            if isinstance(containers, AwsError):
                found.errors.append(f"{service.key}: {containers}")
            else:
                yield service, containers

    def _concerns(
        self, service: Service, containers: Sequence[Container], trigger: Push | Sweep, found: FindResult
    ) -> bool:
        found.scanned += 1
        if isinstance(trigger, Sweep):
            followed = [c for c in containers if c.tag and self.policy.scope.covers(c.image.repository)]
            found.plain += [(service, c) for c in followed if not c.image.digest]
            found.running += [
                Running(service, c.name, c.image.repository, c.image.digest)
                for c in followed
                if c.image.digest
            ]
            swept = [c for c in containers if trigger.repository in (None, c.image.repository.name)]
            return any(c.tag and self.policy.scope.covers(c.image.repository) for c in swept)
        match = match_push(service, containers, trigger, self.policy)
        if isinstance(match, Refusal):
            found.skips.append(Skip(service, match.reason, match.message))
        return match is True

    def _resolved(self, plain: Sequence[tuple[Service, Container]]) -> Iterator[Running]:
        """What ECS made of plain tags runs, too."""
        revisions = {service.service_revision for service, _ in plain}
        targets = self.inventory.targets(sorted(revisions - {""})) if plain else {}
        for service, container in plain:
            target = targets.get(service.service_revision)
            if target and (digest := target.resolved.get(container.name)):
                yield Running(service, container.name, container.image.repository, digest)

    def _out_of_scope(self, trigger: Push | Sweep) -> str | None:
        match trigger:
            case Push(repository=repository) if not self.policy.scope.covers(repository):
                return (
                    f"repository '{repository.name}' of {repository.account} is outside the configured scope"
                )
            case Sweep(cluster=str(cluster)) if "*" not in self.clusters and cluster not in self.clusters:
                return f"cluster '{cluster}' is outside the configured scope"
        return None

    def _clusters(self, trigger: Push | Sweep) -> Sequence[str]:
        named = (trigger.cluster,) if isinstance(trigger, Sweep) and trigger.cluster else self.clusters
        return self.inventory.clusters(named)


def untagged(running: Sequence[Running], tags: Tags) -> Iterator[Running]:
    """Those whose digest has no tag left, or is gone: a lifecycle policy may delete what still runs."""
    tagged = {repository: tags.tagged_digests(repository) for repository in {it.repository for it in running}}
    for it in running:
        if (known := tagged[it.repository]) is not None and it.digest not in known:
            yield it


def _key(message: Recheck | DeploymentEvent) -> str:
    return f"{last_part(message.cluster)}/{message.service}"


def _cluster(item: tuple[str, Recheck | DeploymentEvent]) -> str:
    return last_part(item[1].cluster)


def _may_not_matter(message: Recheck | DeploymentEvent) -> bool:
    return isinstance(message, DeploymentEvent) or message.if_waiting
