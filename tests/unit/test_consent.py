"""Who takes part: only literal values count, and whatever else is written there deploys nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.decide.eligibility import refusal

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def reason(*, only_enabled: bool = False, **tags: str) -> str | None:
    named = {f"tagalong:{name}": value for name, value in tags.items()}
    refused = refusal(named, only_enabled=only_enabled, now=NOW)
    return refused.reason if refused else None


def test_with_selection_all_a_service_without_tags_takes_part() -> None:
    assert reason() is None


def test_with_selection_tagged_only_an_enabled_service_takes_part() -> None:
    assert reason(only_enabled=True) == "not-enabled"
    assert reason(only_enabled=True, enabled="true") is None


@pytest.mark.parametrize("only_enabled", [False, True])
def test_a_disabled_service_takes_no_part(only_enabled: bool) -> None:
    assert reason(only_enabled=only_enabled, enabled="false") == "disabled"


@pytest.mark.parametrize("value", ["True", "yes", "1", "", " true", "TRUE", "false "])
def test_any_other_value_of_enabled_is_misconfigured(value: str) -> None:
    assert reason(enabled=value) == reason(enabled=value, only_enabled=True) == "misconfigured"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", "on-hold"),
        ("2026-11-23", "on-hold"),
        ("2026-11-22", None),
        ("2026-11-22T12:00:01Z", "on-hold"),
        ("2026-11-22T12:00:00+00:00", None),
        ("2026-11-22T13:30:00+01:00", "on-hold"),
        ("2020-01-01", None),
        ("false", "misconfigured"),
        ("tomorrow", "misconfigured"),
        ("", "misconfigured"),
        ("23.11.2026", "misconfigured"),
    ],
)
def test_a_hold_holds_for_ever_or_until_its_date_begins(value: str, expected: str | None) -> None:
    assert reason(hold=value) == expected


@pytest.mark.parametrize(("key", "meant"), [("holdd", "hold"), ("enable", "enabled"), ("rules", "rule")])
def test_an_unknown_key_deploys_nothing_and_the_nearest_is_named(key: str, meant: str) -> None:
    refused = refusal({f"tagalong:{key}": "true"}, only_enabled=False, now=NOW)

    assert refused
    assert refused.reason == "misconfigured"
    assert refused.message == f"tag 'tagalong:{key}' is unknown, did you mean 'tagalong:{meant}'?"


def test_tags_of_others_are_nobodys_business() -> None:
    assert (
        refusal({"team": "shop", "Tagalong:hold": "true", "tagalong": ""}, only_enabled=False, now=NOW)
        is None
    )


@given(st.sampled_from(["enabled", "hold", "rule"]), st.text())
def test_no_value_makes_it_fail(key: str, value: str) -> None:
    refusal({f"tagalong:{key}": value}, only_enabled=False, now=NOW)
