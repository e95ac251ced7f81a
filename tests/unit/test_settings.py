"""The environment of the functions."""

from inspect import getmembers

import pytest

from conftest import SETTINGS
from tagalong.settings import Settings, SettingsError

PROPERTIES = [name for name, _ in getmembers(Settings, lambda member: isinstance(member, property))]


def read_all(environment: dict[str, str]) -> None:
    for name in PROPERTIES:
        getattr(Settings(environment), name)


def test_settings_are_read_from_the_environment() -> None:
    settings = Settings(SETTINGS | {"TAGALONG_CLUSTERS": "prod, staging"})

    assert settings.clusters == ("prod", "staging")
    assert settings.policy.scope.repositories == ("*",)
    assert settings.dry_run is settings.policy.opt_in is False


@pytest.mark.parametrize("name", SETTINGS)
def test_a_missing_setting_is_named(name: str) -> None:
    for environment in (SETTINGS | {name: ""}, {k: v for k, v in SETTINGS.items() if k != name}):
        with pytest.raises(SettingsError, match=name):
            read_all(environment)


def test_a_flag_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(SettingsError, match="TAGALONG_DRY_RUN must be true or false, got 'yes'"):
        read_all(SETTINGS | {"TAGALONG_DRY_RUN": "yes"})
