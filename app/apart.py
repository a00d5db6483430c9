"""Work that knows no limits, done in processes beside this one that may die of it.

Each answers a line with a line, until its input ends.
"""

import atexit
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore, Lock, Timer

# A process ends itself by the time it computes; this is for a machine on which it hardly gets to.
PATIENCE_SECONDS = 30.0
# They lead to what is installed; nothing else is its business, least of all secrets.
_INHERITED = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")


_ALL: "list[Processes]" = []


def end_idle() -> None:
    """End all processes that wait for work, and see them off.

    For whoever stops: a server that a signal ends, as uvicorn does, leaves no time at exit, and its
    children would be nobody's.
    """
    for processes in _ALL:
        processes.end_idle()


class BusyError(Exception):
    """All processes were at work for as long as anybody would wait."""


class Processes:
    """At most `most` processes of a module that calls `serve`, kept while they live."""

    def __init__(self, module: str, most: int) -> None:
        self._module = module
        self._places = BoundedSemaphore(most)
        self._lock = Lock()
        self._idle: list[subprocess.Popen[bytes]] = []
        _ALL.append(self)
        atexit.register(self.end_idle)

    def answer(self, line: bytes) -> bytes | None:
        """Give the answer to a line, which ends in LF; None when a process died of it.

        Blocks: it belongs into a thread. Raises BusyError.
        """
        if not self._places.acquire(timeout=PATIENCE_SECONDS):
            raise BusyError
        try:
            return self._answer(line)
        finally:
            self._places.release()

    def end_idle(self) -> None:
        """End the processes that wait for work."""
        with self._lock:
            while self._idle:
                _end(self._idle.pop())

    def _answer(self, line: bytes) -> bytes | None:
        process = self._taken()
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
                with self._lock:
                    self._idle.append(process)
            else:
                _end(process)
        return answer if answer.endswith(b"\n") else None

    def _taken(self) -> subprocess.Popen[bytes]:
        """An idle process, or a new one where there is none that lives."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.poll() is None:
                    return process
                _end(process)
        return subprocess.Popen(  # noqa: S603 - a module of ours
            [sys.executable, "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        )


def serve(
    answer: Callable[[bytes], bytes], *, memory: int, seconds: Callable[[bytes], float]
) -> None:
    """Be such a process: one that has `memory` octets, and `seconds` of computing for a line."""
    # Ctrl-C is for the process that started this one; its end ends the input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, memory)
    _limit(resource.RLIMIT_CORE, 0)
    for line in sys.stdin.buffer:
        # Nobody handles the signal, so it ends the process, whatever a library is at.
        signal.setitimer(signal.ITIMER_PROF, seconds(line))
        sys.stdout.buffer.write(answer(line))
        sys.stdout.buffer.flush()
        signal.setitimer(signal.ITIMER_PROF, 0)


def _limit(kind: int, amount: int) -> None:
    _, most = resource.getrlimit(kind)
    resource.setrlimit(kind, (amount if most < 0 else min(amount, most), most))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    with process:
        process.wait()
