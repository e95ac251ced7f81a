"""What cdk.json may say, and what is answered to the rest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config import Config
from infra.config_keys import RENAMED_KEYS, ConfigError
from infra.config_values import KINDS, RULE
from support.templates import CONTEXT
from tagalong.decide.rules import RuleError, parse_rule
from tagalong.messages.notifications import Kind

KEYS = [
    *("clusters", "repositories", "taskRolePaths", "alarmEmail", "logRetentionDays", "dryRun"),
    *("selection", "defaultRule", "mode", "sweep", "registryAccounts", "forwardToAccounts", "quotaShare"),
    *("stuckAfter", "historyRetentionDays", "notifyOn", "publishParameters"),
]
TAG_CHARACTERS = "ABYZabcyz0189._-"
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


def is_a_rule(text: str) -> bool:
    """Whether the Lambda code understands it."""
    try:
        parse_rule(text)
    except RuleError:
        return False
    return True


def test_the_defaults_are_the_whole_account_swept_every_hour() -> None:
    assert Config() == Config(
        clusters=("*",),
        repositories=("*",),
        task_role_paths=("/",),
        alarm_email=None,
        log_retention_days=30,
        dry_run=False,
        selection="opt-out",
        default_rule="track",
        sweep="1 hour",
        registry_accounts=(),
        forward_to_accounts=(),
        quota_share=0.8,
        stuck_after=30,
        history_retention_days=90,
        notify_on=("failed", "rolled-back", "stopped", "stuck", "blocked", "action-required"),
        publish_parameters=False,
    )


def test_cdk_json_shows_the_defaults() -> None:
    assert Config.from_context(CONTEXT["tagalong"]) == Config()
    assert set(CONTEXT["tagalong"]) == set(KEYS) - {"alarmEmail"}


def test_every_key_is_read() -> None:
    keys = {
        "clusters": ["prod", "staging_2"],
        "repositories": ["team/*", "app-?"],
        "taskRolePaths": ["/ecs/"],
        "alarmEmail": "ops@example.com",
        "logRetentionDays": 90,
        "dryRun": True,
        "selection": "opt-in",
        "mode": "revision",
        "defaultRule": "newest:main-",
        "sweep": "off",
        "registryAccounts": ["111111111111", "222222222222"],
        "forwardToAccounts": ["333333333333"],
        "quotaShare": 0.5,
        "stuckAfter": "45 minutes",
        "historyRetentionDays": 3650,
        "notifyOn": ["started", "completed"],
        "publishParameters": True,
    }

    assert Config.from_context(keys) == Config(
        clusters=("prod", "staging_2"),
        repositories=("team/*", "app-?"),
        task_role_paths=("/ecs/",),
        alarm_email="ops@example.com",
        log_retention_days=90,
        dry_run=True,
        selection="opt-in",
        default_rule="newest:main-",
        sweep="off",
        registry_accounts=("111111111111", "222222222222"),
        forward_to_accounts=("333333333333",),
        quota_share=0.5,
        stuck_after=45,
        history_retention_days=3650,
        notify_on=("started", "completed"),
        publish_parameters=True,
    )


def test_the_command_line_gives_the_keys_as_text() -> None:
    assert Config.from_context('{"dryRun": true}') == Config(dry_run=True)


def test_a_single_name_needs_no_list() -> None:
    assert Config.from_context({"clusters": "prod"}) == Config(clusters=("prod",))


def test_what_is_named_twice_counts_once() -> None:
    twice = ["111111111111", "111111111111"]

    assert Config.from_context({"forwardToAccounts": twice}) == Config(forward_to_accounts=("111111111111",))


@pytest.mark.parametrize("sweep", ["5 minutes", "90 minutes", "1 hour", "2 hours", "1 day", "30 days", "off"])
def test_a_sweep_is_a_rate_of_five_minutes_or_more_or_off(sweep: str) -> None:
    assert Config.from_context({"sweep": sweep}).sweep == sweep


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("10 minutes", 10), ("90 minutes", 90), ("1 hour", 60), ("2 hours", 120), ("1 day", 1440)],
)
def test_a_deployment_is_stuck_after_a_time_of_ten_minutes_to_one_day(text: str, minutes: int) -> None:
    assert Config.from_context({"stuckAfter": text}).stuck_after == minutes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("registries", "registryAccounts"),
        ("forwardTo", "forwardToAccounts"),
        ("historyDays", "historyRetentionDays"),
        ("notify", "notifyOn"),
        ("parameters", "publishParameters"),
    ],
)
def test_a_renamed_key_is_refused_with_its_new_name(old: str, new: str) -> None:
    assert refusal({old: []}) == f"tagalong.{old} was renamed: write {new}"
    assert new in KEYS


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("selection", "all", "all", "opt-out"),
        ("selection", "tagged", "tagged", "opt-in"),
        ("notifyOn", ["failed", "held"], "held", "blocked"),
        ("notifyOn", "refused", "refused", "action-required"),
    ],
)
def test_a_renamed_value_is_refused_with_its_new_name(key: str, value: Any, old: str, new: str) -> None:
    assert refusal({key: value}) == f'tagalong.{key}: "{old}" was renamed: write "{new}"'
    assert refusal({key: new}) is None


def test_the_kinds_of_notifications_are_those_of_the_lambda_code() -> None:
    assert set(KINDS) == set(Kind)
    assert set(Config().notify_on) < set(Kind)


def test_a_kind_that_is_not_known_is_answered_with_those_that_are() -> None:
    assert str(refusal({"notifyOn": ["broken"]})).endswith(
        "give a list of started, completed, failed, rolled-back, stopped, replaced, stuck, blocked,"
        " action-required, which may be empty"
    )


def test_the_list_of_kinds_may_be_empty() -> None:
    assert Config.from_context({"notifyOn": []}) == Config(notify_on=())


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
        ("selection", "enabled"),
        ("selection", ["opt-in"]),
        ("defaultRule", "latest"),
        ("defaultRule", "track:prod"),
        ("defaultRule", "semver"),
        ("defaultRule", "semver:1"),
        ("defaultRule", "newest:main-*"),
        ("sweep", "4 minutes"),
        ("sweep", "1 hours"),
        ("sweep", "1 minute"),
        ("sweep", "0 days"),
        ("sweep", "hourly"),
        ("sweep", "rate(1 hour)"),
        ("sweep", False),
        ("registryAccounts", [111111111111]),
        ("registryAccounts", ["11111111111"]),
        ("registryAccounts", ["*"]),
        ("forwardToAccounts", ["arn:aws:iam::111111111111:root"]),
        ("quotaShare", 0),
        ("quotaShare", 1.5),
        ("quotaShare", "0.5"),
        ("quotaShare", True),
        ("stuckAfter", "9 minutes"),
        ("stuckAfter", "25 hours"),
        ("stuckAfter", "2 days"),
        ("stuckAfter", "0 minutes"),
        ("stuckAfter", "half an hour"),
        ("stuckAfter", "30"),
        ("stuckAfter", 30),
        ("stuckAfter", None),
        ("historyRetentionDays", 0),
        ("historyRetentionDays", 3651),
        ("historyRetentionDays", "90"),
        ("historyRetentionDays", 1.5),
        ("historyRetentionDays", True),
        ("notifyOn", ["rolledback"]),
        ("notifyOn", ["failed", "*"]),
        ("notifyOn", "all"),
        ("notifyOn", [["failed"]]),
        ("notifyOn", None),
        ("publishParameters", "true"),
        ("publishParameters", 0),
    ],
)
def test_a_refusal_names_the_key_the_value_and_the_remedy(key: str, value: Any) -> None:
    assert str(refusal({key: value})).startswith(f"tagalong.{key}: received {json.dumps(value)}; give ")


@given(st.text().filter(lambda key: key not in [*KEYS, *RENAMED_KEYS]), VALUES)
def test_no_unknown_key_passes(key: str, value: Any) -> None:
    assert str(refusal({key: value})).startswith(f"tagalong.{key}: unknown key, received ")


@given(st.sampled_from(KEYS), VALUES)
def test_any_value_is_read_or_refused_in_words(key: str, value: Any) -> None:
    answer = refusal({key: value})
    assert answer is None or answer.startswith(f"tagalong.{key}: received ")


@given(st.from_regex(RULE, fullmatch=True))
def test_whatever_is_accepted_as_a_rule_the_lambda_code_understands(text: str) -> None:
    assert refusal({"defaultRule": text}) is None
    assert is_a_rule(text)


@given(
    st.sampled_from(["track", "pin", "newest", "highest", "semver", "latest", ""]),
    st.none() | st.text(TAG_CHARACTERS) | st.from_regex(r"([0-9]{0,2}\.){0,3}[x.]?", fullmatch=True),
)
def test_of_words_and_characters_of_tags_each_rule_of_the_lambda_code_is_accepted(
    name: str, argument: str | None
) -> None:
    text = name if argument is None else f"{name}:{argument}"

    assert (refusal({"defaultRule": text}) is None) == is_a_rule(text)


def test_a_default_rule_that_needs_revisions_is_refused_with_mode_force() -> None:
    with pytest.raises(ConfigError, match='defaultRule: received "semver:x", which needs new revisions'):
        Config.from_context({"mode": "force", "defaultRule": "semver:x"})
