"""The services that a command looks at, each decided on by the core: nothing is written."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from functools import cached_property, partial
from itertools import chain

from tagalong.aws import aws_errors
from tagalong.aws.ecr import Ecr
from tagalong.aws.ecs import Ecs
from tagalong.aws.rate_limit import Deadline, RateLimit
from tagalong.aws.record_table import RecordTable
from tagalong.decide import Verdict
from tagalong.decide.look import ImageQuery, Look, Policy
from tagalong.deploy import Deployer, Failed, Result
from tagalong.jobs import Deferred, Job, Recheck, jobs
from tagalong.model.decisions import Skip, Update
from tagalong.model.images import Repository, TaggedImage
from tagalong.model.record import Record
from tagalong.model.revisions import Revision
from tagalong.model.services import Service, last_part
from tagalong.model.triggers import Trigger
from tagalong.parallel import Once
from tagalong.ports import Named
from tagalong.ports import RecordTable as Records
from tagalong.reads import Reads
from tagalong.rollout import Updated

from .account import Account
from .errors import CommandError

_QUOTA_SHARE = 0.5  # tagalong itself seldom uses all of its own at once
_AT_ONCE = 8
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Seen:
    """One service, and what the core decides on it now. `look` is missing where its tags, its controller or
    an error keep it from being looked at."""

    service: Service
    decision: Update | Skip | Failed
    look: Look | None = None
    verdict: Verdict | None = None


class ListedEcs(Ecs):
    """ECS: what was read a moment ago is not read again."""

    def __init__(self) -> None:
        super().__init__(RateLimit(_QUOTA_SHARE, None, Deadline()))
        self._listed: dict[tuple[str, str], Service] = {}
        self._revisions = Once(super().revision)

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        known = {name: self._listed[cluster, name] for name in names if (cluster, name) in self._listed}
        return known if len(known) == len(names) else super().services(cluster, names)

    def keep(self, services: Iterable[Service]) -> None:
        self._listed |= {(it.cluster, it.name): it for it in services}

    def forget(self) -> None:
        self._listed.clear()

    def revision(self, arn: str) -> Revision:
        return self._revisions(arn)


class CachedEcr(Ecr):
    """ECR: what many services follow is read once."""

    def __init__(self) -> None:
        super().__init__()
        self.forget()

    def images(self, repository: Repository, tag: str | None) -> tuple[TaggedImage, ...]:
        return self._images((repository, tag))

    def forget(self) -> None:
        self._images: Once[ImageQuery, tuple[TaggedImage, ...]] = Once(lambda it: Ecr.images(self, *it))


class _Reads(Reads):
    """Nothing is registered, so nobody needs the latest of a family."""

    def revision(self, arn: str) -> Revision:
        return self._revisions(arn)


class NoRecords:
    """Implements ports.RecordTable where nothing is installed: nothing is remembered of any service."""

    def named(self, cluster: str, names: Sequence[str]) -> Named:  # noqa: ARG002 - whichever they are
        return {}

    def read(self, service: Service, named: Named | None = None) -> Record:  # noqa: ARG002
        return Record(service.created_at)

    def write(self, service: Service, record: Record) -> None:
        raise AssertionError(f"{service.key}: {record}: a look writes nothing")


class _NoRechecks:
    def send(self, recheck: Recheck | Deferred, delay: timedelta) -> None:
        raise AssertionError(f"{recheck}, {delay}: a look sends nothing")


@dataclass(frozen=True)
class _Observer(Deployer):
    """The deployer in a dry run, which also tells what it looked at."""

    looks: dict[str, tuple[Look, Verdict]] = field(default_factory=dict)

    def act(self, look: Look, verdict: Verdict) -> Iterator[Result]:
        self.looks[look.service.key] = look, verdict
        return super().act(look, verdict)

    def observe(self, cluster: str, name: str) -> Iterator[Seen]:
        for result in self.deploy(cluster, name):
            look, verdict = self.looks.get(Service(cluster, name).key, (None, None))
            match result:
                case Updated():
                    yield Seen(result.service, result.update, look, verdict)
                case Skip() | Failed():
                    yield Seen(look.service if look else result.service, result, look, verdict)


@dataclass(frozen=True)
class Fleet:
    """The services of the clusters in scope."""

    account: Account

    @cached_property
    def ecs(self) -> ListedEcs:
        return ListedEcs()

    @cached_property
    def ecr(self) -> CachedEcr:
        return CachedEcr()

    @cached_property
    def records(self) -> Records:
        return RecordTable(self.account.settings.table) if self.account.installed else NoRecords()

    @cached_property
    def policy(self) -> Policy:
        return self.account.policy

    def services(self, cluster: str | None = None) -> list[Service]:
        """All of them, or those of one cluster."""
        self.ecs.forget()
        clusters = [self._cluster(cluster)] if cluster else self._clusters()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(chain.from_iterable(pool.map(self._services_in, clusters)))
        self.ecs.keep(found)
        return found

    def find(self, name: str) -> Service:
        """By `service`, `cluster/service` or ARN. Raises CommandError, naming those that are near."""
        *_, cluster, service = ["", *name.rpartition(":service/")[2].split("/")]
        clusters = [cluster] if cluster else self._clusters()
        found = [it for each in clusters for it in self.ecs.services(each, [service]).values()]
        match [it for it in found if it.status != "INACTIVE"]:
            case [only]:
                return only
            case []:
                raise self._no_such(service, clusters)
            case several:
                names = ", ".join(sorted(it.key for it in several))
                raise CommandError(f"several services are named '{service}'", f"write one of: {names}")

    def observe(self, services: Sequence[Service], trigger: Trigger) -> list[Seen]:
        """What the deployer would decide now if this trigger made it look at these services."""
        self.ecs.keep(services)
        observers = self._observers(list(jobs(trigger, services, trigger.event_id)))
        work = [partial(each.observe, cluster, name) for each in observers for cluster, name in each.services]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda look: list(look()), work)
            return sorted(chain.from_iterable(found), key=lambda it: it.service.key)

    def _observers(self, work: Sequence[Job]) -> list[_Observer]:
        now, reads = self.account.now(), _Reads.of(self.ecs, self.ecr, self.records, work)
        return [
            _Observer(
                self.ecs,
                self.ecr,
                self.records,
                _NoRechecks(),
                self.policy,
                job,
                dry_run=True,
                now=now,
                time_left=lambda: True,
                reads=reads,
            )
            for job in work
        ]

    def again(self, services: Sequence[Service]) -> list[Service]:
        """The same services as they are now; those that are gone are missing."""
        self.ecs.forget()
        self.ecr.forget()
        clusters: dict[str, list[str]] = {}
        for it in services:
            clusters.setdefault(it.cluster, []).append(it.name)
        return [
            it for cluster, names in clusters.items() for it in self.ecs.services(cluster, names).values()
        ]

    def _clusters(self) -> Sequence[str]:
        if "*" not in self.account.clusters:
            return self.account.clusters
        with aws_errors("ListClusters"):
            pages = self.ecs.client.get_paginator("list_clusters").paginate()
            return [arn for page in pages for arn in page["clusterArns"]]

    def _cluster(self, name: str) -> str:
        with aws_errors("DescribeClusters"):
            known = self.ecs.client.describe_clusters(clusters=[name])["clusters"]
        if not any(it["status"] == "ACTIVE" for it in known):
            raise CommandError(f"there is no cluster '{name}' here", "`aws ecs list-clusters` lists them")
        return name

    def _services_in(self, cluster: str) -> list[Service]:
        with aws_errors("ListServices"):
            names = [last_part(arn) for arn in self._arns(cluster)]
        return list(self.ecs.services(cluster, names).values())

    def _arns(self, cluster: str) -> list[str]:
        """A cluster that the configuration names need not exist."""
        pages = self.ecs.client.get_paginator("list_services").paginate(
            cluster=cluster, PaginationConfig={"PageSize": _PAGE}
        )
        try:
            return [arn for page in pages for arn in page["serviceArns"]]
        except self.ecs.client.exceptions.ClusterNotFoundException:
            return []

    def _no_such(self, name: str, clusters: Sequence[str]) -> CommandError:
        with aws_errors("ListServices"):
            known = sorted({last_part(arn) for cluster in clusters for arn in self._arns(cluster)})
        near = get_close_matches(name, known, n=3) or known[:3]
        where = ", ".join(map(last_part, clusters)) or "this Region"
        hint = f"did you mean {' or '.join(near)}?" if near else "`tagalong status --all` lists services"
        return CommandError(f"there is no service '{name}' in {where}", hint)
