"""Text of others in notifications: what owners of images and services wrote, or ECS quotes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.messages.text import neutral


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("task failed to start.", "task failed to start."),
        ("two\nlines\r\nand a\ttab", "two lines and a tab"),
        ("see https://example.com/x", "see https:/ /example.com/x"),
        ("www.example.com", "www .example.com"),
        ("<!channel> <@U123> *bold* `code`", "(!channel) (@U123) .bold. 'code'"),
        ("@here now, #general", "here now, general"),
        ("[text](javascript)", "(text)(javascript)"),
        ("right\u202eto left", "right to left"),
    ],
)
def test_links_mentions_markup_and_control_characters_do_nothing(text: str, shown: str) -> None:
    assert neutral(text) == shown


@given(st.text(st.characters()))
def test_no_text_is_more_than_one_harmless_line(text: str) -> None:
    shown = neutral(text)

    assert not re.search(r"[\x00-\x1f\x7f<>`*\[\]\\]|://", shown)
    assert len(shown) <= 600


@given(st.text(st.characters(categories=["L", "N"]), max_size=500))
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text
