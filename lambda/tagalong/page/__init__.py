"""The page: what every service follows and runs, what needs a person first.

Data in, HTML and SVG out, without JavaScript; the same for the dashboard, for `tagalong ui` and for a file.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from tagalong.model.page import Page, Tile
from tagalong.page.chart import chart
from tagalong.page.markup import Markup, el, join, literal
from tagalong.page.matrix import matrix
from tagalong.page.rows import MOST, Button, Times, cards, table
from tagalong.page.style import style
from tagalong.page.symbols import named


def _no_button(_tile: Tile) -> Markup:
    return literal("")


@dataclass(frozen=True, slots=True)
class View:
    """How it is shown: `light`, `dark` or as the browser says; in which time zone; and what leads on."""

    theme: str = "auto"
    zone: timedelta = timedelta()
    zone_name: str = "UTC"
    button: Button = field(default=_no_button)


def fragment(page: Page, view: View) -> str:
    """For a page that is there already."""
    return join(el("style", literal(style(view.theme))), _body(page, view))


def document(page: Page, view: View, refresh: int = 0) -> str:
    """A page of its own, which is read again after so many seconds."""
    needs = sum(it.needs_a_person for it in page.tiles)
    title = f"{needs} need you · tagalong" if needs else "tagalong"
    return _document(title, el("main", _body(page, view)), view, refresh)


def message(text: str, refresh: int = 0) -> str:
    """A page of its own with one sentence."""
    sentence = el("p", text, role="status")
    body = el("div", el("div", el("h1", "tagalong"), sentence, class_="in"), class_="tagalong")
    return _document("tagalong", el("main", body), View(), refresh)


def content_security_policy(theme: str = "auto") -> str:
    """Nothing but our own style: no script, no request, no form, no frame around it."""
    digest = b64encode(sha256(style(theme).encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def _document(title: str, body: Markup, view: View, refresh: int) -> str:
    policy = content_security_policy(view.theme).replace("; frame-ancestors 'none'", "")  # a header's only
    head = el(
        "head",
        el("meta", charset="utf-8"),
        literal(f'<meta http-equiv="Content-Security-Policy" content="{policy}"/>'),
        el("meta", http_equiv="refresh", content=refresh) if refresh else "",
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("style", literal(style(view.theme))),
    )
    return f"<!doctype html>{el('html', head, el('body', body), lang='en')}\n"


def _body(page: Page, view: View) -> Markup:
    times = Times(page.now, view.zone)
    urgent = [it for it in page.worst_first if it.needs_a_person]
    others = [it for it in page.worst_first if not it.needs_a_person]
    images = matrix(page.worst_first)
    day = el("section", chart(page.tiles, page.now, view.zone))
    content = (
        _header(page, view),
        _counts(page),
        _urgent(urgent, page, times, view.button),
        el("div", images, day, class_="two" if images else "two one") if page.tiles else "",
        _rest(others, times, view.button, max(0, MOST - len(urgent))),
    )
    return el("div", el("div", *content, class_="in"), class_="tagalong cwdb-no-default-styles")


def _header(page: Page, view: View) -> Markup:
    now = f"{page.now + view.zone:%Y-%m-%d %H:%M} {view.zone_name}"
    return el(
        "header",
        el("h1", "tagalong ", el("small", " · ".join(page.where))),
        el("p", " · ".join((*page.notes, now)), class_="quiet"),
    )


def _counts(page: Page) -> Markup:
    cells = [
        el("li", el("b", str(number)), named(group), class_=f"{group}{'' if number else ' none'}")
        for group, number in page.counts.items()
    ]
    return el("ul", *cells, class_="counts", aria_label="services by state")


def _urgent(tiles: list[Tile], page: Page, times: Times, button: Button) -> Markup:
    if not page.tiles:
        nothing = "tagalong knows no service that uses an image in scope."
        return el("section", el("h2", "No service"), el("p", nothing))
    if not tiles:
        return el("section", el("h2", "Needs you"), el("p", "Nothing needs you.", class_="well"))
    heading = el("h2", "Needs you ", el("span", str(len(tiles)), class_="n"))
    return el("section", heading, cards(tiles, times, button))


def _rest(tiles: list[Tile], times: Times, button: Button, most: int) -> Markup:
    if not tiles:
        return literal("")
    heading = el("h2", "Services ", el("span", str(len(tiles)), class_="n"))
    return el("section", heading, table(tiles, times, button, most))
