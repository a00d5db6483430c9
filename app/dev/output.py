import os
import sys
from typing import TextIO


def say(text: str = "") -> None:
    """Print for the person at the terminal; that may be closed by now, which stops nothing."""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """Like `say`, on standard error."""
    _write(sys.stderr, text)


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(f"{text}\n")
        stream.flush()
    except OSError:
        # What is left in the buffer would fail again at exit, and change the exit code.
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # a device, not a path of ours
            os.dup2(nowhere.fileno(), stream.fileno())
