"""A shape for each state, so that no colour stands alone. CloudWatch drops `<use>`: each is drawn anew."""

from tagalong.model.states import WORDS, Group
from tagalong.page.markup import Markup, el, literal

# In a square of 12.
_SHAPES = {
    Group.NEEDS_YOU: "M6 .8 11.6 11H.4ZM5.3 4.4v3.2h1.4V4.4ZM5.3 8.5v1.4h1.4V8.5Z",
    Group.STUCK: "M3.6.6h4.8l3 3v4.8l-3 3H3.6l-3-3V3.6ZM3.2 5.2v1.6h5.6V5.2Z",
    Group.MOVING: "M1 4.4h5.2V1.2L11.4 6 6.2 10.8V7.6H1Z",
    Group.HELD: "M2 1.2h2.9v9.6H2ZM7.1 1.2H10v9.6H7.1Z",
    Group.IN_SYNC: "M4.7 10.6.6 6.5 2.2 4.9l2.5 2.5L9.8 2.2l1.6 1.6Z",
    Group.LEFT_ALONE: "M6 1.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6ZM6 3a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z",
}


def symbol(group: Group, title: str = "") -> Markup:
    """With a title it is an image of its own; without, what stands beside it says the same."""
    shape = el("path", d=_SHAPES[group], fill_rule="evenodd")
    if not title:
        return el("svg", shape, class_=f"s {group}", viewBox="0 0 12 12", aria_hidden="true")
    return el("svg", el("title", title), shape, class_=f"s {group}", viewBox="0 0 12 12")


def named(group: Group) -> Markup:
    """The symbol and the word."""
    word = "needs you" if group is Group.NEEDS_YOU else WORDS[group]
    return el("span", symbol(group), literal(" "), word, class_=f"state {group}")
