"""Without threads: what runs side by side in a function runs one after the other, the same way each time."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from tagalong import parallel


def without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "_pool", _InTurn)
    monkeypatch.setattr(parallel.Stage, "run", _run_in_turn)


class _InTurn:
    """A pool that does at once what it is given."""

    def submit(self, do: Callable[..., object], *given: object) -> Future[object]:
        future: Future[object] = Future()
        try:
            future.set_result(do(*given))
        except Exception as error:  # noqa: BLE001 - as a pool does; a crash ends all of it
            future.set_exception(error)
        return future


def _run_in_turn(_: parallel.Stage, tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    futures = [_InTurn().submit(task) for task in tasks]
    return [future.result() for future in futures]
