"""Rules, consent and the sweep, on the deployed system."""

import json

import pytest

from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


def tags(**values: str) -> dict[str, list[dict[str, str]]]:
    return {"tags": [{"key": f"tagalong:{key}", "value": value} for key, value in values.items()]}


def test_a_new_version_moves_the_service_whose_range_it_is_in_and_the_label_names_it(system: System) -> None:
    system.create_repositories("versions")
    system.push("versions:1.4.2", "first")
    system.eventually(lambda: len(system.lines("versions")), 1, "the push, of which there is no service yet")
    revision = system.register("versions", "versions:1.4.2")
    system.serve("versions", "follows", revision, **tags(rule="semver:1.x"))
    system.serve("versions", "stays", revision, **tags(rule="semver:2.x"))
    system.serve("versions", "wrong", revision, **tags(rule="semverr:1.x"))

    digest = system.push("versions:1.5.0", "second")

    system.eventually(
        lambda: system.images("versions", "follows"), [f"versions@{digest}"], "the service in range"
    )
    system.eventually(
        lambda: "misconfigured" in system.decisions("versions", "wrong"), True, "the misspelt rule"
    )
    [container] = system.definition(system.runs("versions", "follows"))["containerDefinitions"]
    assert container["dockerLabels"] == {"tagalong.tag": "1.5.0"}
    assert system.images("versions", "stays") == system.images("versions", "wrong") == ["versions:1.4.2"]


def test_a_service_on_hold_stays_and_catches_up_with_a_sweep_when_the_hold_is_lifted(system: System) -> None:
    system.create_repositories("held")
    first = system.push("held:prod", "first")
    system.serve("held", "web", system.register("held", f"held:prod@{first}"), **tags(hold="true"))
    second = system.push("held:prod", "second")
    system.eventually(lambda: "on-hold" in system.decisions("held", "web"), True, "the hold")
    assert system.runs("held", "web") == "held:1"

    arn = system.service("held", "web")["serviceArn"]
    system.aws.client("ecs").untag_resource(resourceArn=arn, tagKeys=["tagalong:hold"])
    system.aws.client("lambda").invoke(
        FunctionName=system.outputs["FinderFunction"],
        InvocationType="Event",
        Payload=json.dumps({"sweep": {"cluster": "held"}}),
    )

    system.eventually(lambda: system.images("held", "web"), [f"held@{second}"], "the sweep")


def test_a_sweep_moves_nothing_of_which_nobody_can_tell_what_it_runs(system: System) -> None:
    system.create_repositories("swept")
    system.push("swept:prod", "first")
    system.eventually(lambda: len(system.lines("swept")), 1, "the push, of which there is no service yet")
    system.serve("swept", "web", system.register("swept", "swept:prod"))

    system.aws.client("lambda").invoke(
        FunctionName=system.outputs["FinderFunction"],
        InvocationType="Event",
        Payload=json.dumps({"sweep": {"cluster": "swept"}}),
    )

    def decided() -> list[str]:
        return [
            line["reason"] for line in system.said() if line.get("cluster") == "swept" and "decision" in line
        ]

    system.eventually(decided, ["up-to-date"], "the sweep")
    assert system.runs("swept", "web") == "swept:1"
