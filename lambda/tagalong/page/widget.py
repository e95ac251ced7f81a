"""The page as a custom widget of a CloudWatch dashboard.

What such a widget is told and may answer:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_about.html
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tagalong.model.images import short_digest
from tagalong.model.page import Page, Tile
from tagalong.model.states import WORDS
from tagalong.page import View, fragment
from tagalong.page.markup import Markup, el, join, literal

DESCRIPTION = """\
## tagalong

What every ECS service follows and runs, and what needs you first. It reads what tagalong remembers, takes no
parameters, and changes nothing.

``` yaml
{}
```
"""
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def view(context: Mapping[str, Any]) -> View:
    """The theme of the console, and the time zone of whoever looks. Whatever is odd is as if not said."""
    zone = context.get("timezone")
    zone = zone if isinstance(zone, Mapping) else {}
    offset = _offset(zone.get("offsetISO"))
    name = str(zone.get("label", "UTC")) if offset else "UTC"
    return View("dark" if context.get("theme") == "dark" else "light", offset, name, _button)


def _offset(text: object) -> timedelta:
    if not (read := _OFFSET.fullmatch(text) if isinstance(text, str) else None):
        return timedelta()
    sign, hours, minutes = read.groups()
    return timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)


def widget(page: Page, context: Mapping[str, Any]) -> str:
    return fragment(page, view(context))


def problem(sentence: str) -> str:
    return el("p", sentence, role="alert")


def _button(tile: Tile) -> Markup:
    """It opens a popup: the console does what the element behind it says, and strips scripts."""
    why = el("cwdb-action", _why(tile), action="html", display="popup", event="click")
    return join(el("a", "why", class_="btn", tabindex=0), why)


def _why(tile: Tile) -> Markup:
    facts = [("State", f"{WORDS[tile.group]}: {tile.reason}"), ("Why", tile.message)]
    if tile.since:
        facts.append(("Since", f"{tile.since:%Y-%m-%d %H:%M:%S} UTC"))
    for it in tile.lines:
        wants = f", wants {short_digest(it.wants)}" if it.differs else ""
        facts.append((it.container, f"{it.follows} · runs {short_digest(it.runs) or 'unknown'}{wants}"))
    if tile.rollout:
        facts.append(
            ("Last rollout", f"{tile.rollout.status}, begun {tile.rollout.at:%Y-%m-%d %H:%M:%S} UTC")
        )
    facts.append(("The whole story", f"tagalong why {tile.key}"))
    if tile.next:
        facts.append(("Next", tile.next))
    rows = (el("tr", el("th", name, scope="row"), el("td", text)) for name, text in facts)
    return join(el("h3", tile.key), el("table", el("tbody", *rows)), literal(""))
