"""Each contract test runs twice: on an empty fake, and on an empty account of the embedded AWS."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import boto3
import pytest

from fakes.aws import ACCOUNT, REGION, FakeAws
from local import embedded
from local.embedded import EmbeddedAws

ON_EMBEDDED = (pytest.mark.embedded, pytest.mark.xdist_group("contract"))
_accounts = count(200_000_000_000)


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedAws]:
    aws = embedded.start()
    yield aws
    embedded.stop(aws.port)


@pytest.fixture
def fake_account(aws: FakeAws) -> str:
    return ACCOUNT


@pytest.fixture
def embedded_account(cloud: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> str:
    mine = replace(cloud, account=str(next(_accounts)), region=REGION)
    for name, value in mine.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return mine.account


@pytest.fixture(
    params=[
        pytest.param("fake_account", id="fake"),
        pytest.param("embedded_account", id="embedded", marks=ON_EMBEDDED),
    ]
)
def account(request: pytest.FixtureRequest) -> str:
    """The account that boto3 talks to during the test."""
    return str(request.getfixturevalue(request.param))
