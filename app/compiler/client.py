"""Templates compiled beside this process, because engines for HTML know no limits.

HTML of a few kilobytes can keep them busy for hours, fill the memory or overflow the stack. What
needs no engine is compiled here: it is bounded as it is.
"""

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from threading import BoundedSemaphore, Lock, Timer

from app.compiler.wire import checked_of, source_line
from app.mail.templates.compiling import Checked, check
from app.mail.templates.sources import Format, Source, TemplateFault

PROCESSES = 2
# It ends itself by the time it computes; this is for a machine on which it hardly gets to.
PATIENCE_SECONDS = 30.0
# They lead to what is installed; nothing else is its business, least of all secrets.
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")

_places = BoundedSemaphore(PROCESSES)
_lock = Lock()
_idle: list[subprocess.Popen[bytes]] = []


def compiled_apart(source: Source) -> Checked:
    """Give what `compiling.check` does, within 2 seconds of computing and 1 GB of memory.

    What takes more is a fault. Blocks: it belongs into a thread.
    """
    if source.format is Format.HTML and not _has_css(source):
        return check(source)
    if not _places.acquire(timeout=PATIENCE_SECONDS):
        return _refused("could not be looked at in time; try again")
    try:
        answer = _answer(source_line(source))
    finally:
        _places.release()
    if answer is None:
        return _refused("takes more time or memory to compile than a mail can need")
    return checked_of(answer)


def _has_css(source: Source) -> bool:
    texts = [source.body, source.layout or "", *source.partials.values()]
    return any("<style" in text.lower() for text in texts)


def _refused(reason: str) -> Checked:
    return Checked([TemplateFault("body", 1, 1, reason)], [], None)


def _answer(line: bytes) -> bytes | None:
    """Have a process do it; None when it died of it."""
    process = _taken()
    timer = Timer(PATIENCE_SECONDS, process.kill)
    timer.start()
    answer = b""
    try:
        assert process.stdin is not None  # noqa: S101 - both are pipes
        assert process.stdout is not None  # noqa: S101 - as above
        with suppress(BrokenPipeError):
            process.stdin.write(line)
            process.stdin.flush()
            answer = process.stdout.readline()
    finally:
        timer.cancel()
        if answer.endswith(b"\n"):
            with _lock:
                _idle.append(process)
        else:
            _end(process)
    return answer if answer.endswith(b"\n") else None


def _taken() -> subprocess.Popen[bytes]:
    """An idle process, or a new one where there is none that lives."""
    with _lock:
        while _idle:
            process = _idle.pop()
            if process.poll() is None:
                return process
            _end(process)
    return subprocess.Popen(
        [sys.executable, "-m", "app.compiler"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:
        process.wait()


@atexit.register
def end_idle() -> None:
    """End the processes that wait for work."""
    with _lock:
        while _idle:
            _end(_idle.pop())
