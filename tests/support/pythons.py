"""The Pythons of this machine that tagalong supports, and the pip that each of them brings along."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

OLDEST = (3, 11)
OLDEST_PIP = "23.0.1"  # of Debian 12; it does not run with Python 3.12
_WHICH = (
    "import ensurepip, json, sys; print(json.dumps([*sys.version_info[:3], ensurepip.version(), sys.prefix]))"
)
_WITH_ANOTHER_PIP = """\
#!/bin/sh -e
{python} "$@"
case "$*" in "-m venv "*) "$3/bin/python" -m pip install -qq --force-reinstall pip=={pip};; esac
"""


@dataclass(frozen=True, slots=True)
class Python:
    path: Path
    version: tuple[int, ...]
    pip: str
    brings_this_pip: bool = True

    def __str__(self) -> str:
        return f"python-{'.'.join(map(str, self.version))}-pip-{self.pip}"

    def command(self, directory: Path) -> Path:
        """What makes environments with that pip."""
        if self.brings_this_pip:
            return self.path
        command = directory / "python3"
        command.write_text(_WITH_ANOTHER_PIP.format(python=self.path, pip=self.pip))
        command.chmod(0o755)
        return command


def found() -> list[Python]:
    """One of each minor version and pip, the oldest of both among them."""
    brought = [python for path in _paths() if (python := _python(path))]
    oldest = [
        replace(it, pip=OLDEST_PIP, brings_this_pip=False) for it in brought if it.version[:2] == OLDEST
    ]
    pythons = {(it.version[:2], it.pip): it for it in [*oldest, *brought]}
    return sorted(pythons.values(), key=str)


def _paths() -> Iterator[Path]:
    """pyenv has most of its Pythons off the PATH."""
    yield Path(sys.base_prefix, "bin", "python3")
    for folder in map(Path, os.environ["PATH"].split(os.pathsep)):
        yield from folder.glob("python3.1[1-9]")
    yield from Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob("versions/3.*/bin/python3")


def _python(path: Path) -> Python | None:
    """None where it does not run (a shim of pyenv), has no ensurepip, is an environment or too old."""
    asked = subprocess.run([path, "-c", _WHICH], capture_output=True, text=True, check=False)
    if asked.returncode:
        return None
    *version, pip, prefix = json.loads(asked.stdout)
    in_environment = Path(prefix, "pyvenv.cfg").exists()
    return None if in_environment or tuple(version) < OLDEST else Python(path, tuple(version), pip)
