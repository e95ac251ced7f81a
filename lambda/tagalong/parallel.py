"""Independent work side by side. The clients of the SDK are safe to use from several threads; Powertools'
logger and metrics are not, so what is reported is reported by the thread that began."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from queue import SimpleQueue
from threading import Lock
from typing import Any, Generic, TypeVar

AT_ONCE = 8  # below the ten connections that a client of the SDK keeps open

T = TypeVar("T")
R = TypeVar("R")
K = TypeVar("K", bound=Hashable)


def in_parallel(do: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """In the order of the items. Raises what the first that failed has raised. `do` must not come here again:
    it would wait for a thread that waits for it."""
    waiting = list(items)
    if len(waiting) < 2:  # noqa: PLR2004 - alone it needs no thread
        return [do(it) for it in waiting]
    futures = [_pool().submit(do, it) for it in waiting]
    return [future.result() for future in futures]


@cache
def _pool() -> ThreadPoolExecutor:
    """Its threads start when they are first needed."""
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="call")


class Once(Generic[K, R]):
    """Asks each question once, whichever threads have it; after an error, who comes later asks again."""

    def __init__(self, ask: Callable[[K], R]) -> None:
        self._ask = ask
        self._lock = Lock()
        self._answers: dict[K, Future[R]] = {}

    def __call__(self, question: K) -> R:
        with self._lock:
            known = self._answers.get(question)
            answer = known or self._answers.setdefault(question, Future())
        if not known:
            self._answer(question, answer)
        return answer.result()

    def _answer(self, question: K, answer: "Future[R]") -> None:
        try:
            answer.set_result(self._ask(question))
        except BaseException as error:  # noqa: BLE001 - others wait for it
            with self._lock:
                del self._answers[question]
            answer.set_exception(error)


class Stage:
    """Runs tasks in threads, and what they ask to be done here in the thread that came first, in order."""

    def __init__(self) -> None:
        self._turns: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._inner: ThreadPoolExecutor | None = None

    def run(self, tasks: Sequence[Callable[[], R]]) -> list[R]:
        """Side by side, a few at once; one alone runs right here. A task may `run` tasks that do not. What a
        task raises is raised once all have ended."""
        if len(tasks) < 2:  # noqa: PLR2004
            return [task() for task in tasks]
        if self._inner:
            inner = [self._inner.submit(task) for task in tasks]
            wait(inner)
            return [it.result() for it in inner]
        with ThreadPoolExecutor(AT_ONCE + 2) as outer, ThreadPoolExecutor(AT_ONCE) as self._inner:
            running = [outer.submit(task) for task in tasks]
            for it in running:
                it.add_done_callback(lambda _: self._turns.put(None))
            self._take_turns(len(tasks))
        self._inner = None
        return [it.result() for it in running]

    def here(self, do: Callable[[], object]) -> None:
        """For a task: it goes on when this is done."""
        if not self._inner:
            do()
            return
        done: Future[object] = Future()
        self._turns.put((do, done))
        done.result()

    def _take_turns(self, tasks: int) -> None:
        while tasks:
            turn = self._turns.get()
            if turn is None:
                tasks -= 1
                continue
            do, done = turn
            try:
                done.set_result(do())
            except BaseException as error:  # noqa: BLE001 - it is the task that failed
                done.set_exception(error)
