"""The documentation names whatever the code can say, ask for or be told."""

import re
from pathlib import Path

import pytest

from tagalong.model.decisions import SkipReason, UpdateReason
from tagalong.model.triggers import IgnoreReason

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def text(path: str) -> str:
    return (ROOT / path).read_text()


def first_cells(page: str, heading: str, column: int = 1) -> list[str]:
    """What stands in the first column (or another) of the tables of one section, backquotes removed."""
    section = text(page).split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line.split(" | ") for line in re.findall(r"^\| (.+) \|$", section, re.M)]
    return [word for row in rows for word in re.findall(r"`(.+?)`", row[column - 1])]


def headings(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


def alarms() -> list[str]:
    return re.findall(r'self\._(?:dead_letters|alarm)\(\s*"(\w+)"', text("infra/alarms.py"))


def configuration_keys() -> list[str]:
    names = re.findall(r"^    (\w+): .+ = _key\(", text("infra/config.py"), re.M)
    return [re.sub(r"_(\w)", lambda letter: letter[1].upper(), name) for name in names]


def actions() -> set[str]:
    written = "".join(text(f"infra/{name}.py") for name in ("permissions", "records", "notices"))
    return set(re.findall(r'"((?:dynamodb|ec[rs]|events|iam|sns|sqs|ssm):[A-Z]\w+)"', written)) - {
        "ecs:CreateAction",
        "iam:PassedToService",
    }


def metrics() -> set[str]:
    written = "".join(path.read_text() for path in (ROOT / "lambda/tagalong/messages").glob("*.py"))
    counted = re.findall(r"(?:count|_add|add_metric)\(([^)]+)\)", written)
    return {name for call in counted for name in re.findall(r'"(\w+)"', call)}


def make_targets() -> list[str]:
    return re.findall(r"^([a-z-]+):.*?## ", text("Makefile"), re.M)


def test_the_sources_are_read_as_they_are_written() -> None:
    """Where one of these is empty, a test below would pass and say nothing."""
    assert {"JobFailed", "JobsWaiting"} <= set(alarms())
    assert {"clusters", "taskRolePaths", "dryRun"} <= set(configuration_keys())
    assert {"iam:PassRole", "ecs:ListServices", "sqs:SendMessage"} <= actions()
    assert {"Updated", "WouldUpdate", "Jobs"} <= metrics()
    assert {"demo", "deploy"} <= set(make_targets())


@pytest.mark.parametrize("reason", [*SkipReason, *IgnoreReason, *UpdateReason, "aws-error"])
def test_every_reason_is_explained(reason: str) -> None:
    assert reason in first_cells("docs/operations.md", "Decisions")


def test_a_reason_that_is_explained_exists() -> None:
    known = {*SkipReason, *IgnoreReason, *UpdateReason, "aws-error"}

    assert not set(first_cells("docs/operations.md", "Decisions")) - known


@pytest.mark.parametrize("alarm", alarms())
def test_every_alarm_has_a_section(alarm: str) -> None:
    assert f"\n### `{alarm}`\n" in text("docs/operations.md")


def test_the_configuration_table_has_every_key_and_no_other() -> None:
    assert first_cells("README.md", "Configuration") == configuration_keys()


@pytest.mark.parametrize("action", sorted(actions()))
def test_every_permission_is_explained(action: str) -> None:
    assert action in first_cells("README.md", "The IAM it asks for", column=2)


@pytest.mark.parametrize("metric", sorted(metrics()))
def test_every_metric_is_explained(metric: str) -> None:
    assert metric in first_cells("docs/operations.md", "Log fields and metrics")


@pytest.mark.parametrize("target", make_targets())
def test_every_make_target_is_named_somewhere(target: str) -> None:
    assert any(re.search(rf"\bmake {target}\b", page.read_text()) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"(?:^|`)(?:\w+=\S+ )?make ([a-z-]+)", page.read_text(), re.M))

    assert not named - set(make_targets())


def test_every_stack_output_that_a_command_reads_exists() -> None:
    operations = text("docs/operations.md")
    read = set(re.findall(r"\$\(out (\w+)\)|^again (\w+)", operations, re.M))

    names = {name for pair in read for name in pair if name}
    assert names
    assert not {name for name in names if f'"{name}": (' not in text("infra/stack.py")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for path, _, anchor in (link.partition("#") for link in re.findall(r"\]\(([^)]+)\)", page.read_text())):
        if path.startswith("https:"):
            continue
        target = page.parent / path if path else page
        assert target.exists(), path
        assert not anchor or anchor in headings(target), f"{path}#{anchor}"


def test_the_cdk_code_that_is_shown_is_the_code_that_is_tested() -> None:
    shown = re.findall(r"^```python\n(.+?)^```", text("docs/iac.md"), re.M | re.S)

    assert shown
    assert not [code for code in shown if code not in text("docs/examples/cdk/app.py")]
