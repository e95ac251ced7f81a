"""What is read of an image's labels, and that nothing in them stands in the way."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tagalong.aws.image_labels import labels
from tagalong.model.images import Repository
from tagalong.model.provenance import Provenance, short_commit
from tagalong.ports import AwsError

APP = Repository("111122223333", "eu-west-1", "app")
COMMIT = "de63889" + "0" * 33
SAYS = {"org.opencontainers.image.revision": COMMIT}
CHILDREN = [
    {"digest": "how", "platform": {"os": "unknown", "architecture": "unknown"}},
    {"digest": "arm", "platform": {"os": "linux", "architecture": "arm64"}},
]


@dataclass
class FakeRegistry:
    """Manifests by digest, and where every blob is."""

    manifests: Mapping[str, Any]
    blobs: str = "http://127.0.0.1:1/"
    asked: list[str] = field(default_factory=list)

    def manifest(self, _repository: Repository, digest: str) -> Mapping[str, Any]:
        self.asked.append(digest)
        found: Mapping[str, Any] = self.manifests.get(digest, {})
        return found

    def url(self, _repository: Repository, blob: str) -> str:
        self.asked.append(blob)
        return self.blobs + blob


def commit(registry: FakeRegistry, digest: str = "index") -> str:
    return Provenance.of(labels(registry, APP, digest)).revision


@pytest.fixture
def blobs() -> Iterator[str]:
    """Answers each path with what stands in `BLOBS`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Blobs)
    Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


BLOBS = {
    "/config": json.dumps({"architecture": "arm64", "config": {"Labels": SAYS}}).encode(),
    "/none": json.dumps({"architecture": "arm64", "config": {"Labels": None}}).encode(),
    "/bare": b"{}",
    "/list": b"[1, 2]",
    "/text": b"not JSON \xff",
    "/large": b'{"config": "' + b"x" * 2**21 + b'"}',
}


class _Blobs(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = BLOBS.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


def test_the_annotation_of_an_index_costs_one_call() -> None:
    registry = FakeRegistry({"index": {"manifests": CHILDREN, "annotations": SAYS}})

    assert (commit(registry), registry.asked) == (COMMIT, ["index"])


def test_the_annotation_of_an_image_of_the_index_is_read_and_not_that_of_an_attestation() -> None:
    registry = FakeRegistry({"index": {"manifests": CHILDREN}, "arm": {"annotations": SAYS}})

    assert (commit(registry), registry.asked) == (COMMIT, ["index", "arm"])


def test_where_no_annotation_says_it_the_label_of_the_configuration_does(blobs: str) -> None:
    image = {"config": {"digest": "config"}, "annotations": {"org.opencontainers.image.version": "1.4"}}
    registry = FakeRegistry({"index": {"manifests": CHILDREN}, "arm": image}, blobs)

    found = Provenance.of(labels(registry, APP, "index"))

    assert (found.revision, found.version) == (COMMIT, "1.4")
    assert registry.asked == ["index", "arm", "config"]


@pytest.mark.parametrize("blob", ["none", "bare", "list", "text", "large", "gone"])
def test_a_configuration_that_says_nothing_is_no_error(blobs: str, blob: str) -> None:
    assert not commit(FakeRegistry({"image": {"config": {"digest": blob}}}, blobs), "image")


@pytest.mark.parametrize(
    "manifest",
    [
        {},
        {"config": "config"},
        {"manifests": [{"no": "digest"}]},
        {"manifests": "none"},
        {"annotations": ["x"]},
        {"manifests": CHILDREN},
    ],
    ids=["gone", "no descriptor", "no child", "no list", "no annotations", "child gone"],
)
def test_whatever_a_manifest_holds_is_no_error(manifest: Mapping[str, Any]) -> None:
    assert not commit(FakeRegistry({"index": manifest}))


def test_where_nobody_answers_the_caller_hears_of_it() -> None:
    """The port has nothing; what the port sees as an answer it remembers."""
    with pytest.raises(AwsError, match="NewConnectionError"):
        commit(FakeRegistry({"image": {"config": {"digest": "config"}}}), "image")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("revision", "main"),
        ("revision", COMMIT.upper()),
        ("revision", COMMIT + "\n"),
        ("revision", 7),
        ("source", "http://example.com/shop"),
        ("source", "https://user:token@example.com/shop"),
        ("source", "https://example.com/?token=x"),
        ("source", "https://example.com/" + "x" * 128),
        ("source", "javascript:alert(1)"),
        ("version", "<b>1</b>"),
        ("version", "1.4 \x1b[31m"),
        ("created", "yesterday"),
    ],
)
def test_what_is_not_well_formed_counts_as_absent(name: str, text: object) -> None:
    assert Provenance.of({f"org.opencontainers.image.{name}": text}) == Provenance()


def test_what_is_well_formed_is_kept() -> None:
    said = {
        "revision": COMMIT,
        "source": "https://github.com/shop/web",
        "version": "1.4.2-rc.1+build7",
        "created": "2026-11-26T10:00:00Z",
    }
    found = Provenance.of({f"org.opencontainers.image.{name}": it for name, it in said.items()} | {"x": "y"})

    assert found == Provenance(**said)
    assert short_commit(found.revision) == "de63889"
