"""Two of us, or somebody else and us, at one family at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

import boto3
import pytest

from support.sample_services import ALL, Company
from support.strict_proxy import Fault, FaultKind, StrictAws
from support.strict_proxy.api import Call
from support.thorough import some

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("strict")]

CALLS = 51  # of a deployer: checked below
SECONDS = 120  # that nothing takes


@dataclass(frozen=True, slots=True)
class Held(Fault):
    """A call that arrives, and is not applied before it is released."""

    arrived: Event = field(default_factory=Event)
    released: Event = field(default_factory=Event)

    def strike(self, call: Call) -> None:
        self.arrived.set()
        assert self.released.wait(SECONDS), f"{call.action} was never released"


@contextmanager
def released(held: Held) -> Iterator[None]:
    """At the end of the block, which begins when the call has arrived."""
    try:
        assert held.arrived.wait(SECONDS), "there is no such call"
        yield
    finally:
        held.released.set()


@pytest.mark.parametrize("at", some(range(1, CALLS + 1, 2), 3))
def test_a_deployer_that_is_overtaken_at_any_call_by_another_with_the_same_jobs_undoes_nothing(
    company: Company, strict: StrictAws, at: int
) -> None:
    """It took so long that the visibility timeout of its messages ended. It may leave a twin of each of both
    revisions, where it had looked for them before: nothing runs it."""
    company.push()
    strict.reset()
    strict.faults.append(held := Held(FaultKind.SLOW, at))
    jobs = company.receive()

    with ThreadPoolExecutor() as pool:
        late = pool.submit(company.invoke_deployer, jobs)
        with released(held):
            company.return_to_queue(jobs)
            company.return_to_queue(company.invoke_deployer(company.receive()))
        late.result(SECONDS)
    company.settle()

    assert company.run() == company.moved(*ALL)
    assert company.unfinished() == []
    assert company.twins() <= 2


def test_the_calls_above_are_all_that_a_deployer_makes(company: Company, strict: StrictAws) -> None:
    company.push()
    strict.reset()
    company.work()

    assert strict.calls.total() == CALLS


def test_a_family_is_tried_again_when_somebody_else_registers_a_revision_at_the_same_moment(
    company: Company, strict: StrictAws, capsys: pytest.CaptureFixture[str]
) -> None:
    company.push()
    strict.faults.append(held := Held(FaultKind.SLOW, at=1, action="RegisterTaskDefinition"))
    theirs = boto3.client("ecs")

    with ThreadPoolExecutor() as pool:
        pool.submit(
            theirs.register_task_definition,
            family="web",
            containerDefinitions=[{"name": "theirs", "image": "theirs", "memory": 64}],
        )
        with released(held):
            assert company.invoke_deployer(company.receive()) == []
            assert company.run() == company.moved("other")
    assert "Too many concurrent attempts to create a new revision" in capsys.readouterr().out

    company.settle()

    assert company.run() == company.moved(*ALL)
    assert company.unfinished() == []
    assert company.twins() == 1, "theirs is the only one"
