"""What cdk.json may say, and what is answered to the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import Config, ConfigError
from infrastructure.templates import CONTEXT

KEYS = ["clusters", "repositories", "taskRolePaths", "alarmEmail", "logRetentionDays", "dryRun"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def refusal(context: Any) -> str | None:
    try:
        Config.from_context(context)
    except ConfigError as error:
        return str(error)
    return None


def test_every_key_is_optional() -> None:
    assert Config.from_context(None) == Config.from_context({}) == Config()


def test_the_defaults_are_the_whole_account_and_thirty_days() -> None:
    assert Config() == Config(
        clusters=("*",),
        repositories=("*",),
        task_role_paths=("/",),
        alarm_email=None,
        log_retention_days=30,
        dry_run=False,
    )


def test_what_cdk_json_says_is_accepted() -> None:
    assert refusal(CONTEXT["tagalong"]) is None


def test_every_key_is_read() -> None:
    keys = {
        "clusters": ["prod", "staging_2"],
        "repositories": ["team/*", "app-?"],
        "taskRolePaths": ["/ecs/"],
        "alarmEmail": "ops@example.com",
        "logRetentionDays": 90,
        "dryRun": True,
    }

    assert Config.from_context(keys) == Config(
        clusters=("prod", "staging_2"),
        repositories=("team/*", "app-?"),
        task_role_paths=("/ecs/",),
        alarm_email="ops@example.com",
        log_retention_days=90,
        dry_run=True,
    )


def test_the_command_line_gives_the_keys_as_text() -> None:
    assert Config.from_context('{"dryRun": true}') == Config(dry_run=True)


def test_a_single_name_needs_no_list() -> None:
    assert Config.from_context({"clusters": "prod"}) == Config(clusters=("prod",))


@pytest.mark.parametrize("context", ["dryRun", "[]", [], 1, True])
def test_anything_but_an_object_is_refused(context: Any) -> None:
    assert str(refusal(context)).startswith(f"tagalong: received {json.dumps(context)}; give an object")


def test_an_unknown_key_is_refused_naming_the_nearest() -> None:
    assert refusal({"clutsers": ["a"]}) == (
        'tagalong.clutsers: unknown key, received ["a"]; did you mean clusters?'
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("clusters", []),
        ("clusters", ["prod", "*"]),
        ("clusters", ["prod-*"]),
        ("clusters", ["a,b"]),
        ("clusters", "x" * 256),
        ("repositories", ["App"]),
        ("repositories", ["app:prod"]),
        ("repositories", ["${AWS::Region}"]),
        ("taskRolePaths", ["ecs/"]),
        ("taskRolePaths", ["/ecs"]),
        ("taskRolePaths", ["/*/"]),
        ("taskRolePaths", ["*"]),
        ("alarmEmail", "ops"),
        ("alarmEmail", None),
        ("logRetentionDays", 31),
        ("logRetentionDays", "30"),
        ("logRetentionDays", True),
        ("dryRun", "true"),
        ("dryRun", 1),
    ],
)
def test_a_refusal_names_the_key_the_value_and_the_remedy(key: str, value: Any) -> None:
    assert str(refusal({key: value})).startswith(f"tagalong.{key}: received {json.dumps(value)}; give ")


@given(st.text().filter(lambda key: key not in KEYS), VALUES)
def test_no_unknown_key_passes(key: str, value: Any) -> None:
    assert str(refusal({key: value})).startswith(f"tagalong.{key}: unknown key, received ")


@given(st.sampled_from(KEYS), VALUES)
def test_any_value_is_read_or_refused_in_words(key: str, value: Any) -> None:
    answer = refusal({key: value})
    assert answer is None or answer.startswith(f"tagalong.{key}: received ")
