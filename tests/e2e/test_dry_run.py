"""The stack with `dryRun`, in an account of its own."""

from dataclasses import replace

import pytest

from emulator.embedded import EmbeddedAws
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


@pytest.fixture(scope="module")
def dry(cloud: EmbeddedAws) -> System:
    return System.deployed(replace(cloud, account="210987654321"), dryRun=True)


def test_a_dry_run_says_what_would_move_and_moves_nothing(dry: System) -> None:
    dry.create_repositories("shop/web")
    dry.serve("eu", "web", dry.register("web", "shop/web:prod"))
    before = dry.deployed_service("eu", "web")

    dry.put_image("shop/web:prod", "1")

    dry.eventually(lambda: dry.decisions("shop/web", "web"), ["new-digest"], "a decision")
    [line] = [line for line in dry.lines("shop/web") if "decision" in line]
    assert line["message"] == "web would be updated (dry run): c0 to shop/web:prod"
    assert line["decision"] == "would-update"
    assert dry.service("eu", "web") == before
    assert dry.revisions("web") == 1
