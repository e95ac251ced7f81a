"""The command line: the core and the adapters of the functions, with the caller's own rights."""

import sys
from pathlib import Path

_LAMBDA = Path(__file__).parents[1] / "lambda"
if _LAMBDA.is_dir() and str(_LAMBDA) not in sys.path:  # a checkout; if installed, `tagalong` is beside it
    sys.path.append(str(_LAMBDA))
