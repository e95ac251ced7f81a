"""Every kind of fault at the calls of a rollout: the end is the same, and nothing is lost.

Each call meets one kind, or at night a cut after it, as nobody knows then that it was applied, and one other
kind: scenarios/test_faults.py has all kinds at all calls, on the fake.
"""

import pytest

from support.sample_services import ALL, Company
from support.strict_proxy import Fault, FaultKind, StrictAws
from support.thorough import THOROUGH
from tagalong.aws import NO_RETRY_CONFIG, RETRY_CONFIG

pytestmark = pytest.mark.embedded

CALLS = 68  # of a rollout: checked below
_KINDS = len(FaultKind)
PATIENCE, SLOW = 3, 3.5  # seconds: the client does not wait for the answer, and the call is applied later
CASES = [
    pytest.param(kind, at, marks=pytest.mark.xdist_group(f"strict-{kind}"))
    for number, kind in enumerate(FaultKind)
    for at in range(1, CALLS + 1)
    if at % _KINDS == number or (THOROUGH and kind is FaultKind.CUT_AFTER)
]


@pytest.mark.parametrize(("kind", "at"), CASES)
def test_a_fault_at_any_call_changes_nothing_in_the_end(
    company: Company, strict: StrictAws, monkeypatch: pytest.MonkeyPatch, kind: FaultKind, at: int
) -> None:
    for config in (RETRY_CONFIG, NO_RETRY_CONFIG) if kind is FaultKind.SLOW else ():
        monkeypatch.setattr(config, "read_timeout", PATIENCE)
    strict.faults.append(Fault(kind, at, seconds=SLOW))

    company.push()
    company.settle()

    assert company.run() == company.moved(*ALL)
    assert company.unfinished() == []
    # What was cut may have been applied and is looked for. What is applied later nobody can find before.
    assert company.twins() <= (kind is FaultKind.SLOW)


@pytest.mark.xdist_group("strict")
def test_the_faults_above_reach_every_call(company: Company, strict: StrictAws) -> None:
    company.push()
    company.work()

    assert company.run() == company.moved(*ALL)
    assert company.unfinished() == []
    assert strict.calls.total() <= CALLS < strict.calls.total() + 3, "a record may be written once more"
    assert strict.throttled.total() == 0
