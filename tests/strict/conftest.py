"""The company in an account of its own, and freshly started functions that reach it through the proxy."""

from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from botocore.session import Session, get_session

from emulator.embedded import EmbeddedAws
from support.fake_aws import REGION
from support.in_turn import without_threads
from support.pipeline import start_afresh
from support.sample_services import Company
from support.strict_proxy import StrictAws
from support.system import System
from tagalong.handlers import deployer

_FAST = 1_000  # no bucket is ever empty, so nobody waits


@pytest.fixture(scope="session")
def proxy(cloud: EmbeddedAws) -> Iterator[StrictAws]:
    with StrictAws(cloud.endpoint, scale=_FAST) as aws:
        yield aws


@pytest.fixture
def strict(proxy: StrictAws) -> StrictAws:
    proxy.reset()
    return proxy


@pytest.fixture(scope="session")
def sdk() -> Session:
    """One for all: the models that it has read are most of the time that a client takes."""
    return get_session()


@pytest.fixture
def company(empty: EmbeddedAws, strict: StrictAws, sdk: Session, monkeypatch: pytest.MonkeyPatch) -> Company:
    """The SDK of the functions tries again without waiting."""
    company = Company.founded(System(replace(empty, region=REGION), {}))
    for name, value in (company.environment | {"AWS_ENDPOINT_URL": strict.endpoint}).items():
        monkeypatch.setenv(name, value)
    sdk.set_credentials(empty.account, "unchecked")
    session = boto3.Session(botocore_session=sdk)
    # The stubs know no handler that answers.
    session.events.register("provide-client-params.sqs.SendMessage", cast("Any", _at_once))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    monkeypatch.setattr(deployer, "now", company.now)
    # Not time.sleep itself: a slow call is one in this process.
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _seconds: None))
    without_threads(monkeypatch)
    start_afresh()
    return company


def _at_once(params: dict[str, Any], **_: object) -> dict[str, Any]:
    """A message that is to come later: the company says when that is."""
    return {name: value for name, value in params.items() if name != "DelaySeconds"}
