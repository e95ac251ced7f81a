"""A strict AWS in front of a lenient one, and clients of it."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from mypy_boto3_ecs import ECSClient

from support.lenient import ACCOUNT, LenientAws
from support.strict_proxy import StrictAws

_ONCE = Config(retries={"total_max_attempts": 1}, proxies={})


@pytest.fixture
def lenient() -> Iterator[LenientAws]:
    with LenientAws() as aws:
        yield aws


@pytest.fixture
def strict(request: pytest.FixtureRequest, lenient: LenientAws) -> Iterator[StrictAws]:
    """Unless a test says otherwise, at a scale at which no bucket fills while it runs."""
    with StrictAws(lenient.endpoint, scale=getattr(request, "param", 1e-6)) as aws:
        yield aws


@pytest.fixture
def client(strict: StrictAws) -> Callable[..., Any]:
    """Clients that do not try again."""

    def of(service: str, access_key: str = ACCOUNT, region: str = "eu-west-1") -> Any:
        session: Any = boto3.Session(access_key, "unchecked", "token", region_name=region)
        return session.client(service, endpoint_url=strict.endpoint, config=_ONCE)

    return of


@pytest.fixture
def ecs(client: Callable[..., Any]) -> ECSClient:
    ecs: ECSClient = client("ecs")
    return ecs
