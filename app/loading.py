"""How a process that stays begins: it loads fast, and nothing that it has no use for."""

import gc
import sys
from typing import Any, cast

# While nothing but modules, classes and schemas comes into being, a fifth of the time went into
# looking for garbage among them.
_LOADING = (50_000, 20, 50)


def begin() -> None:
    """Be called before anything large is imported; `cycles.look_rarely` ends it."""
    # structlog imports it where it is installed, and is never asked for its tracebacks here.
    cast("dict[str, Any]", sys.modules).setdefault("rich", None)
    gc.set_threshold(*_LOADING)
