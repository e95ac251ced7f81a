"""What UpdateService and RegisterTaskDefinition refuse."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from threading import Event
from typing import Any

import pytest
from botocore.exceptions import ClientError
from mypy_boto3_ecs import ECSClient

from support.lenient import ACCOUNT, LenientAws, Received
from support.strict_proxy import StrictAws

_PATIENCE = 120
CODE_DEPLOY = (
    "services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment."
)


def update(ecs: ECSClient, revision: str = "web:2", service: str = "web") -> None:
    ecs.update_service(cluster="prod", service=service, taskDefinition=revision)


def test_a_revision_that_is_inactive_is_refused(lenient: LenientAws, ecs: ECSClient) -> None:
    lenient.inactive = {"web:2"}

    with pytest.raises(ClientError, match=r"\(ClientException\) .* TaskDefinition is inactive$"):
        update(ecs)

    assert "UpdateService" not in lenient.actions
    update(ecs, "web:3")


def test_a_service_that_is_not_active_is_refused(lenient: LenientAws, ecs: ECSClient) -> None:
    lenient.services["web"]["status"] = "DRAINING"

    with pytest.raises(ClientError, match=r"\(ServiceNotActiveException\) .* Service was not ACTIVE\.$"):
        update(ecs)


def test_other_controllers_deploy_their_services_themselves(lenient: LenientAws, ecs: ECSClient) -> None:
    lenient.services["web"]["deploymentController"] = {"type": "CODE_DEPLOY"}
    lenient.services["api"]["deploymentController"] = {"type": "EXTERNAL"}

    with pytest.raises(ClientError, match=f"Unable to update task definition on {CODE_DEPLOY}"):
        update(ecs)
    with pytest.raises(ClientError, match=f"Cannot force a new deployment on {CODE_DEPLOY}"):
        ecs.update_service(cluster="prod", service="web", forceNewDeployment=True)
    with pytest.raises(ClientError, match="on services with a EXTERNAL deployment controller"):
        update(ecs, service="api")
    ecs.update_service(cluster="prod", service="web", desiredCount=2)


def test_a_sixth_deployment_waits_until_one_is_completed(strict: StrictAws, ecs: ECSClient) -> None:
    strict.ecs.deployments.seconds = inf
    for number in range(2, 7):
        update(ecs, f"web:{number}")

    with pytest.raises(ClientError, match="5 active deployments exist, unable to create new deployment"):
        update(ecs, "web:7")

    update(ecs, "web:6")  # it runs that: no new deployment
    update(ecs, "api:2", service="api")
    strict.ecs.deployments.seconds = 0
    update(ecs, "web:7")


@pytest.mark.parametrize("strict", [1000], indirect=True)
def test_a_deployment_is_completed_after_as_many_scaled_seconds_as_wanted(
    strict: StrictAws, ecs: ECSClient
) -> None:
    strict.ecs.deployments.seconds = 1  # a thousandth, and no update is that fast

    for number in range(2, 12):
        update(ecs, f"web:{number}")


def test_it_is_checked_with_the_rights_of_the_account_and_done_with_those_of_the_caller(
    lenient: LenientAws, client: Callable[..., Any]
) -> None:
    update(client("ecs", "ASIADEPLOYER00000000"))

    asked = {received.action: received.headers for received in lenient.received}
    for check in ("DescribeServices", "DescribeTaskDefinition"):
        assert f"Credential={ACCOUNT}/" in asked[check]["authorization"]
        assert "x-amz-security-token" not in asked[check]
    assert "Credential=ASIADEPLOYER00000000/" in asked["UpdateService"]["authorization"]
    assert "x-amz-security-token" in asked["UpdateService"]


def register(ecs: ECSClient, family: str) -> str:
    """What is said against it."""
    try:
        ecs.register_task_definition(family=family, containerDefinitions=[{"name": "c", "image": "i"}])
    except ClientError as error:
        return str(error.response["Error"])
    return ""


@pytest.mark.parametrize(("families", "refusals"), [(["web", "web"], 1), (["web", "api"], 0)])
def test_registers_of_one_family_that_overlap_are_refused(
    lenient: LenientAws, ecs: ECSClient, families: list[str], refusals: int
) -> None:
    under_way, go_on = Event(), Event()

    def hold_the_first(received: Received) -> None:
        if received.action == "RegisterTaskDefinition" and not under_way.is_set():
            under_way.set()
            assert go_on.wait(_PATIENCE)

    lenient.before = hold_the_first
    with ThreadPoolExecutor() as pool:
        first = pool.submit(register, ecs, families[0])
        assert under_way.wait(_PATIENCE)
        second = register(ecs, families[1])
        go_on.set()
    said = [first.result(), second]

    sentence = "Too many concurrent attempts to create a new revision of the specified family."
    assert sum("ClientException" in error and sentence in error for error in said) == refusals
    assert not register(ecs, "web"), "one after the other they are not"
