"""The documentation names whatever the code can say, ask for or be told."""

import re
from pathlib import Path

import pytest

from tagalong.messages.notifications import Kind
from tagalong.model.decisions import SkipReason, UpdateReason
from tagalong.model.record import Status
from tagalong.model.triggers import IgnoreReason

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
FOLDERS = ("benchmarks", "cli", "docs", "emulator", "infra", "lambda", "tests")


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
    return re.findall(r'self\._(?:dead_letters|counted|alarm)\(\s*"(\w+)"', text("infra/alarms.py"))


def configuration_keys() -> list[str]:
    names = re.findall(r"^    (\w+): .+ = key\(", text("infra/config.py"), re.M)
    return [re.sub(r"_(\w)", lambda letter: letter[1].upper(), name) for name in names]


def actions() -> set[str]:
    written = "".join(text(f"infra/{name}.py") for name in ("permissions", "state_table", "notifications"))
    return set(re.findall(r'"((?:dynamodb|ec[rs]|events|iam|kms|sns|sqs|ssm):[A-Z]\w+)"', written)) - {
        "ecs:CreateAction",
        "iam:PassedToService",
        "kms:ViaService",
    }


def metrics() -> set[str]:
    written = "".join(path.read_text() for path in (ROOT / "lambda/tagalong/messages").glob("*.py"))
    counted = re.findall(r"(?:count|add_metric)\(([^)]+)\)", written)
    counted += re.findall(r"^_COUNTED = {(.+?)^}", written, re.M | re.S)
    return {name for call in counted for name in re.findall(r'"(\w+)"', call)}


def error_reasons() -> list[str]:
    """Those that no enumeration has: the log lines of what could not be decided."""
    written = re.findall(r'reason"?(?: =|:) (".+)', text("lambda/tagalong/messages/logs.py"))
    return [word for line in written for word in re.findall(r'"([a-z-]+)"', line)]


def reasons_in(module: str) -> list[str]:
    """The reasons that a module of the core gives."""
    names = re.findall(r"SkipReason\.([A-Z_]+)", text(f"lambda/tagalong/decide/{module}.py"))
    return sorted({SkipReason[name] for name in names})


def named_paths(page: Path) -> list[str]:
    """Files and folders of this repository that a page names in backquotes or commands."""
    return re.findall(rf"\b((?:{'|'.join(FOLDERS)})/[\w./-]*[\w/])", page.read_text())


def code_map() -> set[str]:
    """Files and folders of lambda/tagalong that have a row of their own."""
    return {name.rstrip("/") for name in first_cells("docs/architecture.md", "Code map")}


def make_targets() -> list[str]:
    return re.findall(r"^([a-z-]+):.*?## ", text("Makefile"), re.M)


def test_the_sources_are_read_as_they_are_written() -> None:
    """Where one of these is empty, a test below would pass and say nothing."""
    assert {"JobFailed", "JobQueueStalled", "DeploymentStuck"} <= set(alarms())
    assert {"clusters", "taskRolePaths", "dryRun"} <= set(configuration_keys())
    assert {"iam:PassRole", "ecs:ListServices", "sqs:SendMessage"} <= actions()
    assert {"Updated", "WouldUpdate", "Jobs", "PushToUpdate", "DeploymentsStuck"} <= metrics()
    assert "replaced-by-person" in reasons_in("holds")
    assert "deployment-in-progress" in reasons_in("turn")
    assert {"aws-error", "concurrent-deployment", "out-of-time"} == set(error_reasons())
    assert "tests/scenarios/test_lossless.py" in named_paths(ROOT / "docs/architecture.md")
    assert {"demo", "deploy"} <= set(make_targets())


REASONS = [*SkipReason, *IgnoreReason, *UpdateReason, *error_reasons()]


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_is_explained(reason: str) -> None:
    assert reason in first_cells("docs/operations.md", "Decision reasons")


def test_a_reason_that_is_explained_exists() -> None:
    assert not set(first_cells("docs/operations.md", "Decision reasons")) - set(REASONS)


def test_every_kind_of_notification_is_explained_and_no_other() -> None:
    assert first_cells("docs/operations.md", "Notifications") == list(Kind)


@pytest.mark.parametrize("status", [it for it in Status if it is not Status.ORDERED])
def test_every_result_of_a_rollout_is_named(status: str) -> None:
    assert status in first_cells("docs/operations.md", "Log fields and metrics", column=2)


@pytest.mark.parametrize("reason", reasons_in("holds"))
def test_whatever_holds_an_image_is_listed_with_its_end(reason: str) -> None:
    assert reason in first_cells("docs/rules.md", "What holds an image", column=2)


@pytest.mark.parametrize("reason", reasons_in("turn"))
def test_whatever_makes_a_service_wait_is_listed_with_its_end(reason: str) -> None:
    assert reason in first_cells("docs/rules.md", "What a service waits for")


@pytest.mark.parametrize("alarm", alarms())
def test_every_alarm_has_a_section(alarm: str) -> None:
    assert f"\n### `{alarm}`\n" in text("docs/operations.md")


def test_the_configuration_table_has_every_key_and_no_other() -> None:
    assert first_cells("docs/configuration.md", "Keys") == configuration_keys()


@pytest.mark.parametrize("action", sorted(actions()))
def test_every_permission_is_explained(action: str) -> None:
    assert action in first_cells("docs/iam.md", "Every permission", column=2)


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
    names = set(re.findall(r"\$\(stack (\w+)\)|output `(\w+)`", text("docs/operations.md")))
    names = {name for pair in names for name in pair if name} - {"ForwardingDlqUrl"}  # of the other stack
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    assert not [path for path in named_paths(page) if not (ROOT / path).exists()]


def test_the_code_map_has_every_file_and_folder_of_the_functions() -> None:
    there = {it.name for it in (ROOT / "lambda/tagalong").iterdir() if not it.name.startswith(("_", "."))}

    assert there <= code_map()


def test_the_cdk_code_that_is_shown_is_the_code_that_is_tested() -> None:
    shown = re.findall(r"^```python\n(.+?)^```", text("docs/iac.md"), re.M | re.S)

    assert shown
    assert not [code for code in shown if code not in text("docs/examples/cdk/app.py")]
