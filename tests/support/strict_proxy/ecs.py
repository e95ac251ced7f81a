"""What ECS does with a call, beyond what the upstream does."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from support.strict_proxy.accounts import Accounts
from support.strict_proxy.api import THROTTLED, Answer, Call, Send, refused
from support.strict_proxy.deployments import Deployments
from support.strict_proxy.listing import Lists
from support.strict_proxy.quotas import BATCHES, PAGES
from support.strict_proxy.throttling import Clock, Throttle


class Ecs:
    def __init__(self, clock: Clock) -> None:
        self.deployments = Deployments(clock)
        self.lists = Lists()
        self._throttle = Throttle(clock)
        self._accounts = Accounts()
        self._registering: set[tuple[str, str, str]] = set()
        self._lock = Lock()

    @contextmanager
    def alone(self, send: Send, call: Call) -> Iterator[None]:
        """Revisions of one family are registered one at a time."""
        if call.action != "RegisterTaskDefinition":
            yield
            return
        family = self._accounts.of(send, call.scope), call.scope.region, call.parameters.get("family", "")
        with self._lock:
            if family in self._registering:
                sentence = "Too many concurrent attempts to create a new revision of the specified family."
                raise refused("ClientException", sentence)
            self._registering.add(family)
        try:
            yield
        finally:
            self._registering.discard(family)

    def answer(self, send: Send, call: Call) -> Answer:
        account = self._accounts.of(send, call.scope)
        if not self._throttle.admits(call.action, account, call.scope.region):
            raise refused(THROTTLED, "Rate exceeded")
        if batch := BATCHES.get(call.action):
            if len(call.parameters.get(batch.of, ())) > batch.limit:
                sentence = f"{batch.words} can have at most {batch.limit} items."
                raise refused("InvalidParameterException", sentence)
        elif call.action in PAGES:
            return self.lists.page(send, call)
        elif call.action == "UpdateService":
            self.deployments.update(send, call.by_root_of(account))
        return send(call)
