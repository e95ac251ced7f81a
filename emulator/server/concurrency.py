"""How many invocations run at once: as many as the concurrency of the account allows, the others wait.

MiniStack counts a refused invocation as a try of its event, and drops the event after three; AWS goes on
for six hours.
"""

import threading
from typing import Any

from ministack.services import lambda_svc

_slot_is_free = threading.Condition()


def wait_for_concurrency() -> None:
    """Make every invocation wait while the limit of the account (`LAMBDA_ACCOUNT_CONCURRENCY`) is reached.

    A function that invokes another and waits for it could wait for ever; none of ours does.
    """
    take, give_back = lambda_svc._acquire_execution_slot, lambda_svc._release_execution_slot

    def take_in_turn(function: dict[str, Any], config: dict[str, Any]) -> Any:
        with _slot_is_free:
            while (taken := take(function, config)) == (None, "account"):
                _slot_is_free.wait()
            return taken

    def give_back_and_tell(key: str) -> None:
        give_back(key)
        with _slot_is_free:
            _slot_is_free.notify()

    lambda_svc._acquire_execution_slot, lambda_svc._release_execution_slot = take_in_turn, give_back_and_tell
