"""No test can reach AWS: fake credentials, and an address where nobody listens."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any, cast

import boto3
import botocore.session
import pytest
import time_machine
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.useragent import UserAgentString
from hypothesis import HealthCheck, Phase, settings

from emulator import embedded
from emulator.embedded import EmbeddedAws
from support.fake_aws import ACCOUNT, REGION, FakeAws
from support.in_turn import without_threads
from support.pipeline import Pipeline, start_afresh
from tagalong.handlers import deployer, finder
from tagalong.messages.logs import logger

# Shrinking a generated task definition takes minutes and an example that fails is readable as it is.
# Fixtures are made once for all examples of a property, which begins each of them with an empty AWS.
settings.register_profile(
    "tagalong",
    deadline=None,
    max_examples=50,
    phases=set(Phase) - {Phase.shrink, Phase.explain},
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("nightly", parent=settings.get_profile("tagalong"), max_examples=2_000)
settings.load_profile("tagalong")

# For `make check-dates`.
_AHEAD = timedelta(days=int(os.environ.get("TAGALONG_TEST_DAYS_AHEAD", "0")))

SETTINGS = {
    "AWS_REGION": REGION,
    "TAGALONG_STACK_NAME": "tagalong",
    "TAGALONG_CLUSTERS": "*",
    "TAGALONG_REPOSITORIES": "*",
    "TAGALONG_REGISTRY_ACCOUNTS": ACCOUNT,
    "TAGALONG_JOB_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/jobs.fifo",
    "TAGALONG_JOB_DLQ_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/failed-jobs.fifo",
    "TAGALONG_RECHECK_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/rechecks",
    "TAGALONG_MAX_ATTEMPTS": "10",
    "TAGALONG_STUCK_AFTER": "30",
    "TAGALONG_DRY_RUN": "false",
    "TAGALONG_DEFAULT_RULE": "track",
    "TAGALONG_MODE": "revision",
    "TAGALONG_SELECTION": "opt-out",
    "TAGALONG_TABLE": "records",
    "TAGALONG_HISTORY_RETENTION_DAYS": "90",
    "TAGALONG_TOPIC": f"arn:aws:sns:{REGION}:{ACCOUNT}:notices",
    "TAGALONG_NOTIFY_ON": (
        "started,completed,failed,rolled-back,stopped,replaced,stuck,blocked,action-required"
    ),
    "TAGALONG_PUBLISH_PARAMETERS": "true",
    "TAGALONG_SWEEP_MINUTES": "off",  # every push reads the fleet: the fake's services begin without events
    "TAGALONG_QUOTA_SHARE": "1000",  # no test waits
}


@pytest.fixture(scope="session", autouse=True)
def clock() -> Iterator[None]:
    """The clock of this process, as many days ahead as is wanted."""
    with time_machine.travel(datetime.now(UTC) + _AHEAD) if _AHEAD else nullcontext():
        yield


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "TAGALONG_", "POWERTOOLS_"))]:
        monkeypatch.delenv(name)
    nobody = {
        "AWS_ACCESS_KEY_ID": "AKIAFAKE",
        "AWS_SECRET_ACCESS_KEY": "fake",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    for name, value in (SETTINGS | nobody).items():
        monkeypatch.setenv(name, value)


_accounts = count(200_000_000_000)


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedAws]:
    """One embedded AWS for all tests of a worker."""
    aws = embedded.start()
    yield aws
    embedded.stop(aws.port)


@pytest.fixture
def empty(cloud: EmbeddedAws) -> EmbeddedAws:
    """An account that has nothing yet."""
    return replace(cloud, account=str(next(_accounts)))


class Stdout:
    """Standard output as it is at the moment: pytest changes it from phase to phase."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


logger.registered_handler.stream = Stdout()  # type: ignore[attr-defined]  # it is a StreamHandler


_fake = FakeAws()
UNSIGNED_CONFIG = Config(signature_version=UNSIGNED)  # nobody checks a signature here


# The SDK puts it together anew, twice for each call: a sixth of the time of a simulated day.
UserAgentString.to_string = lambda self: "tests"  # type: ignore[method-assign] # noqa: ARG005


_HAVE_HANDLERS = {"ecs", "ecr"}


def with_handlers_of_its_own(client: Any) -> Any:
    """What one of its users registers (a rate limit, say) another must not meet."""
    its, events = object.__new__(type(client)), copy(client.meta.events)
    meta, endpoint = copy(client.meta), copy(client._endpoint)
    vars(its).update(vars(client), meta=meta, _endpoint=endpoint)
    meta.events = endpoint._event_emitter = events
    return its


class SharedClients(boto3.Session):
    """Makes each client once: that is most of what a test would take."""

    def __init__(self, answer: Callable[..., AWSResponse]) -> None:
        """`answer`: a `before-send` handler."""
        self.core = botocore.session.Session()
        super().__init__(region_name=REGION, botocore_session=self.core)
        self.events.register("before-send", cast("Any", answer))  # its stubs know no such handler
        self._clients: dict[Any, Any] = {}

    def client(self, service: str, *, config: Config | None = None, **options: Any) -> Any:  # type: ignore[override]
        defaults = self.core.get_default_client_config()
        told = (str(getattr(it, "_user_provided_options", None)) for it in (config, defaults))
        key = service, *told, str(options)
        if key not in self._clients:
            self._clients[key] = super().client(cast("Any", service), config=config, **options)
        client = self._clients[key]
        return with_handlers_of_its_own(client) if service in _HAVE_HANDLERS else client


@cache
def _session() -> SharedClients:
    return SharedClients(_fake.answer)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An empty AWS behind every boto3 client that is made while it is there."""
    _fake.reset()
    _session().core.set_default_client_config(UNSIGNED_CONFIG)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", _session())
    return _fake


@pytest.fixture
def pipeline(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Both functions, freshly started, on an empty AWS and its clock. The SDK retries without waiting."""
    monkeypatch.setattr(deployer, "now", lambda: aws.clock)
    monkeypatch.setattr(finder, "now", lambda: aws.clock)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _seconds: None)
    without_threads(monkeypatch)
    start_afresh()
    return Pipeline(aws)
