"""`tagalong ui` and `tagalong status --html`"""

import http.client
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cli.ui import Server, Shown, serve
from support.shop import NEW, OLD, Shop
from tagalong.ports import AccessDenied

METHODS = ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@pytest.fixture
def fleet(shop: Shop) -> Shop:
    shop.serve("web-eu")
    shop.serve("web-us")
    shop.image(OLD)
    shop.pipeline.sweep()
    shop.push(NEW)
    shop.fail("web-eu")
    shop.complete("web-us")
    shop.aws.advance(timedelta(minutes=6))
    return shop


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(Shown(lambda: "", "<p>the page</p>")) as running:
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def answer(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        said = connection.getresponse()
        return said.status, dict(said.getheaders()), said.read().decode()
    finally:
        connection.close()


def test_whoever_knows_the_address_gets_the_page(server: Server) -> None:
    status, headers, body = answer(server, f"/{server.token}/")

    assert (status, body) == (200, "<p>the page</p>")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["/", "//", "/guessed/", "/{}", "/{}x/", "/{}/../", "/?{}", "/x/{}/"])
def test_without_the_secret_of_the_address_there_is_nothing(server: Server, path: str) -> None:
    status, _, body = answer(server, path.format(server.token))

    assert status == 404
    assert "the page" not in body


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:{}", ""]
)
def test_by_another_name_there_is_nothing(server: Server, host: str) -> None:
    """A page of somebody else can let its own name mean 127.0.0.1, and read what is there."""
    status, _, body = answer(server, f"/{server.token}/", Host=host.format(server.server_port))

    assert status == 421
    assert "the page" not in body


def test_localhost_is_a_name_of_it(server: Server) -> None:
    status, *_ = answer(server, f"/{server.token}/", Host=f"localhost:{server.server_port}")
    assert status == 200


@pytest.mark.parametrize("method", METHODS)
def test_it_can_only_be_read(server: Server, method: str) -> None:
    status, headers, _ = answer(server, f"/{server.token}/", method)
    assert (status, headers["Allow"]) == (405, "GET")


def test_it_listens_on_this_machine_only_and_each_has_an_address_of_its_own(server: Server) -> None:
    with serve(Shown(lambda: "")) as other:
        assert {server.server_address[0], other.server_address[0]} == {"127.0.0.1"}
        assert server.token != other.token
        assert len(server.token) >= 32


def test_a_port_that_is_taken_is_named(server: Server, shop: Shop) -> None:
    said = shop.run("ui", "--port", str(server.server_port), code=1)
    assert f"port {server.server_port} of 127.0.0.1" in said


def test_ui_prints_its_address_and_shows_what_needs_a_person(
    fleet: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    def once(server: Server) -> None:
        assert "Reading services" in server.shown.page
        server.shown.again()
        shown.append(server.shown.page)
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.ui.Shown._watch", lambda _: None)
    monkeypatch.setattr("cli.ui.Server.serve_forever", once)
    output = fleet.run("ui", code=130)

    assert "The page is at http://127.0.0.1:" in output
    assert "tagalong retry prod/web-eu" in shown[0]
    assert '<meta http-equiv="refresh" content="15"/>' in shown[0]


def test_ui_says_what_aws_refuses_and_looks_again() -> None:
    def look() -> str:
        raise AccessDenied("ListServices: AccessDeniedException: not authorized: ecs:ListServices")

    shown = Shown(look)
    shown.again()
    assert "not authorized: ecs:ListServices" in shown.page
    assert "refresh" in shown.page


def test_status_writes_the_page_into_a_file(fleet: Shop, tmp_path: Path) -> None:
    file = tmp_path / "status.html"
    output = fleet.run("status", "--html", str(file), code=2)

    assert "1 need you" in output
    assert str(file) in output.replace("\n", "")
    html = file.read_text()
    assert "tagalong retry prod/web-eu" in html
    assert "refresh" not in html


def test_status_for_programs_writes_the_page_too(fleet: Shop, tmp_path: Path) -> None:
    fleet.json("status", "--html", str(tmp_path / "status.html"), code=2)
    assert (tmp_path / "status.html").read_text().startswith("<!doctype html>")


def test_a_file_that_cannot_be_written_is_named(fleet: Shop, tmp_path: Path) -> None:
    output = fleet.run("status", "--html", str(tmp_path / "none" / "status.html"), code=1)
    assert "cannot be written" in output
