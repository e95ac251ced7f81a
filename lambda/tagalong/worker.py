"""One batch of the job queue: a family in order, a service that fails out of its way, nothing lost."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tagalong.deploy import Elsewhere, Failed, Result, Unfinished
from tagalong.jobs import Backlog, Failure, Job, Message, Recheck, in_turns, message, retry_delay
from tagalong.model.plain import UnreadableError
from tagalong.ports import DeadLetterQueue, JobQueue, RecheckQueue
from tagalong.rollout import ConcurrentDeploymentError

_AT_ONCE = timedelta(seconds=1)

SqsRecord = Mapping[str, Any]
"""A message, as the event source of SQS hands it over."""


@dataclass(frozen=True, slots=True)
class Worker:
    """`deploy` does a job; `report` says what came of one service."""

    deploy: Callable[[Job], Iterable[Result]]
    report: Callable[[Job, Result], None]
    report_broken: Callable[[Exception], None]
    jobs: JobQueue
    rechecks: RecheckQueue
    dead_letters: DeadLetterQueue
    max_attempts: int
    now: Callable[[], datetime]

    def process(self, records: Iterable[SqsRecord]) -> Iterator[SqsRecord]:
        """The messages that must come back: those that could not be put away, and, for the order of their
        family, those behind them.

        Powertools has this too, and takes a tenth of the cold start for it.
        """
        stopped = set()
        for record in records:
            group = record["attributes"]["MessageGroupId"]
            if group in stopped or not self._done(record):
                stopped.add(group)
                yield record

    def _done(self, record: SqsRecord) -> bool:
        try:
            self._process(message(record["body"]))
        except UnreadableError as error:
            self.report_broken(error)
            self.dead_letters.put_unreadable(record["body"], str(error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one message, the others are done
            self.report_broken(error)
            return False
        return True

    def _process(self, message: Message) -> None:
        if isinstance(message, Backlog):
            self.jobs.send(in_turns(message.jobs))
            return
        for result in self.deploy(message):
            self.report(message, result)
            self._follow_up(message, result)

    def _follow_up(self, job: Job, result: Result) -> None:
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
