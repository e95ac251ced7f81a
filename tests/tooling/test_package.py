"""What `pip install` and `uvx` get: the construct with the source of its functions, and the command line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tagalong import __version__

ROOT = Path(__file__).parents[2]
PARTS = ("pyproject.toml", "README.md", "LICENSE", "infra", "cli", "lambda", "requirements")
APP = """
import aws_cdk as cdk
from tagalong_cdk import Config, Tagalong, TagalongStack

app = cdk.App(context={"aws:cdk:bundling-stacks": []})
TagalongStack(app, "whole", config=Config(dry_run=True))
own = cdk.Stack(app, "own")
Tagalong(own, "Tagalong", config=Config(clusters=("prod",)))
app.synth()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built apart from the checkout: a build leaves traces."""
    source, output = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, source / part)
    here = ("--no-build-isolation", "--python", sys.executable)
    run("uv", "build", "--quiet", "--offline", "--wheel", *here, "--out-dir", str(output), cwd=source)
    [built] = output.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed; what it depends on is what the tests have."""
    target = tmp_path_factory.mktemp("site")
    run(
        "uv",
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--target",
        str(target),
        str(wheel),
        cwd=target,
    )
    return target


def run(*command: str, cwd: Path, **environment: str) -> str:
    ran = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert not ran.returncode, ran.stderr
    return ran.stdout


def test_the_command_line_runs_where_there_is_no_checkout(site: Path, tmp_path: Path) -> None:
    said = run(str(site / "bin" / "tagalong"), "--version", cwd=tmp_path, PYTHONPATH=str(site))

    assert said == f"tagalong {__version__}\n"


def test_the_construct_belongs_into_any_app(site: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    run(sys.executable, "app.py", cwd=tmp_path, PYTHONPATH=str(site), CDK_OUTDIR=str(tmp_path / "out"))

    templates = {it.name: it.read_text() for it in (tmp_path / "out").glob("*.template.json")}
    assert sorted(templates) == ["own.template.json", "whole.template.json"]
    assert all("AWS::Lambda::Function" in it for it in templates.values())
    assert __version__ in templates["whole.template.json"]


def test_every_file_of_the_functions_is_in_the_package_twice(wheel: Path) -> None:
    """For the command line, and as the source of the asset. Nothing else is at the top."""
    names = set(ZipFile(wheel).namelist())
    source = {str(it.relative_to(ROOT / "lambda")) for it in (ROOT / "lambda/tagalong").rglob("*.py")}

    assert source <= names
    assert {f"tagalong_cdk/lambda/{it}" for it in [*source, "requirements.txt"]} <= names
    assert "tagalong_cdk/requirements/installer.txt" in names
    assert {name.split("/")[0] for name in names} == {
        *("tagalong", "tagalong_cdk", "tagalong_cli"),
        f"tagalong-{__version__}.dist-info",
    }


def test_the_build_tool_is_the_one_that_is_locked() -> None:
    [built_by] = [
        it for it in (ROOT / "pyproject.toml").read_text().splitlines() if it.startswith("requires = [")
    ]
    name = built_by.split('"')[1]

    assert f"\n{name} \\\n" in (ROOT / "requirements/test.txt").read_text()
