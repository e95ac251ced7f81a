"""What goes wrong on demand, and at which call."""

import time
from dataclasses import dataclass
from enum import StrEnum

from support.strict_proxy.api import THROTTLED, Call, refused


class FaultKind(StrEnum):
    REFUSED = "refused"
    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    CUT_BEFORE = "cut-before"  # the connection ends, and the call was not applied
    CUT_AFTER = "cut-after"  # the connection ends, and the call was applied: its answer is lost
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    at: int  # the number of the call, from 1
    action: str | None = None  # whose calls are counted; those of all together for None
    seconds: float = 1  # of SLOW; real ones, because no scale stretches a client's patience

    def strike(self, call: Call) -> None:
        """Do to a call what can be done before it is applied."""
        match self.kind:
            case FaultKind.REFUSED:
                action = f"{call.scope.service}:{call.action}"
                raise refused("AccessDeniedException", f"User is not authorized to perform: {action}")
            case FaultKind.THROTTLED:
                raise refused(THROTTLED, "Rate exceeded")
            case FaultKind.SERVER_ERROR:
                raise refused("ServerException", "Service Unavailable. Please try again later.", 500)
            case FaultKind.SLOW:
                time.sleep(self.seconds)
