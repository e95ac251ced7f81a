"""What a function does before its first event."""

from collections.abc import Iterator
from importlib import reload
from types import ModuleType
from typing import Any

import pytest

from support.pipeline import start_afresh
from tagalong.handlers import deployer, finder
from tagalong.settings import SettingsError

HANDLERS = pytest.mark.parametrize("handler", [finder, deployer], ids=lambda it: it.__name__)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    start_afresh()
    yield
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_NAME", raising=False)
    for handler in (finder, deployer):
        reload(handler)


def composed(handler: ModuleType) -> dict[str, Any]:
    return {
        name: it
        for name, it in vars(handler).items()
        if hasattr(it, "cache_info") and it.__module__ == handler.__name__
    }


def made(handler: ModuleType) -> set[str]:
    return {name for name, it in composed(handler).items() if it.cache_info().currsize}


@HANDLERS
def test_in_lambda_the_clients_are_made_before_the_first_event(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")

    reload(handler)

    rarely = {"rechecker"} if handler is finder else {"dead_letters"}
    assert made(handler) == {name for name in composed(handler) if name not in rarely}


@HANDLERS
def test_elsewhere_a_handler_can_be_imported_without_settings(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TAGALONG_TABLE")

    reload(handler)

    assert not made(handler)


@HANDLERS
def test_a_function_that_lacks_a_setting_does_not_start_and_says_which(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "function")
    monkeypatch.delenv("TAGALONG_TABLE")

    with pytest.raises(SettingsError, match="TAGALONG_TABLE is not set"):
        reload(handler)
