"""Jobs: what the finder asks of the deployer, one family at a time and in turns."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import accumulate, islice
from typing import Self

from tagalong.model.decisions import Service
from tagalong.model.revisions import family
from tagalong.model.triggers import Cause, cause_from

# One job stays far below a Lambda timeout: UpdateService refills 5 a second, account-wide.
_SERVICES_PER_JOB = 100
# RegisterTaskDefinition refills 1 a second: a turn is about half a minute of work for the whole account.
_JOBS_PER_TURN, _SERVICES_PER_TURN = 20, 100
_BACKLOG_BYTES = 200_000  # an SQS message may have more, the queue of some partitions not much
_FIRST_RETRY, _LAST_RETRY = 5, 60  # seconds
_SQS_GROUP_LENGTH = 128  # a family may have 255 characters

Services = Mapping[str, tuple[str, ...]]
"""cluster ARN -> service names"""


@dataclass(frozen=True, slots=True)
class Job:
    """Some services of one family, and what may concern them.

    It names them and nothing more: what they run and what is deployed is read again when the job is done.
    """

    family: str
    part: int
    services: Services
    cause: Cause

    @property
    def group(self) -> str:
        """The FIFO message group: one deployer at a time handles a family."""
        return self.family if len(self.family) <= _SQS_GROUP_LENGTH else _hash(self.family)

    @property
    def deduplication_id(self) -> str:
        """From the event, not from the digest: A, B, A within five minutes are three real changes."""
        return _hash(f"{self.cause.event_id}/{self.family}/{self.part}")

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        job = json.loads(text)
        services = {cluster: tuple(names) for cluster, names in job["services"].items()}
        return cls(job["family"], job["part"], services, cause_from(job["cause"]))


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs of one cause that wait for its next turn, so that a push which concerns a thousand families lets
    others pass. It goes through the same queue: when it is received, those before it are done."""

    jobs: tuple[Job, ...]

    @property
    def group(self) -> str:
        return self.deduplication_id

    @property
    def deduplication_id(self) -> str:
        return _hash(f"backlog/{self.jobs[0].deduplication_id}")

    def to_json(self) -> str:
        clusters = list(dict.fromkeys(cluster for job in self.jobs for cluster in job.services))
        rows = [
            (job.family, job.part, [(clusters.index(c), names) for c, names in job.services.items()])
            for job in self.jobs
        ]
        return json.dumps({"cause": asdict(self.jobs[0].cause), "clusters": clusters, "backlog": rows})

    @classmethod
    def from_json(cls, text: str) -> Self:
        backlog = json.loads(text)
        cause, clusters = cause_from(backlog["cause"]), backlog["clusters"]
        return cls(
            tuple(
                Job(family, part, {clusters[c]: tuple(names) for c, names in services}, cause)
                for family, part, services in backlog["backlog"]
            )
        )


Message = Job | Backlog


def message(text: str) -> Message:
    """What came out of the queue."""
    return Backlog.from_json(text) if "backlog" in json.loads(text) else Job.from_json(text)


def in_turns(waiting: Sequence[Job]) -> Iterator[Message]:
    """The jobs of one cause that may be done now, and the backlog of those that may not."""
    services = accumulate(sum(map(len, job.services.values())) for job in waiting)
    turn = sum(total <= _SERVICES_PER_TURN for total in islice(services, _JOBS_PER_TURN))
    yield from waiting[: max(1, turn)]
    yield from _backlogs(waiting[max(1, turn) :])


def _backlogs(waiting: Sequence[Job]) -> Iterator[Backlog]:
    """One, or as many as SQS messages take."""
    if not waiting:
        return
    backlog = Backlog(tuple(waiting))
    if len(backlog.to_json()) <= _BACKLOG_BYTES or len(waiting) == 1:
        yield backlog
        return
    half = len(waiting) // 2
    yield from _backlogs(waiting[:half])
    yield from _backlogs(waiting[half:])


def jobs(cause: Cause, services: Iterable[Service]) -> Iterator[Job]:
    """One job per family, or several where a family has very many services."""
    families: dict[str, list[Service]] = {}
    for service in services:
        families.setdefault(family(service.revision), []).append(service)
    for name, members in families.items():
        for part, first in enumerate(range(0, len(members), _SERVICES_PER_JOB)):
            yield Job(name, part, _by_cluster(members[first : first + _SERVICES_PER_JOB]), cause)


def retry_delay(receive_count: int) -> int:
    """Seconds until a failed job comes back: soon, then ever later."""
    return min(_LAST_RETRY, _FIRST_RETRY << min(receive_count - 1, 10))


def _by_cluster(services: Iterable[Service]) -> Services:
    names: dict[str, tuple[str, ...]] = {}
    for service in services:
        names[service.cluster] = (*names.get(service.cluster, ()), service.name)
    return names


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
