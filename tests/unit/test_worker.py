"""One batch of the job queue: nothing is lost, and nobody waits for a service that fails."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from support.looks import NOW, PUSH, SERVICE
from tagalong.deploy import Elsewhere, Failed, Result, Unfinished
from tagalong.jobs import Backlog, Job, Message, Recheck
from tagalong.model.decisions import Skip, SkipReason
from tagalong.model.plain import to_json
from tagalong.ports import AwsError
from tagalong.rollout import ConcurrentDeploymentError
from tagalong.worker import Worker

JOB = Job("web", {"cluster/prod": ("web",)}, PUSH, "id")
DONE = Skip(SERVICE, SkipReason.UP_TO_DATE, "done")
MOST = 3


@dataclass
class Queues:
    """All three, in memory: what was put where."""

    jobs: list[Message] = field(default_factory=list)
    rechecks: list[tuple[Recheck, timedelta]] = field(default_factory=list)
    letters: list[Any] = field(default_factory=list)
    reported: list[Any] = field(default_factory=list)
    broken: bool = False

    def send(self, what: Any, delay: timedelta | None = None) -> None:
        if self.broken:
            raise AwsError("SendMessage: AccessDeniedException")
        if delay is None:
            self.jobs += what
        else:
            self.rechecks.append((what, delay))

    def put(self, job: Job) -> None:
        self.letters.append(job)

    def put_unreadable(self, body: str, reason: str) -> None:
        self.letters.append((body, reason))


def records(*messages: Message | str, receptions: int = 1) -> list[dict[str, Any]]:
    return [
        {
            "messageId": f"m{number}",
            "body": it if isinstance(it, str) else to_json(it),
            "attributes": {
                "MessageGroupId": getattr(it, "group", "poison"),
                "ApproximateReceiveCount": str(receptions),
            },
        }
        for number, it in enumerate(messages)
    ]


@dataclass
class Deploying:
    """Answers what a test says, for each service."""

    job: Job
    answer: Callable[[Job], Iterable[Result]]

    @property
    def services(self) -> list[tuple[str, str]]:
        every = ((cluster, name) for cluster, names in self.job.services.items() for name in names)
        return [next(every, ("cluster/prod", "web"))]

    def deploy(self, _cluster: str, _name: str) -> Iterator[Result]:
        yield from self.answer(self.job)


def process(
    queues: Queues,
    deploy: Callable[[Job], Iterable[Result]],
    *messages: Message | str,
    receptions: int = 1,
) -> list[str]:
    """The ids of the messages that come back."""
    worker = Worker(
        lambda _jobs: lambda job: Deploying(job, deploy),
        lambda _job, result: queues.reported.append(result),
        lambda _job, _result: None,
        queues.reported.append,
        queues,
        queues,
        queues,
        MOST,
        lambda: NOW,
    )
    return [record["messageId"] for record in worker.process(records(*messages, receptions=receptions))]


def failing(error: Exception) -> Callable[[Job], Iterable[Result]]:
    return lambda _job: [Failed(SERVICE, error)]


def test_a_message_is_done_when_each_service_has_a_decision() -> None:
    queues = Queues()

    assert process(queues, lambda _job: [DONE], JOB) == []
    assert queues == Queues(reported=[DONE])


@pytest.mark.parametrize("receptions", [3, 4])
def test_the_services_of_a_job_that_ended_the_function_three_times_come_back_one_by_one(
    receptions: int,
) -> None:
    queues = Queues()
    job = Job("web", {"cluster/prod": ("web", "other")}, PUSH, "id")

    assert process(queues, lambda _job: [DONE], job, receptions=receptions) == []

    assert (DONE in queues.reported) == (receptions == 3)
    assert [(it.service, it.attempt) for it, _ in queues.rechecks] == (
        [("web", 1), ("other", 1)] if receptions > 3 else []
    )


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 5), (1, 10)])
def test_a_service_that_fails_is_tried_again_later(attempt: int, seconds: int) -> None:
    queues = Queues()
    job = Job("web", {"cluster/prod": ("web", "other")}, PUSH, "id", attempt, NOW if attempt else None)

    assert process(queues, failing(AwsError("no")), job) == []
    [(recheck, delay)] = queues.rechecks
    assert recheck == Recheck("cluster/prod", "web", PUSH, attempt + 1, NOW)
    assert delay == timedelta(seconds=seconds)
    assert not queues.letters


def test_a_service_that_fails_once_too_often_is_given_up_with_the_reason() -> None:
    queues, first = Queues(), NOW - timedelta(minutes=3)
    job = Job("web", {"cluster/prod": ("other", "web")}, PUSH, "id", MOST - 1, first)

    assert process(queues, failing(AwsError("no")), job) == []
    [letter] = queues.letters
    assert letter.services == {"cluster/prod": ("web",)}
    assert (letter.failure.reason, letter.failure.attempts) == ("no", MOST)
    assert (letter.failure.first_at, letter.failure.last_at) == (first, NOW)
    assert (letter.attempt, letter.first_at) == (0, None), "given back it would be given up at once"
    assert not queues.rechecks


def test_an_overtaken_service_is_looked_at_again_and_this_is_no_failed_attempt() -> None:
    queues = Queues()

    process(queues, failing(ConcurrentDeploymentError("moved")), Job("web", {}, PUSH, "id", MOST - 1, NOW))

    [(recheck, _)] = queues.rechecks
    assert recheck.attempt == MOST - 1
    assert not queues.letters


def test_what_time_does_not_suffice_for_goes_back_to_the_job_queue() -> None:
    queues, left = Queues(), JOB.services

    assert process(queues, lambda _job: [DONE, Unfinished(left)], JOB) == []
    assert queues.jobs == [JOB.remaining(left)]


def test_a_service_of_another_family_is_found_anew() -> None:
    queues = Queues()

    assert process(queues, lambda _job: [Elsewhere(SERVICE)], JOB) == []
    [(recheck, _)] = queues.rechecks
    assert (recheck.service, recheck.attempt) == ("web", 0)


def test_a_backlog_takes_its_turn() -> None:
    queues = Queues()
    waiting = tuple(Job(f"f{number}", {"c": ("s",)}, PUSH, "id") for number in range(21))

    assert process(queues, lambda _job: [], Backlog(waiting)) == []
    assert queues.jobs == [*waiting[:20], Backlog(waiting[20:])]


@pytest.mark.parametrize("body", ["{}", "", "not JSON"])
def test_a_message_that_cannot_be_read_is_kept_with_the_reason_and_stops_no_other(body: str) -> None:
    queues = Queues()

    assert process(queues, lambda _job: [DONE], body, JOB) == []
    [(kept, reason)] = queues.letters
    assert kept == body
    assert reason
    assert queues.reported[-1] == DONE


def test_a_message_that_can_go_nowhere_comes_back_with_those_of_its_family_behind_it() -> None:
    queues = Queues(broken=True)
    other = Job("other", {"cluster/prod": ("fine",)}, PUSH, "id")

    def deploy(job: Job) -> Iterable[Result]:
        return [DONE] if job == other else [Failed(SERVICE, AwsError("no"))]

    assert process(queues, deploy, JOB, other, JOB) == ["m0", "m2"]
    assert DONE in queues.reported
