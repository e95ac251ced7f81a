"""One batch of the job queue: a family in order, a service that fails out of its way, nothing lost."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any, Protocol

from tagalong.deploy import Elsewhere, Failed, Result, Unfinished
from tagalong.jobs import (
    Backlog,
    Failure,
    Job,
    Message,
    Recheck,
    by_cluster_name,
    in_turns,
    message,
    retry_delay,
)
from tagalong.model.plain import UnreadableError
from tagalong.model.services import Service
from tagalong.parallel import Stage
from tagalong.ports import DeadLetterQueue, JobQueue, RecheckQueue
from tagalong.rollout import ConcurrentDeploymentError

_AT_ONCE = timedelta(seconds=1)
_MOST_RECEPTIONS = 3  # then its services are tried one by one: one of them may be what ends the function

SqsRecord = Mapping[str, Any]
"""A message, as the event source of SQS hands it over."""


class LostError(Exception):
    """The function ended, each time, before it could say what came of a job."""


class Deploys(Protocol):
    """A deployer with its job."""

    @property
    def job(self) -> Job: ...

    @property
    def services(self) -> Sequence[tuple[str, str]]:
        """(cluster, name)"""

    def deploy(self, cluster: str, name: str) -> Iterable[Result]: ...


@dataclass(frozen=True, slots=True)
class Worker:
    """`deployers` does the jobs of a batch. What came of a service is reported first, by one thread for all
    families, then published, and then what follows from it is done."""

    deployers: Callable[[Sequence[Job]], Callable[[Job], Deploys]]
    report: Callable[[Job, Result], None]
    publish: Callable[[Job, Result], None]
    report_broken: Callable[[Exception], None]
    jobs: JobQueue
    rechecks: RecheckQueue
    dead_letters: DeadLetterQueue
    max_attempts: int
    now: Callable[[], datetime]

    def process(self, records: Iterable[SqsRecord]) -> list[SqsRecord]:
        """The messages that must come back: those that could not be put away, and, for the order of their
        family, those behind them. Families are worked on side by side.

        Powertools has this too, and takes a tenth of the cold start for it.
        """
        families: dict[str, list[SqsRecord]] = {}
        for record in records:
            families.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
        batch = Batch(self, Stage(), list(_read(it for some in families.values() for it in some)))
        return [it for some in batch.process(list(families.values())) for it in some]

    def follow_up(self, job: Job, result: Result) -> None:
        """What comes back is in a queue before the message of its job is gone."""
        match result:
            case Failed():
                self._failed(job, result)
            case Unfinished(services):
                self.jobs.send([job.remaining(services)])
            case Elsewhere(service):
                self._again(job, service.cluster, service.name, _AT_ONCE)

    def _failed(self, job: Job, failed: Failed) -> None:
        """A service that fails leaves its family's way, and comes back through the finder."""
        service, now = failed.service, self.now()
        if isinstance(failed.error, ConcurrentDeploymentError):
            self._again(job, service.cluster, service.name, retry_delay(0))
            return
        attempts, first_at = job.attempt + 1, job.first_at or now
        if attempts < self.max_attempts:
            tried = replace(job, attempt=attempts, first_at=first_at)
            self._again(tried, service.cluster, service.name, retry_delay(job.attempt))
            return
        failure = Failure(str(failed.error) or repr(failed.error), attempts, first_at, now)
        services = {service.cluster: (service.name,)}
        letter = replace(job, services=services, attempt=0, first_at=None, failure=failure)
        self.dead_letters.put(letter)

    def _again(self, job: Job, cluster: str, service: str, delay: timedelta) -> None:
        self.rechecks.send(Recheck(cluster, service, job.trigger, job.attempt, job.first_at), delay)


@dataclass(frozen=True)
class Batch:
    """At work: a thread for each family."""

    worker: Worker
    stage: Stage
    jobs: Sequence[Job]

    def process(self, families: Sequence[Sequence[SqsRecord]]) -> list[list[SqsRecord]]:
        return self.stage.run([partial(self._family, records) for records in families])

    @cached_property
    def _deployer(self) -> Callable[[Job], Deploys]:
        return self.worker.deployers(self.jobs)

    def _family(self, records: Sequence[SqsRecord]) -> list[SqsRecord]:
        """Those that must come back."""
        for position, record in enumerate(records):
            if not self._done(record):
                return list(records[position:])
        return []

    def _done(self, record: SqsRecord) -> bool:
        try:
            self._process(message(record["body"]), int(record["attributes"]["ApproximateReceiveCount"]))
        except UnreadableError as error:
            self.stage.here(partial(self.worker.report_broken, error))
            self.worker.dead_letters.put_unreadable(record["body"], str(error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the others are done
            self.stage.here(partial(self.worker.report_broken, error))
            return False
        return True

    def _process(self, message: Message, receptions: int) -> None:
        if isinstance(message, Backlog):
            self.worker.jobs.send(in_turns(message.jobs))
            return
        if receptions > _MOST_RECEPTIONS:
            self._set_aside(message, receptions - 1)
            return
        deployer = self._deployer(message)
        each = [partial(self._service, deployer, *it) for it in deployer.services]
        if left := [it for it in self.stage.run(each) if it]:
            self._tell(message, Unfinished(by_cluster_name(left)))

    def _set_aside(self, job: Job, times: int) -> None:
        """Each of its services has failed once more, and comes back by itself."""
        error = LostError(f"the function has ended {times} times before this was done")
        for cluster, names in job.services.items():
            for name in names:
                self._tell(job, Failed(Service(cluster, name), error))

    def _service(self, deployer: Deploys, cluster: str, name: str) -> tuple[str, str] | None:
        """Itself, if time did not suffice for it."""
        for result in deployer.deploy(cluster, name):
            if isinstance(result, Unfinished):
                return cluster, name
            self._tell(deployer.job, result)
        return None

    def _tell(self, job: Job, result: Result) -> None:
        self.stage.here(partial(self.worker.report, job, result))
        self.worker.publish(job, result)
        self.worker.follow_up(job, result)


def _read(records: Iterable[SqsRecord]) -> Iterator[Job]:
    """The jobs among them."""
    for record in records:
        with suppress(UnreadableError):
            if isinstance(job := message(record["body"]), Job):
                yield job
