"""Independent calls side by side, over the shared clients: they are safe to use from several threads."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

AT_ONCE = 8  # below the ten connections that a client of the SDK keeps open

T = TypeVar("T")
R = TypeVar("R")


def in_parallel(do: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """In the order of the items. Raises what the first that failed has raised, once all are done."""
    waiting = list(items)
    if len(waiting) < 2:  # noqa: PLR2004 - alone it needs no thread
        return [do(it) for it in waiting]
    futures = [_pool().submit(do, it) for it in waiting]
    return [future.result() for future in futures]


@cache
def _pool() -> ThreadPoolExecutor:
    """Its threads start when they are first needed."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="call")
