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
PYTHONS = [
    pytest.param(python, id=str(python), marks=pytest.mark.xdist_group(str(python)))
    for python in pythons.found()
]
TO_COME = "3.14"  # of which no machine of ours has one


@pytest.fixture(scope="session")
def tomorrow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = {it.name for lock in LOCKS for it in requirements(lock)}
    return newer_index.publish(names, tmp_path_factory.mktemp("newer"))


@pytest.fixture(params=PYTHONS)
def machine(request: pytest.FixtureRequest, tmp_path: Path, tomorrow: Path) -> Machine:
    """One that nothing was set up on."""
    return Machine(tmp_path, request.param, tomorrow).check_out()


@pytest.fixture(scope="session", params=PYTHONS)
def deployer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, tomorrow: Path
) -> Machine:
    """One that is set up to deploy."""
    machine = Machine(tmp_path_factory.mktemp("deployer"), request.param, tomorrow).check_out()
    machine.make(".venv/.deploy")
    return machine


@pytest.fixture(scope="session")
def newest(tmp_path_factory: pytest.TempPathFactory, tomorrow: Path) -> Machine:
    """One with the newest Python, set up to deploy."""
    machine = Machine(tmp_path_factory.mktemp("newest"), pythons.found()[-1], tomorrow).check_out()
    machine.make(".venv/.deploy")
    return machine


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


@pytest.mark.xdist_group("newest")
def test_a_resolver_without_a_lock_takes_the_newer_versions(newest: Machine) -> None:
    said = newest.pip("install", "--dry-run", "coverage")

    assert f"coverage-{newer_index.VERSION}" in said


def test_make_installs_exactly_what_deploying_takes(deployer: Machine) -> None:
    assert deployer.installed(".venv") == deployer.locked("requirements/deploy.txt", INSTALLER)
    deployer.pip("check")


@pytest.mark.parametrize(("purpose", "without"), [("demo", ("setuptools",)), ("test", ())])
def test_make_installs_exactly_what_the_lock_names(
    machine: Machine, purpose: str, without: tuple[str, ...]
) -> None:
    machine.make(f".venv/.{purpose}")

    locked = machine.locked(f"requirements/{purpose}.txt", INSTALLER)
    assert machine.installed(".venv", without) == locked
    machine.pip("check")


def test_make_installs_exactly_the_embedded_aws_that_the_lock_names(deployer: Machine) -> None:
    deployer.make(".local/ministack/.installed")

    assert deployer.installed(".local/ministack") == deployer.locked("emulator/requirements.txt")
    deployer.pip("check", environment=".local/ministack")


def test_the_pip_that_python_brings_installs_the_cdk_app_from_its_lock(machine: Machine) -> None:
    machine.run(machine.python.command(machine.directory), "-m", "venv", ".venv")
    pip = machine.installed(".venv")

    machine.pip("install", "--no-compile", "-r", "requirements.txt")

    assert machine.installed(".venv") == pip | machine.locked("requirements.txt")


def test_every_python_bundles_the_same_asset(deployer: Machine, asset: dict[str, str]) -> None:
    build = (
        "import pathlib, sys; from infra import bundling; bundling.build(pathlib.Path('asset').absolute())"
    )

    deployer.run("env", f"PYTHONPATH={ROOT}", ".venv/bin/python", "-c", build)

    assert contents(deployer.checkout / "asset") == asset


@pytest.mark.xdist_group("newest")
def test_make_installs_the_cdk_cli_that_the_lock_names(newest: Machine) -> None:
    newest.make("node_modules/.installed")

    version = newest.run(
        "env", f"PATH={newest.checkout}/.venv/bin:/bin:/usr/bin", "node_modules/.bin/cdk", "--version"
    )

    assert f'"aws-cdk": "{version.split()[0]}"' in (ROOT / "package.json").read_text()


@pytest.mark.xdist_group("newest")
@pytest.mark.parametrize("lock", LOCKS)
def test_a_python_to_come_finds_a_wheel_of_everything(newest: Machine, lock: str) -> None:
    wheels = ("--no-deps", "--require-hashes", "--only-binary", ":all:", "--python-version", TO_COME)

    newest.pip("install", "--dry-run", "--target", "nowhere", *wheels, "--requirement", lock)


def test_a_lock_that_lacks_an_extra_is_refused_by_an_old_pip(tmp_path: Path, tomorrow: Path) -> None:
    """What stopped every first command on the day that coverage 7.17.4 was published."""
    [oldest] = [python for python in pythons.found() if python.pip == pythons.OLDEST_PIP]
    machine = Machine(tmp_path, oldest, tomorrow).check_out()
    lock = machine.checkout / "requirements/test.txt"
    lock.write_text(lock.read_text().replace("coverage[toml]==", "coverage=="))
    machine.run(oldest.command(tmp_path), "-m", "venv", ".venv")

    with pytest.raises(SetUpError, match=r"These do not:\s+coverage\[toml\]"):
        machine.pip("install", "--dry-run", "-r", "requirements/test.txt")
