"""What the jobs of one batch read: each question once, ten services in one call, of whichever jobs."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from tagalong.decide.look import ImageQuery
from tagalong.jobs import Job
from tagalong.model.images import Repository, TaggedImage
from tagalong.model.provenance import Provenance
from tagalong.model.revisions import Revision, family
from tagalong.model.services import Service
from tagalong.parallel import Once, in_parallel
from tagalong.ports import AwsError, EcrApi, EcsApi, Named, RecordTable

_TOGETHER = 10

Ten = tuple[str, tuple[str, ...], int]
"""cluster, names, and a number: what was read for one job is too old for the next of the same family"""


@dataclass(frozen=True)
class Reads:
    """`revision`, `images` and `provenance` may be asked by any job. Every question may raise AwsError or
    OutOfTime."""

    latest: Once[str, Revision | None]  # of a family
    images: Once[ImageQuery, tuple[TaggedImage, ...]]
    provenance: Once[tuple[Repository, str], Provenance]  # of a digest
    _revisions: Once[str, Revision]
    _services: Once[Ten, Mapping[str, Service]]
    _records: Once[Ten, Named | None]
    _tens: Mapping[tuple[str, str, str], Ten]

    @classmethod
    def of(cls, ecs: EcsApi, ecr: EcrApi, records: RecordTable, jobs: Iterable[Job]) -> "Reads":
        return cls(
            Once(ecs.latest),
            Once(lambda query: ecr.images(*query)),
            Once(lambda image: ecr.provenance(*image)),
            Once(ecs.revision),
            Once(lambda ten: ecs.services(ten[0], ten[1])),
            Once(partial(_named, records)),
            dict(_in_tens(list(jobs))),
        )

    def revision(self, arn: str) -> Revision:
        """Mostly it is the latest of its family, which is needed anyway."""
        latest = self.latest(family(arn))
        return latest if latest and latest.arn == arn else self._revisions(arn)

    def service(self, job: Job, cluster: str, name: str) -> Service | None:
        """None if it is gone. It and what is remembered are read when the first of its ten is asked for."""
        ten = self._tens[job.deduplication_id, cluster, name]
        questions: list[Callable[[Ten], Any]] = [self._services, self._records]
        services, _ = in_parallel(lambda ask: ask(ten), questions)
        return cast("Mapping[str, Service]", services).get(name)

    def remembered(self, job: Job, cluster: str, name: str) -> Named | None:
        """Of its ten; None where the table did not tell: then each asks for itself."""
        return self._records(self._tens[job.deduplication_id, cluster, name])


def _named(records: RecordTable, ten: Ten) -> Named | None:
    try:
        return records.named(ten[0], ten[1])
    except AwsError:
        return None


def _in_tens(jobs: list[Job]) -> Iterator[tuple[tuple[str, str, str], Ten]]:
    """Only the first jobs of their families share: a later one must see what that before it has done."""
    first = {job.group: job for job in reversed(jobs)}
    yield from _cut(list(first.values())[::-1], 0)
    for number, job in enumerate((it for it in jobs if first[it.group] is not it), start=1):
        yield from _cut([job], number)


def _cut(jobs: list[Job], number: int) -> Iterator[tuple[tuple[str, str, str], Ten]]:
    wanted: dict[str, dict[tuple[str, str], None]] = {}
    for job in jobs:
        for cluster, names in job.services.items():
            wanted.setdefault(cluster, {}).update(dict.fromkeys((job.deduplication_id, it) for it in names))
    for cluster, asked in wanted.items():
        these = list(asked)
        for start in range(0, len(these), _TOGETHER):
            some = these[start : start + _TOGETHER]
            ten = (cluster, tuple(dict.fromkeys(name for _, name in some)), number)
            yield from (((id_, cluster, name), ten) for id_, name in some)
