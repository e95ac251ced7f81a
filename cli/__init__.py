"""The command line: the core and the adapters of the functions, with the caller's own rights."""

import sys
from pathlib import Path

_LAMBDA = str(Path(__file__).parents[1] / "lambda")
if _LAMBDA not in sys.path:  # in a checkout; an installed package finds `tagalong` beside itself
    sys.path.append(_LAMBDA)
