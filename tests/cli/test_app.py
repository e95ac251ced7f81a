"""What all commands have in common: errors with their remedies, exit codes, help."""

import logging

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from cli.app import main
from support.shop import OLD, Shop


@pytest.mark.parametrize("arguments", [("nope",), ("status", "--nope"), ("history", "web", "--limit", "0")])
def test_a_wrong_call_exits_with_1_because_2_means_attention(shop: Shop, arguments: tuple[str, ...]) -> None:
    assert "Usage:" in shop.run(*arguments, code=1)


def test_help_lists_every_command_in_80_columns(shop: Shop) -> None:
    said = shop.run("--help")
    assert all(f"\n  {name} " in said for name in main.commands)
    assert max(map(len, said.splitlines())) <= 80
    assert shop.aws.requests == []


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (NoCredentialsError(), "sign in"),
        (
            EndpointConnectionError(endpoint_url="https://ecs.eu-west-1.amazonaws.com"),
            "AWS cannot be reached",
        ),
    ],
)
def test_an_error_of_the_sdk_comes_with_its_remedy(shop: Shop, error: Exception, remedy: str) -> None:
    def fail(action: str, phase: str) -> None:
        if (action, phase) == ("ListClusters", "before"):
            raise error

    shop.aws.hook = fail
    output = shop.run("status", code=1)
    assert output.startswith("error: ListClusters: ")
    assert f"  -> {remedy}" in output


def test_another_stack_is_asked_for_by_its_name(shop: Shop) -> None:
    shop.serve("web")
    assert "there is no stack 'other' in account 111122223333" in shop.run(
        "sweep", "--stack", "other", code=1
    )


def test_a_stack_of_something_else_is_told_from_tagalongs(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.shop.OUTPUTS", {"Url": "x"})
    assert "has no output DeployerFunction" in shop.run("status", code=1)


def test_a_warning_of_an_adapter_is_one_harmless_line(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.serve("web")
    shop.image(OLD)
    shop.run("plan", "shop/web:prod")
    assert logging.lastResort
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "bad \x1b[2J https://evil.example", None, None)
    logging.lastResort.emit(record)
    said = capsys.readouterr().err
    assert said.startswith("warning: bad")
    assert "\x1b" not in said
    assert "https://" not in said
