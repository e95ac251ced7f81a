"""A day of log lines, for what is read from them."""

import pytest

from fakes.aws import Json
from fakes.pipeline import Pipeline
from infrastructure.day import Day


@pytest.fixture
def day(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> list[Json]:
    recorded = Day(pipeline, capsys, monkeypatch)
    recorded.live()
    return recorded.lines
