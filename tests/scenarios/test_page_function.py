"""The page on the dashboard, made of what the other two functions have left in the table."""

from collections.abc import Iterator
from typing import Any

import pytest

from support.fake_aws import ACCOUNT, HOST, REGION, Refused
from support.pipeline import Context, Pipeline, start_afresh
from tagalong.handlers import page

OLD, NEW = ("sha256:" + letter * 64 for letter in "0f")
CONTEXT: Any = Context(invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:page")


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    for composed in (page.index, page.records):
        composed.cache_clear()
    yield
    start_afresh()


def fleet(pipeline: Pipeline, services: int = 3) -> None:
    pipeline.aws.push("app", "prod", OLD)
    for number in range(services):
        revision = pipeline.aws.register(f"web-{number}", f"{HOST}/app:prod@{OLD}")
        pipeline.aws.serve("prod", f"web-{number}", revision)
    pipeline.sweep()


def test_it_shows_what_was_decided(pipeline: Pipeline) -> None:
    fleet(pipeline)
    pipeline.push("app", "prod", NEW)
    for number in range(3):
        pipeline.tell(*pipeline.aws.complete("prod", f"web-{number}"))

    html = page.handle({"widgetContext": {"theme": "dark"}}, CONTEXT)
    assert html.count("prod/web-") >= 3
    assert "app:prod" in html
    assert ">ffffffff<" in html
    assert f"{ACCOUNT} · {REGION}" in html


def test_it_asks_nobody_but_the_table_and_for_a_thousand_services_a_dozen_times(pipeline: Pipeline) -> None:
    fleet(pipeline, 1000)
    before = pipeline.aws.calls.copy()
    page.handle({}, CONTEXT)

    calls = pipeline.aws.calls - before
    assert calls == {"Query": calls["Query"], "GetItem": 1, "BatchGetItem": 10}
    assert calls["Query"] <= 3, "the repositories, and the rows of the one that all use"


def test_a_table_that_cannot_be_read_is_said_where_the_page_would_be(pipeline: Pipeline) -> None:
    def refuse(action: str, phase: str) -> None:
        if (action, phase) == ("Query", "before"):
            raise Refused("AccessDeniedException", "not authorized")

    pipeline.aws.hook = refuse
    assert "tagalong cannot read its table" in page.handle({}, CONTEXT)


def test_it_says_what_it_is(pipeline: Pipeline) -> None:
    before = pipeline.aws.calls.copy()

    assert page.handle({"describe": True}, CONTEXT).startswith("## tagalong")
    assert pipeline.aws.calls == before
