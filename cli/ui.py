"""`tagalong ui`: the page on this machine, for anyone who has its address; read-only."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from urllib.parse import urlsplit

import click
from botocore.exceptions import BotoCoreError, ClientError

from tagalong.model.triggers import Sweep
from tagalong.page import View, content_security_policy, document, message
from tagalong.ports import AwsError

from .errors import explained
from .fleet import Fleet
from .page import page
from .render import Screen

_HOST = "127.0.0.1"
_REFRESH = 15  # seconds, between two looks and of the page in the browser
_SOON = 2
_TOKEN = 24  # bytes


def ui(fleet: Fleet, screen: Screen, *, port: int) -> int:
    """Until Ctrl-C."""
    shown = Shown(lambda: look(fleet))
    with serve(shown, port) as server, shown:
        screen.data({"url": server.url})
        screen.address("The page is at", server.url)
        screen.say(
            "Anyone on this machine who has the address can read it. Press Ctrl-C to stop.", style="dim"
        )
        server.serve_forever()
    return 0


def look(fleet: Fleet) -> str:
    """The page as it is now."""
    fresh = Fleet(fleet.account)  # nothing is kept of the last look
    seen = fresh.observe(fresh.services(), Sweep("ui"))
    return document(page(fresh.account, seen), View(), _REFRESH)


@dataclass
class Shown:
    """What was last seen, looked at again and again in a thread of its own."""

    look: Callable[[], str]
    page: str = field(default_factory=lambda: message("Reading services …", _SOON))
    _ended: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _watch(self) -> None:
        while not self._ended.is_set():
            self.again()
            self._ended.wait(_REFRESH)

    def again(self) -> None:
        try:
            self.page = self.look()
        except (AwsError, BotoCoreError, ClientError, click.ClickException) as error:
            told = error if isinstance(error, click.ClickException) else explained(error)
            self.page = message(f"AWS could not be asked: {told.message}", _REFRESH)


class Server(ThreadingHTTPServer):
    """On 127.0.0.1 only; its address has a secret in it."""

    daemon_threads = True

    def __init__(self, shown: Shown, port: int) -> None:
        super().__init__((_HOST, port), _Handler)
        self.shown, self.token = shown, token_urlsafe(_TOKEN)

    @property
    def hosts(self) -> set[str]:
        return {f"{_HOST}:{self.server_port}", f"localhost:{self.server_port}"}

    @property
    def url(self) -> str:
        return f"http://{_HOST}:{self.server_port}/{self.token}/"


def serve(shown: Shown, port: int = 0) -> Server:
    """On a free port for port 0."""
    try:
        return Server(shown, port)
    except OSError as error:
        raise click.ClickException(f"port {port} of {_HOST} cannot be had: {error.strerror}") from None


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "tagalong", ""

    def do_GET(self) -> None:
        """A name that somebody else points at 127.0.0.1 is not ours: DNS rebinding."""
        if self.headers.get("Host", "") not in self.server.hosts:
            self._answer(HTTPStatus.MISDIRECTED_REQUEST, message("This is not its address."))
        elif not compare_digest(urlsplit(self.path).path.encode(), f"/{self.server.token}/".encode()):
            other = "The address that `tagalong ui` has printed is another."
            self._answer(HTTPStatus.NOT_FOUND, message(other))
        else:
            self._answer(HTTPStatus.OK, self.server.shown.page)

    def _refuse(self) -> None:
        self._answer(HTTPStatus.METHOD_NOT_ALLOWED, message("It can only be read: GET."), Allow="GET")

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse  # noqa: N815 - of the base

    def _answer(self, status: HTTPStatus, text: str, **more: str) -> None:
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Length": str(len(body)),
            "Content-Security-Policy": content_security_policy(),
            "Cache-Control": "no-store",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            **more,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """The address is a secret."""
