"""A day of log lines, for what is read from them."""

import json

import pytest

from support.insights import Row
from support.templates import ROOT


@pytest.fixture(scope="session")
def day() -> list[Row]:
    """Of seven services, with a sweep every six hours."""
    lines = (ROOT / "tests/support/day.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
