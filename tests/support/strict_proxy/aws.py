"""A strict AWS in front of a lenient one."""

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock, Thread
from typing import Self

from support.strict_proxy.api import THROTTLED, Answer, Call, Json, RefusedError, Send
from support.strict_proxy.ecs import Ecs
from support.strict_proxy.faults import Fault, FaultKind
from support.strict_proxy.server import server

_SECONDS_TO_NOTICE_THE_END = 0.01


class StrictAws:
    """Serves at `endpoint` while its `with` lasts. Its clock runs `scale` times as fast as ours."""

    calls: Counter[str]  # by action
    throttled: Counter[str]
    faults: list[Fault]
    rewrites: dict[str, Callable[[Json], object]]  # by action: what changes an answer, in place
    ecs: Ecs

    def __init__(self, upstream: str, scale: float = 1, port: int = 0) -> None:
        self._clock = lambda: time.monotonic() * scale
        self._lock = Lock()
        self.reset()
        self._server = server(self._pass, upstream, port)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def reset(self) -> None:
        """As new: nothing counted, nothing on demand, all buckets full."""
        self.calls, self.throttled = Counter(), Counter()
        self.faults, self.rewrites = [], {}
        self.ecs = Ecs(self._clock)

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, args=[_SECONDS_TO_NOTICE_THE_END], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _pass(self, send: Send, call: Call) -> Answer | None:
        """None cuts the connection."""
        fault = self._count(call.action)
        if fault and fault.kind is FaultKind.CUT_BEFORE:
            return None
        try:
            answer = self._answer(send, call, fault)
        except RefusedError as refusal:
            answer = refusal.answer
            if refusal.code == THROTTLED:
                with self._lock:
                    self.throttled[call.action] += 1
        return None if fault and fault.kind is FaultKind.CUT_AFTER else answer

    def _count(self, action: str) -> Fault | None:
        with self._lock:
            self.calls[action] += 1
            numbers = {None: self.calls.total(), action: self.calls[action]}
        return next((fault for fault in self.faults if numbers.get(fault.action) == fault.at), None)

    def _answer(self, send: Send, call: Call, fault: Fault | None) -> Answer:
        with self.ecs.alone(send, call):
            if fault:
                fault.strike(call)
            answer = self.ecs.answer(send, call) if call.scope.service == "ecs" else send(call)
        if (rewrite := self.rewrites.get(call.action)) and answer.status == 200:
            content = answer.content
            rewrite(content)
            return Answer.of(content)
        return answer
