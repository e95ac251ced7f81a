"""Who takes part: only literal values count, and whatever else is written there deploys nothing."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagalong.decide.eligibility import check, retry_requested_at
from tagalong.model.services import EPOCH, Service

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def service(tags: dict[str, str], **fields: str) -> Service:
    return Service("cluster/prod", "web", "web:1", tags=tags, **fields)  # type: ignore[arg-type]  # texts only


def reason(*, opt_in: bool = False, **tags: str) -> str | None:
    named = {f"tagalong:{name}": value for name, value in tags.items()}
    refused = check(service(named), opt_in=opt_in, now=NOW)
    return refused.reason if refused else None


def test_a_service_without_tags_takes_part_when_selection_is_opt_out() -> None:
    assert reason() is None


def test_only_an_enabled_service_takes_part_when_selection_is_opt_in() -> None:
    assert reason(opt_in=True) == "not-opted-in"
    assert reason(opt_in=True, enabled="true") is None


@pytest.mark.parametrize("opt_in", [False, True])
def test_a_disabled_service_takes_no_part(opt_in: bool) -> None:
    assert reason(opt_in=opt_in, enabled="false") == "opted-out"


@pytest.mark.parametrize("value", ["True", "yes", "1", "", " true", "TRUE", "false "])
def test_any_other_value_of_enabled_is_misconfigured(value: str) -> None:
    assert reason(enabled=value) == reason(enabled=value, opt_in=True) == "misconfigured"


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
    refused = check(service({f"tagalong:{key}": "true"}), opt_in=False, now=NOW)

    assert refused
    assert refused.reason == "misconfigured"
    assert refused.message == f"tag 'tagalong:{key}' is unknown, did you mean 'tagalong:{meant}'?"


def test_tags_of_others_are_ignored() -> None:
    others = service({"team": "shop", "Tagalong:hold": "true", "tagalong": ""})

    assert check(others, opt_in=False, now=NOW) is None


@given(st.sampled_from(["enabled", "hold", "rule", "retry"]), st.text())
def test_no_value_makes_it_fail(key: str, value: str) -> None:
    tags = {f"tagalong:{key}": value}

    check(service(tags), opt_in=False, now=NOW)
    retry_requested_at(tags)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T12:00Z", None),
        ("2026-11-22", None),
        ("2026-11-22T12:00:01Z", "misconfigured"),
        ("true", "misconfigured"),
        ("", "misconfigured"),
    ],
)
def test_a_retry_is_a_time_that_has_come(value: str, expected: str | None) -> None:
    assert reason(retry=value) == expected


def test_a_retry_that_cannot_be_read_retries_nothing() -> None:
    assert retry_requested_at({"tagalong:retry": "now"}) == retry_requested_at({}) == EPOCH


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "DRAINING"}, "service-not-active"),
        ({"status": "INACTIVE"}, "service-not-active"),
        ({"controller": "CODE_DEPLOY"}, "code-deploy-controller"),
        ({"controller": "EXTERNAL"}, "external-controller"),
        ({"controller": "NOT_YET_INVENTED"}, "external-controller"),
        ({"managed_by": "ECS"}, "express-mode"),
    ],
)
def test_a_service_that_cannot_be_updated_is_refused(fields: dict[str, str], expected: str) -> None:
    refused = check(service({}, **fields), opt_in=False, now=NOW)

    assert refused
    assert refused.reason == expected
