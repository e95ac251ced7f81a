"""What queues and the table hold: values to JSON and back, also those of an older or a newer version."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.jobs import Backlog, Job, Recheck
from tagalong.model.plain import UnreadableError, from_json, parse_time, to_json
from tagalong.model.record import Order, Record

st.register_type_strategy(datetime, st.datetimes(timezones=st.just(UTC)))
st.register_type_strategy(
    Mapping, lambda kind: st.dictionaries(*map(st.from_type, get_args(kind)), max_size=3)
)


@given(st.from_type(Record) | st.from_type(Job) | st.from_type(Backlog) | st.from_type(Recheck))
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert from_json(type(value), to_json(value)) == value


RECORD = to_json(
    from_json(
        Record,
        json.dumps(
            {
                "created_at": "2026-01-01T00:00:00+00:00",
                "orders": [
                    {
                        "at": "2026-11-26T10:00:00+00:00",
                        "trigger": {"kind": "sweep", "event_id": "id"},
                        "base": "web:1",
                        "revision": "web:2",
                        "changes": [],
                        "digests": {},
                    }
                ],
                "rejections": [{"change": {}, "at": "2026-11-26T10:00:00+00:00"}],
            }
        ),
    )
)


def test_unknown_fields_are_left_alone() -> None:
    newer = json.loads(RECORD)
    for it in (newer, newer["orders"][0], newer["orders"][0]["trigger"], newer["rejections"][0]):
        it["of_the_future"] = {"a": [1]}

    assert from_json(Record, json.dumps(newer)) == from_json(Record, RECORD)


@pytest.mark.parametrize("name", [it.name for it in fields(Record) if it.name != "created_at"])
def test_a_field_that_is_missing_in_a_record_has_a_default(name: str) -> None:
    older = json.loads(RECORD)
    del older[name]

    assert isinstance(from_json(Record, json.dumps(older)), Record)


@pytest.mark.parametrize("name", ["at", "trigger", "base", "revision", "changes", "digests"])
def test_a_field_that_must_be_there_is_named(name: str) -> None:
    broken = json.loads(RECORD)
    del broken["orders"][0][name]

    with pytest.raises(UnreadableError, match=f"'{name}'"):
        from_json(Record, json.dumps(broken))


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "1", '"x"', '{"created_at": 1}', '{"created_at": "x"}']
)
def test_a_text_that_is_no_record_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError, match="not a Record"):
        from_json(Record, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([it.name for it in fields(Record)]), json_values))
def test_no_text_makes_the_reader_fail_in_another_way(overrides: dict[str, Any]) -> None:
    with suppress(UnreadableError):
        assert isinstance(from_json(Record, json.dumps({**json.loads(RECORD), **overrides})), Record)


@given(st.dictionaries(st.sampled_from([it.name for it in fields(Order)]), json_values))
def test_no_order_makes_the_reader_fail_in_another_way(overrides: dict[str, Any]) -> None:
    order = {**json.loads(RECORD)["orders"][0], **overrides}

    with suppress(UnreadableError):
        assert isinstance(from_json(Record, json.dumps({**json.loads(RECORD), "orders": [order]})), Record)


def test_a_time_without_a_zone_is_utc() -> None:
    assert parse_time("2026-11-26") == datetime(2026, 11, 26, tzinfo=UTC)
