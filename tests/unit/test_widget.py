"""The page on the dashboard: made of what is remembered, shown as the console asks."""

from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from support.fake_aws import ACCOUNT, HOST, REGION
from support.looks import NEW, NOW, OLD, order
from support.pages import HOSTILE, WHERE, tile
from tagalong.model.images import ImageReference, Repository
from tagalong.model.index import Completeness, Row
from tagalong.model.page import Page
from tagalong.model.record import LastDecision, Record, Status
from tagalong.model.revisions import Container
from tagalong.model.services import EPOCH, Service
from tagalong.model.states import Group, Line
from tagalong.page.known import notes, tiles
from tagalong.page.rows import MOST
from tagalong.page.widget import DESCRIPTION, view, widget

APP = Repository(ACCOUNT, REGION, "app")
WEB = Service("arn:aws:ecs:eu-west-1:1:cluster/prod", "web")
LINES = (Line("c0", APP, "app:prod", NEW, OLD, OLD, "prod"),)


def row(service: Service = WEB, image: str = "app:prod") -> Row:
    reference = ImageReference.parse(f"{HOST}/{image}")
    assert reference
    return Row(APP, service, (Container("c0", reference, {}),))


def decided(reason: str, **more: object) -> Record:
    record = Record(NOW, decision=LastDecision(reason, f"because {reason}", NOW), lines=LINES)
    return replace(record, **more)  # type: ignore[arg-type]  # by name


def test_a_service_is_shown_as_it_was_decided_last() -> None:
    record = decided("rolled-back", orders=(order(NOW, Status.ROLLED_BACK),))
    [found] = tiles([row()], {"prod/web": record}, opt_in=False, now=NOW)

    assert (found.key, found.group, found.reason) == ("prod/web", Group.NEEDS_YOU, "rolled-back")
    assert (found.message, found.since, found.lines) == ("because rolled-back", NOW, LINES)
    assert found.rollout
    assert found.rollout.status is Status.ROLLED_BACK


def test_a_service_that_uses_several_repositories_is_shown_once() -> None:
    other = replace(row(), repository=replace(APP, name="proxy"))

    assert len(tiles([row(), other], {}, opt_in=False, now=NOW)) == 1


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (replace(WEB, controller="CODE_DEPLOY"), "code-deploy-controller"),
        (replace(WEB, managed_by="ECS"), "express-mode"),
        (replace(WEB, tags={"tagalong:enabled": "false"}), "opted-out"),
        (replace(WEB, tags={"tagalong:hold": "true"}), "on-hold"),
        (replace(WEB, tags={"tagalong:hold": "yes"}), "misconfigured"),
    ],
)
def test_what_its_tags_and_its_controller_say_counts_more_than_an_old_decision(
    service: Service, reason: str
) -> None:
    [found] = tiles([row(service)], {"prod/web": decided("up-to-date")}, opt_in=False, now=NOW)

    assert found.reason == reason


def test_of_what_nobody_has_looked_at_it_says_so_and_how_to() -> None:
    [found] = tiles([row()], {}, opt_in=False, now=NOW)
    [pinned] = tiles([row(image=f"app@{OLD}")], {}, opt_in=False, now=NOW)

    assert (found.reason, found.next) == ("undecided", "tagalong check prod/web")
    assert (pinned.reason, pinned.group) == ("pinned-by-digest", Group.LEFT_ALONE)


def test_it_says_how_old_it_may_be() -> None:
    read = {"prod": NOW - timedelta(minutes=12), "dev": NOW - timedelta(minutes=2)}

    assert notes(Completeness("", read, NOW), NOW) == ("last sweep 12 min ago",)
    assert notes(Completeness(), NOW) == ("no sweep has read the fleet yet",)
    assert notes(Completeness("", {**read, "new": EPOCH}, NOW), NOW) == ("some clusters were not read yet",)


@pytest.mark.parametrize(
    ("offset", "hours"), [("+02:00", 2), ("-05:30", -5.5), ("Z", 0), (None, 0), (90, 0), ("+2:00", 0)]
)
def test_times_are_those_of_whoever_looks(offset: object, hours: float) -> None:
    shown = view({"theme": "dark", "timezone": {"label": "Local", "offsetISO": offset}})

    assert (shown.zone, shown.theme) == (timedelta(hours=hours), "dark")
    assert shown.zone_name == ("Local" if hours else "UTC")


@pytest.mark.parametrize("context", [{}, {"theme": 3, "timezone": "UTC"}, {"theme": "no such"}])
def test_a_context_that_says_nothing_sensible_is_light_and_utc(context: dict[str, object]) -> None:
    assert (view(context).theme, view(context).zone_name) == ("light", "UTC")


class Popups(HTMLParser):
    """What is inside of the actions of the console."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.actions: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.names: set[str] = set()
        self._inside = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        if tag == "cwdb-action":
            self.actions.append(dict(attrs))
            self._inside += 1

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag == "cwdb-action"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.append(data)


def test_each_service_has_a_popup_that_says_why_and_what_to_type() -> None:
    page = Page(WHERE, NOW, (tile("prod/web", "rolled-back"), tile("prod/api", "up-to-date")))
    read = Popups(widget(page, {}))

    assert read.actions == [{"action": "html", "display": "popup", "event": "click"}] * 2
    assert {"tagalong why prod/web", "tagalong retry prod/web", "tagalong why prod/api"} <= set(read.texts)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_of_others_becomes_an_element_or_an_action(text: str) -> None:
    page = Page(WHERE, NOW, (tile("prod/web", "rolled-back", message=text), tile(text, "up-to-date")))
    read = Popups(widget(page, {"timezone": {"label": text, "offsetISO": "+01:00"}}))

    assert len(read.actions) == len(page.tiles)
    assert not read.names & {"script", "img", "iframe", "form", "input"}


def test_more_than_a_hundred_services_are_folded() -> None:
    many = tuple(tile(f"prod/web-{number}", "up-to-date") for number in range(MOST + 30))
    html = widget(Page(WHERE, NOW, many), {})

    assert "<summary>30 more: 30 in sync</summary>" in html


def test_the_answer_for_a_thousand_services_fits_into_what_lambda_answers() -> None:
    many = tuple(
        tile(f"production/service-{number}", "rolled-back", message="x" * 300) for number in range(1000)
    )

    assert len(widget(Page(WHERE, NOW, many), {}).encode()) < 6_000_000 / 2


def test_it_describes_itself() -> None:
    assert DESCRIPTION.startswith("## tagalong")
