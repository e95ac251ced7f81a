"""What `make logs` prints."""

import json

from emulator.logs import Said, readable

DECISION = {
    "level": "INFO",
    "message": "web moves: app to shop:prod",
    "service": "deployer",
    "function_memory_size": 512,
    "digest": f"sha256:{'0123456789' * 6}abcd",
    "decision": "update",
    "new_revision": "web:2",
}


def test_a_decision_is_one_line_with_what_tells_it_apart() -> None:
    line = readable(Said(0, "stream", json.dumps(DECISION)))
    assert line.partition(" ")[2] == (
        "deployer INFO    web moves: app to shop:prod"
        "  digest=sha256:012345678901 decision=update new_revision=web:2"
    )


def test_what_is_not_from_the_logger_stays_as_it_is() -> None:
    assert readable(Said(0, "stream", "  raise KeyError")) == "  raise KeyError"
