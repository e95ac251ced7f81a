"""The page: data in, HTML and SVG out."""

import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from support import pages
from support.pages import NOW, WHERE, line, tile
from tagalong.model.page import Page, Tile
from tagalong.model.record import Status
from tagalong.model.states import Group
from tagalong.page import View, content_security_policy, document, fragment, message
from tagalong.page.rows import MOST
from tagalong.page.style import style

_ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "div", "header", "h1", "h2", "small", "p"),
    *("ul", "li", "b", "span", "svg", "path", "rect", "line", "text", "section", "code", "time"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
}


class Read(HTMLParser):
    """Elements and texts in their order; fails if an element ends that is not the last that began."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def read(*tiles: Tile) -> Read:
    return Read(document(Page(WHERE, NOW, tiles), View()))


def test_what_needs_a_person_comes_first_and_says_why_and_what_to_type() -> None:
    text = read(
        tile("prod/fine", "up-to-date", line("shop/web:prod", "8")),
        tile("prod/bad", "rolled-back", line("shop/web:prod", "7", "8"), message="tasks failed to start"),
    ).text

    assert text.index("prod/bad") < text.index("prod/fine")
    assert "rolled-back" in text
    assert "tasks failed to start" in text
    assert "tagalong retry prod/bad" in text


def test_the_counts_are_of_all_services() -> None:
    text = Read(document(pages.large(300), View())).text

    assert "2 needs you 2 stuck 2 moving 2 held 290 in sync 2 left alone" in text


def test_a_row_has_what_a_service_follows_runs_and_wants_and_since_when() -> None:
    moving = line("shop/api:prod", "1", "2")
    text = read(tile("prod/api", "deployment-in-progress", moving, minutes=6)).text

    for it in ("shop/api:prod", moving.runs[7:15], moving.wants[7:15], "6 min", "moving"):
        assert it in text


def test_a_service_that_runs_what_it_wants_does_not_say_so_twice() -> None:
    runs = line("shop/api:prod", "1")
    text = read(tile("prod/api", "up-to-date", runs)).text

    assert text.count(runs.runs[7:15]) == 1


def test_more_than_a_hundred_services_are_folded() -> None:
    html = document(pages.large(300), View())
    shown, _, folded = html.partition("<details>")

    assert shown.count('<li class="card') + shown.partition("<tbody>")[2].count("<tr>") == MOST
    assert folded.count('class="name"') == 200
    assert "200 more: 198 in sync, 2 left alone" in folded


def test_an_image_that_several_services_follow_shows_how_far_it_has_come() -> None:
    new = line("shop/web:prod", "8")
    text = read(
        tile("prod/a", "up-to-date", new),
        tile("prod/b", "up-to-date", new),
        tile("prod/c", "on-hold", line("shop/web:prod", "7", "8")),
        tile("prod/d", "up-to-date", line("shop/alone:prod", "1")),
    ).text

    assert f"2 of 3 on {new.runs[7:15]}" in text
    assert "1 that several services follow" in text


def test_the_last_day_is_shown_by_what_became_of_the_rollouts() -> None:
    text = read(
        tile("prod/a", "up-to-date", minutes=10, status=Status.COMPLETED),
        tile("prod/b", "rolled-back", minutes=70, status=Status.ROLLED_BACK),
        tile("prod/c", "up-to-date", minutes=25 * 60, status=Status.COMPLETED),
    ).text

    assert "1 completed, 1 failed, rolled back, stopped or stuck" in text
    assert "14:00: 1 completed" in text
    assert "13:00: 1 failed, rolled back, stopped or stuck" in text


def test_times_are_those_of_the_viewer() -> None:
    page = Page(WHERE, NOW, (tile("prod/a", "up-to-date", minutes=10, status=Status.COMPLETED),))
    html = document(page, View(zone=timedelta(hours=5, minutes=30), zone_name="+05:30"))

    assert "2026-11-26 19:50 +05:30" in html
    assert "19:00: 1 completed" in html
    assert 'title="2026-11-26 19:40"' in html


def test_a_page_without_services_says_so() -> None:
    assert "tagalong knows no service" in read().text


def test_a_page_on_which_nothing_is_wrong_says_so() -> None:
    assert "Nothing needs you." in read(tile("prod/a", "up-to-date")).text


def test_the_title_counts_what_needs_a_person() -> None:
    assert "<title>3 need you · tagalong</title>" in document(pages.small(), View())


def test_it_has_neither_script_nor_anything_from_elsewhere() -> None:
    page = Read(document(pages.small(), View(), refresh=15))

    assert set(page.names) <= _ALLOWED
    names = {name for name, _ in page.attributes}
    assert not {it for it in names if it.startswith("on") or it in {"href", "src", "style"}}
    assert "url(" not in style("auto")
    assert "@import" not in style("auto")
    assert "default-src 'none'" in content_security_policy()


def test_a_page_is_read_again_only_where_that_is_wanted() -> None:
    assert '<meta http-equiv="refresh" content="15"/>' in document(pages.small(), View(), refresh=15)
    assert "refresh" not in document(pages.small(), View())
    assert '<meta http-equiv="refresh" content="2"/>' in message("Reading …", 2)


def test_a_fragment_has_the_theme_that_it_is_asked_for_and_leaves_the_rest_of_the_page_alone() -> None:
    light, dark = (fragment(pages.small(), View(theme=theme)) for theme in ("light", "dark"))

    assert light != dark
    for it in (light, dark):
        assert "prefers-color-scheme" not in it
    selectors = re.sub(r"@[^{]+\{", "", style("dark")).replace("}}", "}").split("}")
    assert all(part.lstrip().startswith(".tagalong") for part in selectors if part.strip())


def hostile_texts() -> st.SearchStrategy[str]:
    pieces = st.one_of(st.sampled_from(pages.HOSTILE), st.text(st.characters(), max_size=40))
    return st.lists(pieces, min_size=1, max_size=3).map("".join)


@given(hostile_texts())
def test_no_text_breaks_out_of_the_page(text: str) -> None:
    page = Read(document(pages.hostile(text), View()))

    assert set(page.names) <= _ALLOWED
    assert page.names.count("style") == 1
    assert not any(name.startswith("on") or name in {"href", "src"} for name, _ in page.attributes)


@given(hostile_texts())
def test_no_text_leaves_control_characters_or_links_and_all_of_it_can_be_written(text: str) -> None:
    html = document(pages.hostile(text), View())

    html.encode()
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f]", html)
    assert "://" not in html


@given(hostile_texts())
def test_the_structure_of_the_page_does_not_depend_on_texts(text: str) -> None:
    assume(text)  # of what is empty nothing is shown
    names = Read(document(pages.hostile(text), View())).names
    assert names == Read(document(pages.hostile("x"), View())).names


@pytest.mark.parametrize("group", Group)
def test_every_state_has_a_color_in_both_themes(group: Group) -> None:
    for theme in ("light", "dark"):
        assert f"--{group}:#" in style(theme)
        assert f".tagalong .state.{group}{{color:var(--{group})}}" in style(theme)


def test_both_themes_have_the_same_colors() -> None:
    light, dark = (set(re.findall(r"--([a-z-]+):#", style(theme))) for theme in ("light", "dark"))
    assert light == dark
