"""A fake and an embedded AWS in which nothing happens by itself."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import boto3
import pytest

from emulator import embedded
from emulator.embedded import EmbeddedAws
from support.fake_aws import REGION, FakeAws
from support.stages import EmbeddedStage, FakeStage, Stage

_FOR_EVER = 24 * 3600
_accounts = count(300_000_000_000)


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
