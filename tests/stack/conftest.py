"""A day of log lines, for what is read from them."""

import pytest

from support.day import Day
from support.fake_aws import Json
from support.pipeline import Pipeline


@pytest.fixture
def day(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[Json]:
    recorded = Day(pipeline, capsys, monkeypatch)
    recorded.live()
    return recorded.lines
