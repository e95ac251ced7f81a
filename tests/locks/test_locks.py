"""Every lock, installed as on a new user's machine, on a day when there is a newer version of everything.

`make check-locks` runs these. They take a few minutes and a package index.
"""

from hashlib import sha256
from pathlib import Path

import pytest

from infra import bundling
from support import newer_index, pythons
from support.machine import LOCKS, ROOT, Machine, SetUpError, requirements

INSTALLER = "requirements/installer.txt"
TO_COME = "3.14"  # of which no machine of ours has one


@pytest.fixture(scope="session")
def tomorrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {it.name for lock in LOCKS for it in requirements(lock)}
    return newer_index.publish(names, tmp_path_factory.mktemp("newer"))


@pytest.fixture(params=pythons.found(), ids=str)
def machine(request: pytest.FixtureRequest, tmp_path: Path, tomorrow: Path) -> Machine:
    return Machine(tmp_path, request.param, tomorrow).check_out()


@pytest.fixture
def any_machine(tmp_path: Path, tomorrow: Path) -> Machine:
    return Machine(tmp_path, pythons.found()[0], tomorrow).check_out()


@pytest.fixture(scope="session")
def asset(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("asset")
    bundling.build(output)
    return contents(output)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(it.relative_to(folder)): sha256(it.read_bytes()).hexdigest() for it in files}


def test_a_python_of_the_oldest_supported_version_is_checked() -> None:
    assert pythons.OLDEST in {python.version[:2] for python in pythons.found()}


def test_a_resolver_without_a_lock_takes_the_newer_versions(any_machine: Machine) -> None:
    any_machine.make(".venv/.installer")

    said = any_machine.run(".venv/bin/python", "-m", "pip", "install", "--dry-run", "coverage")

    assert f"coverage-{newer_index.VERSION}" in said


@pytest.mark.parametrize("purpose", ["deploy", "demo", "test"])
def test_make_installs_exactly_what_the_lock_names(machine: Machine, purpose: str) -> None:
    machine.make(f".venv/.{purpose}")

    assert machine.installed(".venv") == machine.locked(f"requirements/{purpose}.txt", INSTALLER)
    machine.run(".venv/bin/python", "-m", "pip", "check")


def test_make_installs_exactly_the_embedded_aws_that_the_lock_names(machine: Machine) -> None:
    machine.make(".local/ministack/.installed")

    assert machine.installed(".local/ministack") == machine.locked("emulator/requirements.txt")
    machine.run(".venv/bin/python", "-m", "pip", "--python", ".local/ministack/bin/python", "check")


def test_the_pip_that_python_brings_installs_the_cdk_app_from_its_lock(machine: Machine) -> None:
    machine.run(machine.python.command(machine.directory), "-m", "venv", ".venv")
    pip = machine.installed(".venv")

    machine.run(".venv/bin/python", "-m", "pip", "install", "-r", "requirements.txt")

    assert machine.installed(".venv") == pip | machine.locked("requirements.txt")


def test_every_python_bundles_the_same_asset(machine: Machine, asset: dict[str, str]) -> None:
    machine.make(".venv/.deploy")
    build = (
        "import pathlib, sys; from infra import bundling; bundling.build(pathlib.Path('asset').absolute())"
    )

    machine.run("env", f"PYTHONPATH={ROOT}", ".venv/bin/python", "-c", build)

    assert contents(machine.checkout / "asset") == asset


def test_make_installs_the_cdk_cli_that_the_lock_names(any_machine: Machine) -> None:
    any_machine.make(".venv/.deploy")
    any_machine.make("node_modules/.installed")

    version = any_machine.run("env", "PATH=.venv/bin", "node_modules/.bin/cdk", "--version")

    assert f'"aws-cdk": "{version.split()[0]}"' in (ROOT / "package.json").read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_python_to_come_finds_a_wheel_of_everything(any_machine: Machine, lock: str) -> None:
    any_machine.make(".venv/.installer")
    options = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", TO_COME)

    any_machine.run(
        *(".venv/bin/python", "-m", "pip", "install", "--dry-run", "--target", "nowhere"),
        *(*options, "--requirement", lock),
    )


def test_a_lock_that_lacks_an_extra_is_refused_by_an_old_pip(tmp_path: Path, tomorrow: Path) -> None:
    """What stopped every first command on the day that coverage 7.17.4 was published."""
    [oldest] = [python for python in pythons.found() if python.pip == pythons.OLDEST_PIP]
    machine = Machine(tmp_path, oldest, tomorrow).check_out()
    lock = machine.checkout / "requirements/test.txt"
    lock.write_text(lock.read_text().replace("coverage[toml]==", "coverage=="))
    machine.run(oldest.command(tmp_path), "-m", "venv", ".venv")

    with pytest.raises(SetUpError, match=r"These do not:\s+coverage\[toml\]"):
        machine.run(".venv/bin/python", "-m", "pip", "install", "--dry-run", "-r", "requirements/test.txt")
