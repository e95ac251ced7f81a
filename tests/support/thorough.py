"""How much is tried: `make nightly` tries everything, `make test` a part that still reaches each."""

import os
from collections.abc import Sequence

THOROUGH = "TAGALONG_THOROUGH" in os.environ
_STEP = 3


def some(calls: Sequence[int], step: int) -> Sequence[int]:
    """All of them, or each `step`th."""
    return calls if THOROUGH else calls[::step]


def many(number: int, fewer: int) -> int:
    """How large a fleet is, where its size shows nothing that a smaller one does not."""
    return number if THOROUGH else fewer


def pairs(kinds: int, calls: int) -> list[tuple[int, int]]:
    """(kind, call): all of them, or two kinds at each call, so that each kind meets every sort of call."""
    every = [(kind, call) for call in range(calls) for kind in range(kinds)]
    return every if THOROUGH else [it for it in every if (it[0] - it[1]) % kinds in {0, _STEP}]
