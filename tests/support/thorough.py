"""How much is tried: `make nightly` tries everything, `make test` a part that still reaches each."""

import os

THOROUGH = "TAGALONG_THOROUGH" in os.environ
_STEP = 3


def pairs(kinds: int, calls: int) -> list[tuple[int, int]]:
    """(kind, call): all of them, or two kinds at each call, so that each kind meets every sort of call."""
    every = [(kind, call) for call in range(calls) for kind in range(kinds)]
    return every if THOROUGH else [it for it in every if (it[0] - it[1]) % kinds in {0, _STEP}]
