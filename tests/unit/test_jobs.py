"""Jobs: what goes through the queue."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tagalong.jobs import (
    Backlog,
    Failure,
    Job,
    Message,
    Recheck,
    in_turns,
    jobs,
    message,
    recheck_message,
    retry_delay,
)
from tagalong.model.images import Repository
from tagalong.model.plain import UnreadableError, to_json
from tagalong.model.services import Service
from tagalong.model.triggers import DeploymentEvent, Push, Sweep, Trigger

AT = datetime(2026, 11, 26, 10, tzinfo=UTC)
PUSH = Push("id", AT, Repository("111122223333", "eu-west-1", "app"), "prod", "sha256:a")
FAMILY_NAME = st.from_regex(r"[A-Za-z0-9_-]{1,255}", fullmatch=True)


def service(name: str, family: str, cluster: str = "prod") -> Service:
    return Service(f"arn:cluster/{cluster}", name, f"arn:task-definition/{family}:7")


def test_a_family_is_one_job_with_its_services_by_cluster() -> None:
    services = [service("a", "web"), service("b", "web", "eu"), service("c", "api"), service("d", "web")]

    assert [(job.family, job.services) for job in jobs(PUSH, services, "id")] == [
        ("web", {"arn:cluster/prod": ("a", "d"), "arn:cluster/eu": ("b",)}),
        ("api", {"arn:cluster/prod": ("c",)}),
    ]


def test_a_very_large_family_is_several_jobs_of_one_group_with_ids_of_their_own() -> None:
    parts = list(jobs(PUSH, [service(f"web-{n}", "web") for n in range(250)], "id"))

    assert [sum(map(len, part.services.values())) for part in parts] == [100, 100, 50]
    assert {part.group for part in parts} == {"web"}
    assert len({part.deduplication_id for part in parts}) == 3


TRIGGERS = [PUSH, Sweep("id"), Sweep("id", "prod", "app"), DeploymentEvent("id", "prod", "web")]
FAILURE = Failure("RegisterTaskDefinition: ClientException", 10, AT, AT + timedelta(minutes=20))


@given(FAMILY_NAME, st.integers(0, 50), st.sampled_from(TRIGGERS), st.sampled_from([None, FAILURE]))
def test_a_job_comes_out_of_the_queue_as_it_went_in(
    family: str, attempt: int, trigger: Trigger, failure: Failure | None
) -> None:
    services = {"arn:cluster/prod": ("a", "b")}
    job = Job(family, services, trigger, "id", attempt, AT if attempt else None, failure)
    backlog = Backlog((job, replace(job, attempt=attempt + 1, services={})))

    assert message(to_json(job)) == job
    assert message(to_json(backlog)) == backlog


@given(st.integers(0, 50), st.sampled_from(TRIGGERS))
def test_a_recheck_comes_out_of_the_queue_as_it_went_in(attempt: int, trigger: Trigger) -> None:
    recheck = Recheck("arn:cluster/prod", "web", trigger, attempt, AT)

    assert recheck_message(to_json(recheck)) == recheck


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '"job"', '{"kind":"job"}', '{"kind":"other"}', "{"])
def test_a_message_that_is_none_of_ours_is_unreadable(text: str) -> None:
    for read in (message, recheck_message):
        with pytest.raises(UnreadableError):
            read(text)


def test_a_job_of_another_version_is_read() -> None:
    job = Job("web", {"arn:cluster/prod": ("a",)}, PUSH, "id")
    newer = to_json(job).replace('"attempt":0', '"unheard_of":{"a":[1]}')

    assert message(newer) == job


def turns(services: dict[str, int]) -> list[list[Job]]:
    """All turns of a push that concerns these families, with so many services each. Several backlogs take
    turns of their own."""
    members = [service(f"{family}-{n}", family) for family, number in services.items() for n in range(number)]
    waiting, done = [tuple(jobs(PUSH, members, "id"))], []
    while waiting:
        turn = list(in_turns(waiting.pop()))
        waiting += [it.jobs for it in turn if isinstance(it, Backlog)]
        done.append([it for it in turn if isinstance(it, Job)])
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
    waiting = list(jobs(PUSH, [service(name, name) for name in names], "id"))
    return [len(to_json(it)) for it in in_turns(waiting) if isinstance(it, Backlog)]


def test_the_backlog_of_many_families_is_as_many_messages_as_sqs_takes() -> None:
    assert len(sizes(500, 20)) == 1
    assert len(sizes(2000, 255)) > 1
    assert max(sizes(2000, 255)) <= 256 * 1024


def test_the_backlog_has_an_id_that_tells_its_turns_apart() -> None:
    first = Backlog(tuple(Job(family, {}, PUSH, "id") for family in "abc"))
    messages: list[Message] = [first, Backlog(first.jobs[1:]), *first.jobs]

    assert len({it.deduplication_id for it in messages}) == 5


@given(FAMILY_NAME)
def test_group_and_deduplication_id_fit_into_sqs(family: str) -> None:
    job = Job(family, {}, PUSH, "id")

    assert 1 <= len(job.group) <= 128
    assert 1 <= len(job.deduplication_id) <= 128


def test_the_deduplication_id_comes_from_the_event_and_not_from_the_digest() -> None:
    job = Job("web", {}, PUSH, "id")
    same_event = replace(job, trigger=replace(PUSH, digest="sha256:b"))

    assert job.deduplication_id == same_event.deduplication_id
    assert job.deduplication_id != replace(job, id="another").deduplication_id


def test_a_job_that_comes_back_is_no_duplicate_of_itself() -> None:
    job = Job("web", {"arn:cluster/prod": ("a", "b")}, PUSH, "id")
    remaining = job.remaining({"arn:cluster/prod": ("b",)})
    back = [job, replace(job, attempt=1), remaining, remaining.remaining({"arn:cluster/prod": ("b",)})]

    assert len({it.deduplication_id for it in back}) == 4
    assert {it.group for it in back} == {"web"}


@pytest.mark.parametrize(("attempt", "seconds"), [(0, 5), (1, 10), (3, 40), (6, 300), (20, 300), (1000, 300)])
def test_a_service_that_fails_comes_back_soon_then_later_but_never_very_late(
    attempt: int, seconds: int
) -> None:
    assert retry_delay(attempt) == timedelta(seconds=seconds)
