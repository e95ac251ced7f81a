"""The command line on the AWS in memory, and what it printed when a person looked at it."""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from conftest import UNSIGNED_CONFIG, SharedClients
from support.pipeline import Pipeline
from support.shop import Shop
from tagalong.aws.rate_limit import TokenBucket

GOLDEN = Path(__file__).parent / "golden"


_open: list[Shop] = []


def _answer(**request: Any) -> AWSResponse:
    return _open[-1].answer(**request)


@cache
def _session() -> SharedClients:
    session = SharedClients(_answer)
    session.core.set_default_client_config(UNSIGNED_CONFIG)
    return session


@pytest.fixture
def shop(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Shop:
    there = Shop(pipeline.aws, pipeline)
    there.settings |= {"TAGALONG_QUOTA_SHARE": "1000"}
    monkeypatch.setattr("cli.fleet._QUOTA_SHARE", 1000)  # no test waits
    monkeypatch.setattr("cli.prune.TokenBucket", lambda burst, _: TokenBucket(burst, 1000))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", _session())
    _open[:] = [there]
    return there


@pytest.fixture
def golden() -> Callable[[str, str], None]:
    """Compares with a file that a person has looked at; GOLDEN=write writes it."""

    def check(name: str, text: str) -> None:
        lines = [line.rstrip() for line in text.splitlines()]
        assert max(map(len, lines)) <= 80, [line for line in lines if len(line) > 80]
        path = GOLDEN / f"{name}.txt"
        if os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
        assert path.read_text().splitlines() == lines

    return check
