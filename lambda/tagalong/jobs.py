"""Jobs: what the finder asks of the deployer, a family at a time and in turns; and what comes back later."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import accumulate, islice
from typing import Literal

from tagalong.model.plain import UnreadableError, from_json, to_json
from tagalong.model.revisions import family
from tagalong.model.services import EPOCH, Service
from tagalong.model.triggers import DeploymentEvent, Push, Sweep, Trigger, parse_deployment_event

# One job stays far below a Lambda timeout: UpdateService refills 5 a second, account-wide.
_SERVICES_PER_JOB = 100
# RegisterTaskDefinition refills 1 a second: a turn is about half a minute of work for the whole account.
_JOBS_PER_TURN, _SERVICES_PER_TURN = 20, 100
_BACKLOG_BYTES = 200_000  # an SQS message may have more, the queue of some partitions not much
_FIRST_RETRY, _LAST_RETRY = 5, 300  # seconds
_SQS_GROUP_LENGTH = 128  # a family may have 255 characters

Services = Mapping[str, tuple[str, ...]]
"""cluster ARN -> service names"""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a service was given up."""

    reason: str
    attempts: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """Some services of one family, and what made tagalong check them.

    It names them and nothing more: what they run and what is deployed is read again when the job is done.
    """

    family: str
    services: Services
    trigger: Trigger
    id: str  # of the message that it was made of
    attempt: int = 0  # those that have failed
    first_at: datetime | None = None  # when the first of them did
    failure: Failure | None = None  # of a dead letter: for a person to read
    known_until: datetime = EPOCH  # a service that was made later is new to us; EPOCH: nobody can tell
    kind: Literal["job"] = "job"

    @property
    def group(self) -> str:
        """The FIFO message group: one deployer at a time handles a family."""
        return self.family if len(self.family) <= _SQS_GROUP_LENGTH else _hash(self.family)

    @property
    def deduplication_id(self) -> str:
        """From the event, not from the digest: A, B, A within five minutes are three real changes."""
        services = sorted((cluster, *names) for cluster, names in self.services.items())
        return _hash(f"{self.id}/{self.family}/{self.attempt}/{json.dumps(services)}")

    def remaining(self, services: Services) -> "Job":
        """For those that time did not suffice for."""
        return replace(self, services=services, id=f"{self.id}+")


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs of one trigger that wait for its next turn, so that a push which concerns a thousand families lets
    others pass. It goes through the same queue: when it is received, those before it are done."""

    jobs: tuple[Job, ...]
    kind: Literal["backlog"] = "backlog"

    @property
    def group(self) -> str:
        return self.deduplication_id

    @property
    def deduplication_id(self) -> str:
        return _hash("/".join(job.deduplication_id for job in self.jobs))


@dataclass(frozen=True, slots=True)
class Recheck:
    """A service to look at again later: it failed, or waits for something that ends."""

    cluster: str  # ARN
    service: str  # name
    trigger: Trigger
    attempt: int = 0
    first_at: datetime | None = None
    if_waiting: bool = False  # matters only as long as its record waits, or a rollout is open
    kind: Literal["recheck"] = "recheck"

    @property
    def key(self) -> str:
        return f"{self.cluster.rpartition('/')[2]}/{self.service}"


@dataclass(frozen=True, slots=True)
class Deferred:
    """A trigger whose turn to read the fleet comes later, or that time did not suffice for."""

    trigger: Push | Sweep
    done: tuple[str, ...] = ()  # the names of clusters whose services have their jobs
    cluster: str = ""  # the name of one that is read in part:
    after: str = ""  # as far as this service
    attempt: int = 0  # those that met what could not be read
    kind: Literal["deferred"] = "deferred"


Message = Job | Backlog


def message(text: str) -> Message:
    """What came out of the job queue. Raises UnreadableError."""
    try:
        kind = json.loads(text).get("kind")
    except (AttributeError, ValueError) as error:
        raise UnreadableError(f"not a job: {error}") from None
    return from_json(Backlog, text) if kind == "backlog" else from_json(Job, text)


def recheck_message(text: str) -> Recheck | Deferred | DeploymentEvent:
    """What came out of the recheck queue. Raises UnreadableError or UnreadableEventError."""
    try:
        event = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"not JSON: {error}") from None
    if not isinstance(event, Mapping):
        raise UnreadableError("not an object")
    if "detail-type" in event:
        return parse_deployment_event(event)
    return from_json(Deferred, text) if event.get("kind") == "deferred" else from_json(Recheck, text)


def in_turns(waiting: Sequence[Job]) -> Iterator[Message]:
    """The jobs of one trigger that may be done now, and the backlog of those that may not."""
    services = accumulate(sum(map(len, job.services.values())) for job in waiting)
    turn = sum(total <= _SERVICES_PER_TURN for total in islice(services, _JOBS_PER_TURN))
    yield from waiting[: max(1, turn)]
    yield from backlogs(waiting[max(1, turn) :])


def backlogs(waiting: Sequence[Job]) -> Iterator[Backlog]:
    """One, or as many as SQS messages take."""
    if not waiting:
        return
    backlog = Backlog(tuple(waiting))
    if len(to_json(backlog)) <= _BACKLOG_BYTES or len(waiting) == 1:
        yield backlog
        return
    half = len(waiting) // 2
    yield from backlogs(waiting[:half])
    yield from backlogs(waiting[half:])


def jobs(
    trigger: Trigger,
    services: Iterable[Service],
    id_: str,
    *,
    attempt: int = 0,
    first_at: datetime | None = None,
) -> Iterator[Job]:
    """One job per family, or several where a family has very many services."""
    families: dict[str, list[Service]] = {}
    for service in services:
        families.setdefault(family(service.task_definition), []).append(service)
    for name, members in families.items():
        for first in range(0, len(members), _SERVICES_PER_JOB):
            some = members[first : first + _SERVICES_PER_JOB]
            yield Job(name, by_cluster(some), trigger, id_, attempt, first_at)


def by_cluster(services: Iterable[Service]) -> Services:
    return by_cluster_name((it.cluster, it.name) for it in services)


def by_cluster_name(services: Iterable[tuple[str, str]]) -> Services:
    """Of (cluster, name)."""
    names: dict[str, tuple[str, ...]] = {}
    for cluster, name in services:
        names[cluster] = (*names.get(cluster, ()), name)
    return names


def retry_delay(attempt: int) -> timedelta:
    """Until a service that failed is tried again: soon, then ever later."""
    return timedelta(seconds=min(_LAST_RETRY, _FIRST_RETRY << min(attempt, 10)))


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()
