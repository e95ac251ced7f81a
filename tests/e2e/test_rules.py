"""Rules, consent and the sweep, on the deployed system."""

from typing import Any

import pytest

from emulator.images import commit
from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


def tags(**values: str) -> dict[str, Any]:
    return {"tags": [{"key": f"tagalong:{key}", "value": value} for key, value in values.items()]}


def test_a_new_version_moves_the_service_whose_range_it_is_in_and_the_label_names_it(system: System) -> None:
    system.create_repositories("versions")
    system.publish("versions:1.4.2", "first")
    revision = system.register("versions", "versions:1.4.2")
    system.serve("versions", "follows", revision, **tags(rule="semver:1.x"))
    system.serve("versions", "stays", revision, **tags(rule="semver:2.x"))
    system.serve("versions", "wrong", revision, **tags(rule="semverr:1.x"))

    digest = system.push("versions:1.5.0", "second")

    system.eventually(
        lambda: system.images("versions", "follows"), [f"versions@{digest}"], "the service in range"
    )
    assert _reasons(system, "wrong") == {"misconfigured"}
    [container] = system.definition(system.runs("versions", "follows"))["containerDefinitions"]
    assert container["dockerLabels"] == {
        "tagalong.tag": "1.5.0",
        "tagalong.revision": commit("versions second"),
    }
    assert system.images("versions", "stays") == system.images("versions", "wrong") == ["versions:1.4.2"]


def _reasons(system: System, service: str) -> set[str]:
    lines = [it for it in system.said() if it.get("cluster") == "versions" and "decision" in it]
    return {it["reason"] for it in lines if it["ecs_service"] == service}


def test_a_service_on_hold_stays_and_catches_up_with_a_sweep_when_the_hold_is_lifted(system: System) -> None:
    system.create_repositories("held")
    first = system.publish("held:prod", "first")
    revision = system.register("held", f"held:prod@{first}")
    system.serve("held", "web", revision, is_looked_at=False, **tags(hold="true"))
    system.read_fleet("held")  # or the finder hears of the service later than of the push
    second = system.push("held:prod", "second")
    system.eventually(lambda: "on-hold" in system.decisions("held", "web"), True, "the hold")
    assert system.runs("held", "web") == "held:1"

    arn = system.service("held", "web")["serviceArn"]
    system.aws.client("ecs").untag_resource(resourceArn=arn, tagKeys=["tagalong:hold"])

    assert system.sweep("held") == {"web": "new-digest"}
    assert system.images("held", "web") == [f"held@{second}"]


def test_a_service_with_a_plain_tag_that_runs_what_the_tag_names_is_left_alone(system: System) -> None:
    system.create_repositories("swept")
    system.publish("swept:prod", "first")
    system.serve("swept", "web", system.register("swept", "swept:prod"))

    assert system.sweep("swept") == {"web": "up-to-date"}
    assert system.runs("swept", "web") == "swept:1"


def test_a_service_that_a_sweep_sees_first_stays_until_its_tag_is_pushed(system: System) -> None:
    system.create_repositories("adopted")
    first, _second = system.publish("adopted:prod", "first"), system.publish("adopted:prod", "second")
    system.await_next_second()
    revision = system.register("adopted", f"adopted:prod@{first}")
    system.serve("adopted", "web", revision, is_looked_at=False, **tags(enabled="false"))
    arn = system.service("adopted", "web")["serviceArn"]
    system.aws.client("ecs").untag_resource(resourceArn=arn, tagKeys=["tagalong:enabled"])

    assert system.sweep("adopted") == {"web": "adopted"}
    assert system.runs("adopted", "web") == "adopted:1"
    system.eventually(
        lambda: system.published("adopted", "web", "c0"), f"adopted:prod@{first}", "what it runs"
    )
    third = system.push("adopted:prod", "third")
    system.eventually(lambda: system.images("adopted", "web"), [f"adopted@{third}"], "the push")
