"""The page on the dashboard: the deployed function, with the role that it has."""

import json

import pytest

from support.system import System

pytestmark = [pytest.mark.embedded, pytest.mark.xdist_group("e2e")]


def test_the_dashboard_shows_what_a_push_moved(system: System) -> None:
    system.create_repositories("shown/web")
    first = system.push("shown/web:prod", "1")
    system.serve("shown", "shown-web", system.register("shown-web", f"shown/web:prod@{first}"))
    system.read_fleet("shown")
    digest = system.push("shown/web:prod", "2")
    system.eventually(
        lambda: system.images("shown", "shown-web"), [f"shown/web@{digest}"], "the image that was pushed"
    )

    def shown() -> bool:
        answer = system.aws.client("lambda").invoke(
            FunctionName=system.outputs["PageFunction"],
            Payload=json.dumps({"widgetContext": {"theme": "light"}}),
        )
        html = json.loads(answer["Payload"].read())
        return "shown/shown-web" in html and digest.removeprefix("sha256:")[:8] in html

    system.eventually(shown, True, "the page with the new image")
