"""The fleet, read in order, and the index kept by what was read. Whoever reads it holds the lease."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from tagalong.jobs import Deferred
from tagalong.model.images import Repository, Scope
from tagalong.model.index import Completeness, Row, rows_of
from tagalong.model.revisions import Container
from tagalong.model.services import Service, last_part
from tagalong.ports import AwsError, Inventory, OutOfTime, ServiceIndex

_AT_ONCE = 100  # services: the quota for reading them fills up again while their revisions are read

Seen = tuple[Service, Sequence[Container]]


@dataclass(slots=True)
class FleetReader:
    """Yields cluster by cluster. Where time does not suffice, `so_far` says how far it came."""

    inventory: Inventory
    index: ServiceIndex
    scope: Scope
    now: Callable[[], datetime]
    complete: Completeness
    so_far: Deferred
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(
        default_factory=list
    )  # of the index: the next push reads again, and that is all
    finished: bool = False
    _noted: Completeness | None = None
    _rows: dict[str, dict[Repository, Row]] = field(default_factory=dict)

    def read(self, clusters: Sequence[str], *, everything: bool) -> Iterator[list[Seen]]:
        """`everything`: these are all clusters in scope, so that the rows of others are deleted."""
        try:
            self._load(clusters, everything=everything)
            for cluster in clusters:
                if last_part(cluster) not in self.so_far.done:
                    yield from self._cluster(cluster)
        except OutOfTime:
            return
        self.finished = True
        self._note()

    def _load(self, clusters: Sequence[str], *, everything: bool) -> None:
        """The rows that the index has. Without them nothing is compared, and nothing deleted."""
        names = {last_part(it) for it in clusters}
        try:
            rows = self.index.all_rows()
            if everything:
                at = self.now()
                self._write([], [it for it in rows if last_part(it.service.cluster) not in names], at)
        except AwsError as error:
            self.warnings.append(str(error))
            return
        for row in rows:
            if last_part(row.service.cluster) in names:
                self._rows.setdefault(row.service.key, {})[row.repository] = row

    def _cluster(self, cluster: str) -> Iterator[list[Seen]]:
        found: list[Seen] = []
        name, wrong = last_part(cluster), self._wrong
        after = self.so_far.after if self.so_far.cluster == name else ""
        at = self.now()
        try:
            names = self.inventory.service_names(cluster)
            waiting = [it for it in names if it > after]
            for first in range(0, len(waiting), _AT_ONCE):
                some = waiting[first : first + _AT_ONCE]
                found += self._services(cluster, some)
                if self._wrong == wrong:
                    self.so_far = replace(self.so_far, cluster=name, after=some[-1])
        except OutOfTime:
            yield found
            raise
        except AwsError as error:
            self.errors.append(f"cluster {name}: {error}")
        else:
            self._complete(cluster, names, at, wrong)
        done = self.so_far.done if self._wrong > wrong else (*self.so_far.done, name)
        self.so_far = replace(self.so_far, done=done, cluster="", after="")
        yield found

    def _services(self, cluster: str, names: Sequence[str]) -> list[Seen]:
        at = self.now()
        services = self.inventory.named(cluster, names)
        read = self.inventory.containers({it.task_definition for it in services.values()} - {""})
        found: list[Seen] = []
        for service in services.values():
            containers = read.get(service.task_definition, ())
            if isinstance(containers, AwsError):
                self.errors.append(f"{service.key}: {containers}")
            else:
                found.append((service, containers))
        self._compare(found, at)
        return found

    def _compare(self, found: Sequence[Seen], at: datetime) -> None:
        """Differences only."""
        puts: list[Row] = []
        deletes: list[Row] = []
        for service, containers in found:
            known = self._rows.get(service.key, {})
            rows = {row.repository: row for row in rows_of(service, containers, self.scope)}
            puts += [row for repository, row in rows.items() if known.get(repository) != row]
            deletes += [row for repository, row in known.items() if repository not in rows]
        self._write(puts, deletes, at)

    @property
    def _wrong(self) -> int:
        return len(self.errors) + len(self.warnings)

    def _complete(self, cluster: str, names: Sequence[str], at: datetime, wrong: int) -> None:
        """Unless something went wrong since. Services that are gone are listed no more."""
        if self._wrong > wrong:
            return
        prefix = f"{last_part(cluster)}/"
        listed = {f"{prefix}{name}" for name in names}
        gone = [key for key in self._rows if key.startswith(prefix) and key not in listed]
        self._write([], [row for key in gone for row in self._rows[key].values()], at)
        self.complete = self.complete.read(cluster, at)
        self._note()

    def _note(self) -> None:
        if self.complete == self._noted:
            return
        try:
            self.index.note(self.complete)
            self._noted = self.complete
        except AwsError as error:
            self.warnings.append(str(error))

    def _write(self, puts: Sequence[Row], deletes: Sequence[Row], at: datetime) -> None:
        """What cannot be written makes the cluster incomplete, and nothing else."""
        try:
            self.index.write(puts, deletes, at)
        except AwsError as error:
            self.warnings.append(str(error))
