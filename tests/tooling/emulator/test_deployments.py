"""How long a deployment of the embedded AWS takes; what it does the contract of deployments says."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import boto3
import pytest

from emulator import embedded
from emulator.embedded import EmbeddedAws, EmbeddedAwsError
from support.fake_aws import REGION
from support.stages import ROLLS_BACK, EmbeddedStage, Stage, Web

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("held")]

_PATIENCE = 120


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def quick(empty: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Where a deployment takes half a second."""
    for name, value in replace(empty, region=REGION).environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    stage = EmbeddedStage(replace(empty, region=REGION))
    stage.push("good", "good")
    stage.push("bad", "bad", broken=True)
    return stage


def test_a_deployment_is_completed_by_itself(quick: Stage) -> None:
    web = Web(quick)

    wait(lambda: web.listed()[0]["status"] == "SUCCESSFUL")

    assert [event["detail"]["eventName"] for event in quick.events(2)] == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS",
        "SERVICE_DEPLOYMENT_COMPLETED",
    ]


def test_a_deployment_of_a_broken_image_is_rolled_back_by_itself(quick: Stage) -> None:
    web = Web(quick, breaker=ROLLS_BACK)
    wait(lambda: web.listed()[0]["status"] == "SUCCESSFUL")
    before = web.deployments()

    web.deploy("bad")
    wait(lambda: web.listed()[0]["status"] == "ROLLBACK_SUCCESSFUL")

    assert web.deployments() == before


def test_a_deployment_bakes_before_it_is_completed(embedded_stage: Stage) -> None:
    embedded_stage.push("good", "good")
    web = Web(embedded_stage, bakeTimeInMinutes=5)

    web.step()
    assert (web.history()[0]["status"], web.history()[0]["lifecycleStage"]) == ("IN_PROGRESS", "BAKE_TIME")

    web.step()
    assert web.history()[0]["status"] == "SUCCESSFUL"


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedAws]:
    """Where the environment says that a deployment takes no time."""
    monkeypatch.setenv("DEPLOYMENT_SECONDS", "0")
    aws = embedded.start()
    yield aws
    embedded.stop(aws.port)


def test_the_environment_says_how_long_a_deployment_takes(
    hasty: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in hasty.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    stage = EmbeddedStage(hasty)
    stage.push("good", "good")
    web = Web(stage)

    wait(lambda: web.listed()[0]["status"] == "SUCCESSFUL")

    [record] = web.history()
    assert record["status"] == "SUCCESSFUL"


def test_a_time_that_is_no_number_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYMENT_SECONDS", "30s")

    with pytest.raises(EmbeddedAwsError, match="DEPLOYMENT_SECONDS is '30s': give a number, such as 30"):
        embedded.start()
