"""A process in the background that outlives us: its directory holds its log and the pid that finds it."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

_SECONDS_TO_END = 5
_LAST_LINES = 20


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    directory: Path,
    inherit: int,
) -> None:
    """Start it as leader of a process group; it inherits a file descriptor and the lock of its pid file."""
    with (directory / "log").open("wb") as log, (directory / "pid").open("w") as pid:
        _lock(pid)
        process = subprocess.Popen(  # noqa: S603 - every word of the command is ours
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[inherit, pid.fileno()],
            start_new_session=True,
        )
        pid.write(str(process.pid))


def running(directory: Path) -> int | None:
    """The process group, if the process lives: it holds the lock; a number proves nothing."""
    with suppress(FileNotFoundError), (directory / "pid").open() as pid:
        return None if _lock(pid) else int(pid.read())
    return None


def last_lines(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LAST_LINES:])


def end(group: int) -> None:
    """End every process of the group, and return when they are gone."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(group, how)
        deadline = time.monotonic() + _SECONDS_TO_END
        while time.monotonic() < deadline:
            if not _is_alive(group):
                return
            time.sleep(0.05)


def _lock(file: IO[str]) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _is_alive(group: int) -> bool:
    with suppress(ChildProcessError):  # it is not ours to reap if another process started it
        os.waitpid(group, os.WNOHANG)
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of one that nobody has reaped
        os.killpg(group, 0)
        return True
    return False
