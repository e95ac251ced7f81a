"""A real browser without a window: Chromium, spoken to through a pair of pipes.

Chrome DevTools Protocol, https://chromedevtools.github.io/devtools-protocol/; `--remote-debugging-pipe` reads
commands from file descriptor 3 and answers on 4, each ended by a zero byte.
"""

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Timer
from typing import IO, Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = (
    "no Chromium here, and the page is tested in a real browser: `apt-get install chromium`, "
    "`brew install chromium`, or name one in CHROMIUM"
)
_LONGEST = 600  # seconds, that one may live: nobody waits for a browser that hangs
_OPTIONS = (
    *("--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--no-first-run", "--hide-scrollbars", "--disable-background-networking", "--disable-extensions"),
)
# Neither may be in the way of the other.
_AS_3_AND_4 = """
import fcntl, os, sys
read, write = (fcntl.fcntl(int(it), fcntl.F_DUPFD, 100) for it in sys.argv[1:3])
os.dup2(read, 3)
os.dup2(write, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class BrowserError(Exception):
    """Says what the browser said, or that there is none."""


@dataclass
class Tab:
    """One page at a time."""

    commands: IO[bytes]
    answers: IO[bytes]
    session: str = ""
    seen: list[Mapping[str, Any]] = field(default_factory=list)
    """events"""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def begin(self) -> None:
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def open(self, url: str, width: int, *, dark: bool = False, height: int = 900) -> None:
        """And wait until it is drawn."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[theme])
        self.seen.clear()
        self.ask("Page.navigate", url=url)
        while not any(it["method"] == "Page.loadEventFired" for it in self.seen):
            self._read()

    def run(self, script: str) -> Any:
        """The value of an expression."""
        said = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in said:
            raise BrowserError(str(said["exceptionDetails"]))
        return said["result"].get("value")

    def press_tab(self) -> None:
        for kind in ("keyDown", "keyUp"):
            key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            self.ask("Input.dispatchKeyEvent", type=kind, **key)

    def complaints(self) -> list[str]:
        """What the browser has blocked or could not read."""
        entries = (it["params"]["entry"] for it in self.seen if it["method"] == "Log.entryAdded")
        return [str(it["text"]) for it in entries]

    def picture(self, file: Path, height: int) -> None:
        """Of the upper part, as PNG."""
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        said = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        file.write_bytes(b64decode(said["data"]))

    def ask(self, method: str, **parameters: Any) -> Any:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (said := self._read()).get("id") != number:
            pass
        if "error" in said:
            raise BrowserError(f"{method}: {said['error']}")
        return said["result"]

    def _read(self) -> Mapping[str, Any]:
        text = bytearray()
        while (byte := self.answers.read(1)) != b"\0":
            if not byte:
                raise BrowserError("the browser has ended")
            text += byte
        said: Mapping[str, Any] = json.loads(text)
        if "method" in said:
            self.seen.append(said)
        return said


def found() -> str:
    """Its path. Raises BrowserError."""
    named = os.environ.get("CHROMIUM", "")
    paths = (shutil.which(it) for it in (named, *NAMES) if it)
    if path := next((it for it in paths if it), None):
        return path
    raise BrowserError(MISSING)


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """One start for many pages."""
    path, data = found(), f"--user-data-dir={profile}"
    to_read, commands = os.pipe()
    answers, to_write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", _AS_3_AND_4, str(to_read), str(to_write), path, *_OPTIONS, data],
        pass_fds=(to_read, to_write),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    too_long = Timer(_LONGEST, process.kill)
    too_long.start()
    os.close(to_read)
    os.close(to_write)
    with os.fdopen(commands, "wb") as write, os.fdopen(answers, "rb") as read:
        tab = Tab(write, read)
        try:
            tab.begin()
            yield tab
        finally:
            too_long.cancel()
            process.kill()
            process.wait()
