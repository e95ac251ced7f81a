"""Each contract test runs twice: on an empty fake, and on an empty account of the embedded AWS, behind the
strict proxy."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import boto3
import pytest

from emulator import embedded
from emulator.embedded import EmbeddedAws
from support.fake_aws import ACCOUNT, REGION, FakeAws
from support.stages import EmbeddedStage, FakeStage, Stage
from support.strict_proxy import StrictAws

ON_EMBEDDED = (pytest.mark.embedded, pytest.mark.xdist_group("contract"))
_FAST = 1_000  # no bucket is ever empty, so no test waits
_FOR_EVER = 24 * 3600
_accounts = count(400_000_000_000)


@pytest.fixture
def fake_account(aws: FakeAws) -> str:
    return ACCOUNT


@pytest.fixture
def embedded_account(empty: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> str:
    mine = replace(empty, region=REGION)
    for name, value in mine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return mine.account


@pytest.fixture(scope="session")
def strict(cloud: EmbeddedAws) -> Iterator[StrictAws]:
    with StrictAws(cloud.endpoint, scale=_FAST) as aws:
        yield aws


@pytest.fixture
def strict_account(strict: StrictAws, embedded_account: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ENDPOINT_URL", strict.endpoint)
    return embedded_account


@pytest.fixture(
    params=[
        pytest.param("fake_account", id="fake"),
        pytest.param("strict_account", id="strict", marks=ON_EMBEDDED),
    ]
)
def account(request: pytest.FixtureRequest) -> str:
    """The account that boto3 talks to during the test."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture(scope="session")
def held() -> Iterator[EmbeddedAws]:
    """Only a test ends a step of a deployment there."""
    aws = embedded.start(deployment_seconds=_FOR_EVER)
    yield aws
    embedded.stop(aws.port)


@pytest.fixture
def fake_stage(aws: FakeAws) -> Stage:
    return FakeStage(aws)


@pytest.fixture
def embedded_stage(held: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> Stage:
    mine = replace(held, account=str(next(_accounts)), region=REGION)
    for name, value in mine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return EmbeddedStage(mine)


@pytest.fixture(
    params=[
        pytest.param("fake_stage", id="fake"),
        pytest.param("embedded_stage", id="embedded", marks=ON_EMBEDDED),
    ]
)
def stage(request: pytest.FixtureRequest) -> Stage:
    """Where deployments take a step when the test says so."""
    found: Stage = request.getfixturevalue(request.param)
    return found
