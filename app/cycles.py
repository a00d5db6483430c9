"""How often the interpreter looks for objects that hold each other."""

import gc

# Requests and mails are made of many small objects, of which few hold each other: with the
# interpreter's own thresholds a seventh of a process's time went into looking for some.
_RARELY = (10_000, 10, 10)


def look_rarely() -> None:
    """Have them looked for rarely, and never among what is there by now: it stays."""
    gc.freeze()
    gc.set_threshold(*_RARELY)
