"""Jobs: what goes through the queue."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagalong.jobs import Backlog, Job, Message, in_turns, jobs, message, retry_delay
from tagalong.model.decisions import Service
from tagalong.model.images import Repository
from tagalong.model.triggers import Cause, Push, Sweep

PUSH = Push("id", "2026-11-22T10:00:00Z", Repository("111122223333", "eu-west-1", "app"), "prod", "sha256:a")
FAMILY_NAME = st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)


def service(name: str, family: str, cluster: str = "prod") -> Service:
    return Service(f"arn:cluster/{cluster}", name, f"arn:task-definition/{family}:7")


def test_a_family_is_one_job_with_its_services_by_cluster() -> None:
    services = [service("a", "web"), service("b", "web", "eu"), service("c", "api"), service("d", "web")]

    assert [(job.family, job.services) for job in jobs(PUSH, services)] == [
        ("web", {"arn:cluster/prod": ("a", "d"), "arn:cluster/eu": ("b",)}),
        ("api", {"arn:cluster/prod": ("c",)}),
    ]


def test_a_very_large_family_is_several_jobs_of_one_group_with_ids_of_their_own() -> None:
    parts = list(jobs(PUSH, [service(f"web-{n}", "web") for n in range(250)]))

    assert [sum(map(len, part.services.values())) for part in parts] == [100, 100, 50]
    assert {part.group for part in parts} == {"web"}
    assert len({part.deduplication_id for part in parts}) == 3


@given(FAMILY_NAME, st.integers(0, 50), st.sampled_from([PUSH, Sweep("id"), Sweep("id", "prod", "app")]))
def test_a_job_comes_out_of_the_queue_as_it_went_in(family: str, part: int, cause: Cause) -> None:
    job = Job(family, part, {"arn:cluster/prod": ("a", "b")}, cause)

    assert message(job.to_json()) == job
    backlog = Backlog((job, replace(job, part=part + 1, services={})))
    assert message(backlog.to_json()) == backlog


def turns(services: dict[str, int]) -> list[list[Job]]:
    """All turns of a push that concerns these families, with so many services each."""
    members = [service(f"{family}-{n}", family) for family, number in services.items() for n in range(number)]
    waiting, done = list(in_turns(list(jobs(PUSH, members)))), []
    while waiting:
        turn = [one for one in waiting if isinstance(one, Job)]
        waiting = [one for it in waiting if isinstance(it, Backlog) for one in in_turns(it.jobs)]
        done.append(turn)
    return done


@given(st.dictionaries(FAMILY_NAME, st.integers(1, 250), min_size=1, max_size=60))
@example({f"family-{n}": 1 for n in range(1000)})
def test_every_job_gets_its_turn_once_and_no_turn_is_long(services: dict[str, int]) -> None:
    done = turns(services)

    families = [job.family for turn in done for job in turn for names in job.services.values() for _ in names]
    assert Counter(families) == services
    for turn in done:
        assert len(turn) <= 20
        assert len(turn) == 1 or sum(len(n) for job in turn for n in job.services.values()) <= 100


def test_a_small_push_is_done_in_one_turn() -> None:
    assert [len(turn) for turn in turns({f"family-{n}": 5 for n in range(20)})] == [20]


def sizes(families: int, length: int) -> list[int]:
    names = [f"{n:0{length}}" for n in range(families)]
    waiting = list(jobs(PUSH, [service(name, name) for name in names]))
    return [len(it.to_json()) for it in in_turns(waiting) if isinstance(it, Backlog)]


def test_the_backlog_of_many_families_is_as_many_messages_as_sqs_takes() -> None:
    assert len(sizes(2000, 20)) == 1
    assert len(sizes(2000, 255)) > 1
    assert max(sizes(2000, 255)) <= 256 * 1024


def test_the_backlog_has_an_id_that_tells_its_turns_apart() -> None:
    first = Backlog(tuple(Job(family, 0, {}, PUSH) for family in "abc"))
    messages: list[Message] = [first, Backlog(first.jobs[1:]), *first.jobs]

    assert len({it.deduplication_id for it in messages}) == 5


@given(FAMILY_NAME)
def test_group_and_deduplication_id_fit_into_sqs(family: str) -> None:
    job = Job(family, 0, {}, PUSH)

    assert 1 <= len(job.group) <= 128
    assert 1 <= len(job.deduplication_id) <= 128


def test_the_deduplication_id_comes_from_the_event_and_not_from_the_digest() -> None:
    job = Job("web", 0, {}, PUSH)
    again = replace(job, cause=replace(PUSH, event_id="another"))
    same_event = replace(job, cause=replace(PUSH, digest="sha256:b"))

    assert job.deduplication_id != again.deduplication_id
    assert job.deduplication_id == same_event.deduplication_id


@pytest.mark.parametrize(("count", "seconds"), [(1, 5), (2, 10), (4, 40), (5, 60), (20, 60), (1000, 60)])
def test_a_job_comes_back_soon_then_later_but_never_very_late(count: int, seconds: int) -> None:
    assert retry_delay(count) == seconds
