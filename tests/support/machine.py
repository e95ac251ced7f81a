"""A new user's machine: a clean checkout, an empty HOME, and one of the Pythons that are here."""

import json
import os
import shutil
import subprocess
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.pythons import Python

ROOT = Path(__file__).parents[2]
LOCKS = (
    "requirements.txt",
    *(
        "requirements/installer.txt",
        "requirements/deploy.txt",
        "requirements/demo.txt",
        "requirements/test.txt",
    ),
    *("lambda/requirements.txt", "emulator/requirements.txt"),
)
_ASIDE = ("Makefile", "package.json", "package-lock.json", ".npmrc")
_NOT_OF_A_NEW_USER = ("PYTHON", "XDG_", "VIRTUAL_ENV", "PIP_CACHE", "MAKE", "npm_config_cache")

Versions = dict[str, str]


class SetUpError(Exception):
    """Says what pip, npm or make said."""


@dataclass(frozen=True, slots=True)
class Machine:
    directory: Path
    python: Python
    find_links: Path | None = None

    @property
    def checkout(self) -> Path:
        return self.directory / "checkout"

    def check_out(self) -> "Machine":
        for file in (*LOCKS, *_ASIDE):
            (self.checkout / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, self.checkout / file)
        (self.directory / "home").mkdir()
        return self

    def make(self, target: str) -> None:
        self.run("make", target, f"PYTHON={self.python.command(self.directory)}")

    def run(self, *command: str | Path) -> str:
        """What it prints, in the checkout."""
        done = subprocess.run(
            command, cwd=self.checkout, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SetUpError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        return done.stdout

    def pip(self, *command: str, environment: str = ".venv") -> str:
        return self.run(*(".venv/bin/python", "-m", "pip", "--python", f"{environment}/bin/python", *command))

    def installed(self, environment: str, without: Collection[str] = ("setuptools",)) -> Versions:
        """What an environment has; setuptools, which only the tests need, comes with some Pythons."""
        listed = json.loads(self.pip("list", "--format", "json", environment=environment))
        versions = {canonicalize_name(it["name"]): it["version"] for it in listed}
        return {name: version for name, version in versions.items() if name not in without}

    def locked(self, *locks: str) -> Versions:
        """What these locks name for this Python."""
        version = ".".join(map(str, self.python.version))
        here: dict[str, str] = {
            **default_environment(),  # type: ignore[dict-item]  # all of them are texts
            "python_version": version.rpartition(".")[0],
            "python_full_version": version,
        }
        wanted = [
            it for lock in locks for it in requirements(lock) if not it.marker or it.marker.evaluate(here)
        ]
        return {canonicalize_name(it.name): str(it.specifier).removeprefix("==") for it in wanted}

    def _environment(self) -> Mapping[str, str]:
        kept = {name: it for name, it in os.environ.items() if not name.startswith(_NOT_OF_A_NEW_USER)}
        links = [os.environ.get("PIP_FIND_LINKS"), self.find_links]
        return kept | {
            "HOME": str(self.directory / "home"),
            "PIP_FIND_LINKS": " ".join(str(link) for link in links if link),
        }


def requirements(lock: str) -> list[Requirement]:
    lines = (ROOT / lock).read_text().splitlines()
    return [Requirement(line.removesuffix("\\")) for line in lines if line and line[0] not in " #"]
