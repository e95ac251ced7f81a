"""docs/cli.md says what the commands are, what they print for programs and which rights they take."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cli.app import main
from support.shop import NEW, NEWER, OLD, Shop
from tagalong.model.decisions import SkipReason
from tagalong.model.states import DUE, ERROR, Group, group_of

PAGE = (Path(__file__).parents[2] / "docs/cli.md").read_text()
COMMANDS = sorted(main.commands)
SERVICE = json.loads(re.findall(r"^```json\n(.+?)^```", PAGE, re.M | re.S)[0])
BROKEN = "sha256:" + "a" * 64
STEERING = ("hold", "resume", "retry", "enable", "disable")


def rows(heading: str) -> dict[str, str]:
    """Word in backquotes in the first column -> the rest of its row."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = [line.split(" | ", 1) for line in re.findall(r"^\| (.+) \|$", section, re.M)]
    return {word.split()[0]: rest for first, rest in found for word in re.findall(r"`(.+?)`", first)}


def words(text: str) -> set[str]:
    return set(re.findall(r"`(.+?)`", text))


def rights(command: str) -> set[str]:
    """With those of the commands that it names."""
    given = words(rows("Rights")[command])
    return {right for it in given for right in (rights(it) if it in COMMANDS and it != command else {it})}


@pytest.fixture
def ran(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A service on which the last of three pushes failed."""
    monkeypatch.setattr("cli.follow.sleep", shop.sleep)
    monkeypatch.setattr("cli.ui.Shown._watch", lambda _: None)
    monkeypatch.setattr("cli.ui.Server.serve_forever", lambda it: it.shown.again())  # once is enough
    shop.serve("web")
    shop.image(OLD)
    shop.pipeline.sweep()
    for digest in (NEW, NEWER):
        shop.push(digest)
        shop.complete("web")
    shop.push(BROKEN)
    shop.fail("web")
    shop.give_up("undelivered", {"sweep": {}}, ERROR_CODE="NO_PERMISSIONS")
    return shop


def arguments(command: str) -> list[str]:
    match command:
        case "status" | "ui" | "sweep" | "dead-letters" | "doctor":
            return [command]
        case "redrive":
            return [command, "--yes"]
        case "prune":
            return [command, "--keep", "1", "--older", "0d", "--yes"]
        case "plan":
            return [command, "shop/web:prod"]
        case "why" | "history" | "check" | "wait":
            return [command, "web"]
    return [command, "web", "--yes"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert command in rows("Commands")
    assert command in rows("Rights")
    assert command in rows("JSON")


def test_no_other_command_is_documented() -> None:
    assert set(rows("Commands")) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str, shop: Shop) -> None:
    said = shop.run(command, "--help")
    assert re.search(rf"Examples?:\n +.*tagalong {command}", said)
    assert max(map(len, said.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_no_right_and_tells_programs_no_key_that_is_not_documented(
    command: str, ran: Shop
) -> None:
    before = len(ran.aws.requests)
    ran.only_caller = True
    answer = ran.json(*arguments(command), code=None)
    taken = {action for action, _ in ran.aws.requests[before:]}
    assert {it.removesuffix("Batch") if it.startswith("Send") else it for it in taken} <= {
        it.partition(":")[2] for it in rights(command)
    }
    assert_documented(command, answer)


def assert_documented(command: str, answer: dict[str, Any]) -> None:
    documented = words(rows("JSON")[command]) | (SERVICE.keys() if command in {"why", *STEERING} else set())
    assert set(answer) <= documented
    for service in answer.get("services", ()):
        assert set(service) <= SERVICE.keys() | (documented if command == "plan" else set())
        assert all(set(it) == SERVICE["containers"][0].keys() for it in service["containers"])
    lists = [
        it
        for key in ("timeline", "deployments", "letters", "findings", "revisions")
        for it in answer.get(key, ())
    ]
    assert all(set(it) <= documented for it in lists)


@pytest.mark.parametrize("group", Group)
def test_every_state_is_documented_with_its_reasons(group: Group) -> None:
    reasons: set[str] = {str(it) for it in SkipReason if group_of(it) is group}
    reasons |= {Group.NEEDS_YOU: {ERROR}, Group.MOVING: {DUE}}.get(group, set())
    documented: Any = words(rows("States")[group])
    assert group is Group.LEFT_ALONE or documented == reasons
