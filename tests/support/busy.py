"""python -m support.busy make test: a command while other work keeps every processor busy, twice over."""

import os
import subprocess
import sys

_WORK = "while True: pass"
_PER_PROCESSOR = 2


def main(*command: str) -> int:
    """The exit status of the command."""
    count = _PER_PROCESSOR * (os.cpu_count() or 1)
    others = [subprocess.Popen([sys.executable, "-c", _WORK]) for _ in range(count)]
    try:
        return subprocess.run(command, check=False).returncode
    finally:
        for other in others:
            other.kill()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
