"""Child processes that end with their parent, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

GRACE = timedelta(seconds=10)

# PR_SET_PDEATHSIG (1) survives exec, so a bare interpreter sets it and becomes the program: a
# `preexec_fn` would run Python between fork and exec, which can deadlock beside other threads.
# Linux signals when the THREAD that spawned ends: spawn from a thread that lives as long.
_TRAMPOLINE = """
import os, signal, sys
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(0)
try:
    os.execv(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"cannot run {sys.argv[2]}: {error.strerror}")
"""


@dataclass(frozen=True)
class Child:
    """A started process and where in its log this start begins."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_start: int

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, such as `exit code 3` or `signal SIGKILL`."""
        code = self.process.poll()
        if code is None:
            return "still running"
        return f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def last_lines(self, count: int = 8) -> list[str]:
        """Read what this start wrote last to the log."""
        try:
            with self.log.open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                # A log truncated meanwhile is shorter than where this start began.
                log.seek(max(self.log_start if self.log_start <= size else 0, size - 65536))
                return log.read().decode(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            return []

    def ask_to_end(self) -> None:
        if self.is_running:
            self.process.terminate()

    def stop(self, grace: timedelta = GRACE) -> None:
        """Ask it to end; kill it when it has not within `grace`."""
        self.ask_to_end()
        try:
            self.process.wait(grace.total_seconds())
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def spawn(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    inherited: Sequence[int] = (),
) -> Child:
    """Start `command` in a session of its own, its output appended to `log`.

    On Linux it gets SIGTERM when the calling thread ends. `inherited` names the file descriptors
    it keeps open.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        start = output.tell()
        output.write(f"--- {name} started {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
        output.flush()
        process = subprocess.Popen(  # noqa: S603  # our own programs, no shell
            [sys.executable, "-ISc", _TRAMPOLINE, str(os.getpid()), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            pass_fds=inherited,
            # Ctrl-C reaches the whole foreground group; only the parent is to hear it.
            start_new_session=True,
        )
    return Child(name, process, log, start)


def wait_for_end(children: Sequence[Child], grace: timedelta) -> bool:
    """Whether all ended within `grace`."""
    end = time.monotonic() + grace.total_seconds()
    while any(child.is_running for child in children):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
