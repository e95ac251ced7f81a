"""What ECS answers, lists and refuses where an emulator is lenient."""

from math import inf

import boto3
import pytest

from support.sample_services import ALL, Company
from support.strict_proxy import Fault, FaultKind, StrictAws
from support.system import Json

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("strict")]


@pytest.fixture
def busy(company: Company, strict: StrictAws) -> Company:
    """Five deployments of the service `two` go on for the proxy; behind it they have ended."""

    def state() -> object:
        [two] = company.system.aws.client("ecs").describe_services(cluster="prod", services=["two"])[
            "services"
        ]
        return two["deployments"][0]["rolloutState"]

    company.system.eventually(state, "COMPLETED", "the first deployment")
    strict.ecs.deployments.seconds = inf
    for _ in range(5):
        boto3.client("ecs").update_service(cluster="prod", service="two", forceNewDeployment=True)
    company.system.eventually(state, "COMPLETED", "the fifth deployment")
    return company


@pytest.mark.parametrize("in_a_container", [False, True])
def test_a_revision_with_a_field_that_the_sdk_does_not_know_is_not_copied(
    company: Company, strict: StrictAws, capsys: pytest.CaptureFixture[str], in_a_container: bool
) -> None:
    def add_field(answer: Json) -> None:
        described = answer["taskDefinition"]
        (described["containerDefinitions"][0] if in_a_container else described)["quantum"] = {"bits": 8}

    strict.rewrites["DescribeTaskDefinition"] = add_field
    company.push()
    company.work()

    assert company.run() == company.moved()
    assert company.unfinished() == []
    assert not {"RegisterTaskDefinition", "UpdateService"} & strict.calls.keys()
    said = capsys.readouterr().out
    path = "containerDefinitions[0].quantum" if in_a_container else "taskDefinition.quantum"
    assert said.count('"decision":"skip","reason":"unknown-field"') == len(ALL)
    assert path in said


def test_a_service_that_ecs_did_not_list_is_moved_by_the_next_sweep(
    company: Company, strict: StrictAws
) -> None:
    company.sweep()
    company.work()
    strict.ecs.lists.unlisted["three"] = 1
    company.sweep()
    company.push()
    company.work()
    assert company.run() == company.moved("one", "two", "other")

    company.sweep()
    company.work()

    assert company.run() == company.moved(*ALL)
    assert company.unfinished() == []
    assert company.twins() == 0


def test_a_service_with_five_active_deployments_is_moved_when_one_of_them_has_ended(
    busy: Company, strict: StrictAws, capsys: pytest.CaptureFixture[str]
) -> None:
    busy.push()

    assert busy.invoke_deployer(busy.receive()) == []

    assert busy.run() == busy.moved("one", "three", "other")
    assert "5 active deployments exist, unable to create new deployment" in capsys.readouterr().out

    strict.ecs.deployments.seconds = 0
    busy.settle()

    assert busy.run() == busy.moved(*ALL)
    assert busy.unfinished() == []
    assert busy.twins() == 0, "the revision of the first try was not used"


def test_a_service_with_five_active_deployments_is_waited_for_and_never_given_up(busy: Company) -> None:
    busy.push()
    busy.settle()

    assert busy.unfinished() == []
    assert busy.run() == busy.moved("one", "three", "other")
    assert busy.twins() == 0


def test_services_that_ecs_refuses_each_time_are_given_up_with_the_reason(
    company: Company, strict: StrictAws
) -> None:
    strict.faults += [Fault(FaultKind.REFUSED, at, "UpdateService") for at in range(1, 100)]

    company.push()
    company.settle()

    reasons = company.unfinished()
    assert len(reasons) == len(ALL)
    assert all(it.startswith("UpdateService: AccessDeniedException: ") for it in reasons)
    assert company.run() == company.moved()
    assert company.twins() == 0
