"""The command line on what is deployed: each command is a process of its own, as a person starts it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]

ROOT = Path(__file__).parents[2]


def tagalong(system: System, *arguments: str, code: int | None = 0) -> Any:
    """Its JSON; fails if it exits with another code."""
    command = [sys.executable, "-m", "cli", *arguments, "--json"]
    environment = {"PATH": os.defpath, **system.aws.environment}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert code in {None, ran.returncode}, f"exit {ran.returncode}\n{ran.stderr}\n{ran.stdout}"
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def digests(system: System) -> list[str]:
    """A service that was pushed to twice; what it ran first, and what it runs."""
    system.create_repositories("cli/web")
    first = system.push("cli/web:prod", "1")
    system.serve("cli", "cli-web", system.register("cli-web", f"cli/web:prod@{first}"))
    tagalong(system, "check", "cli/cli-web")
    planned = tagalong(system, "plan", "cli/web:prod")
    assert [it["sign"] for it in planned["services"]] == ["="]
    second = system.push("cli/web:prod", "2")
    tagalong(system, "wait", "cli/web:prod", "--timeout", "2")
    return [first, second]


def test_what_runs_is_what_was_waited_for(system: System, digests: list[str]) -> None:
    assert system.images("cli", "cli-web") == [f"cli/web@{digests[1]}"]
    [service] = tagalong(system, "status", "--cluster", "cli")["services"]
    assert (service["state"], service["containers"][0]["runs"]["digest"]) == ("in-sync", digests[1])


def test_why_and_history_tell_the_push(system: System, digests: list[str]) -> None:
    newest, first = tagalong(system, "history", "cli-web")["deployments"]
    assert (newest["by"], newest["result"]) == ("push cli/web:prod", "completed")
    assert (first["by"], first["result"]) == ("others", "completed")
    timeline = tagalong(system, "why", "cli-web")["timeline"]
    assert [it["what"] for it in timeline][-1] == "completed"


def test_rollback_hold_and_retry_move_the_service_as_they_say(system: System, digests: list[str]) -> None:
    tagalong(system, "rollback", "cli-web", "--yes")
    system.deployed_service("cli", "cli-web")
    assert system.images("cli", "cli-web") == [f"cli/web:prod@{digests[0]}"]
    assert tagalong(system, "hold", "cli-web", "--yes")["reason"] == "on-hold"
    tagalong(system, "retry", "cli-web", "--yes")
    tagalong(system, "resume", "cli-web", "--yes")
    tagalong(system, "wait", "cli-web", "--timeout", "2")
    assert system.images("cli", "cli-web") == [f"cli/web@{digests[1]}"]


def test_a_sweep_and_the_dead_letters_end_well(system: System, digests: list[str]) -> None:
    tagalong(system, "sweep", "--cluster", "cli", "--timeout", "2")
    assert tagalong(system, "dead-letters")["number"] == 0


def test_the_doctor_finds_what_is_deployed_to_be_well(system: System, digests: list[str]) -> None:
    """Whatever other tests have done to their services."""
    found = tagalong(system, "doctor", code=None)["findings"]
    levels = {it["check"]: it["level"] for it in found}
    assert levels.items() >= {"stack": "ok", "functions": "ok", "clusters": "ok", "version": "ok"}.items()


def test_prune_deregisters_what_nothing_uses_and_leaves_what_a_rule_names(system: System) -> None:
    """Of six revisions the first is a person's, a rule names the second, and the last three are kept."""
    ecs, events = system.aws.client("ecs"), system.aws.client("events")
    system.create_repositories("cli/old")
    first = system.push("cli/old:prod", "1")
    system.serve("cli", "cli-old", system.register("cli-old", f"cli/old:prod@{first}"))
    for content in "23456":
        system.push("cli/old:prod", content)
        tagalong(system, "wait", "cli/old:prod", "--timeout", "2")
    named = ecs.describe_task_definition(taskDefinition="cli-old:2")["taskDefinition"]["taskDefinitionArn"]
    cluster = system.service("cli", "cli-old")["clusterArn"]
    target = {"Id": "1", "Arn": cluster, "EcsParameters": {"TaskDefinitionArn": named}}
    events.put_rule(Name="cli-old", ScheduleExpression="rate(365 days)")
    events.put_targets(Rule="cli-old", Targets=[target])

    options = ("prune", "--keep", "3", "--older", "0d")
    assert "cli-old:3" in _offered(tagalong(system, *options, code=3))
    assert system.revisions("cli-old") == 6
    done = tagalong(system, *options, "--yes")
    assert [it for it in _offered(done) if it.startswith("cli-old:")] == ["cli-old:3"]
    assert system.revisions("cli-old") == 5
    assert ecs.describe_task_definition(taskDefinition="cli-old:3")["taskDefinition"]["status"] == "INACTIVE"
    assert _offered(tagalong(system, *options)) == []


def _offered(answer: Any) -> list[str]:
    return [it["revision"] for it in answer["revisions"]]


def test_the_page_is_written_and_served_as_the_fleet_is(
    system: System, digests: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "status.html"
    tagalong(system, "status", "--cluster", "cli", "--html", str(file), code=None)
    assert "cli/cli-web" in file.read_text()

    environment = {"PATH": os.defpath, **system.aws.environment}
    command = [sys.executable, "-m", "cli", "ui", "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as ui:
        try:
            assert ui.stdout
            url = json.loads("".join(ui.stdout.readline() for _ in range(3)))["url"]
            system.eventually(lambda: "cli/cli-web" in _read(url), True, "the page of `tagalong ui`")
            with pytest.raises(HTTPError):
                _read(url.rsplit("/", 2)[0] + "/")
        finally:
            ui.kill()


def _read(url: str) -> str:
    with build_opener(ProxyHandler({})).open(url, timeout=60) as answer:
        return str(answer.read().decode())
