"""A database server as a child process: started, asked until it answers, stopped."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from app.embedded.errors import EmbeddedServerError
from app.embedded.ports import noted_port, remembered_port
from app.embedded.process import Child, spawn

START_LIMIT = timedelta(seconds=45)
POLL = 0.02
PORT_ATTEMPTS = 3

_MISSING_LIBRARY = re.compile(r"error while loading shared libraries: (?P<library>[^:\s]+)")
_UNFIT = re.compile(r"cannot run .*|.*version `?GLIBC.* not found.*|dyld.*Library not loaded.*")
_PORT_TAKEN = re.compile(r"address already in use", re.IGNORECASE)
_DEBIAN_PACKAGES = {
    "libcurl.so.4": "libcurl4",
    "libcrypto.so.3": "libssl3",
    "libssl.so.3": "libssl3",
    "liblzma.so.5": "liblzma5",
}


class Readiness(Protocol):
    """Asks a server; True once it serves. `close` frees what the asking holds."""

    def __call__(self) -> bool: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Program:
    """How to run one kind of server: `command(port)`, `url(port)`, `readiness(port, pid)`."""

    name: str
    command: Callable[[int], list[str | Path]]
    url: Callable[[int], str]
    readiness: Callable[[int, int], Readiness]
    remedy: str


@dataclass
class RunningServer:
    """A server of ours. `url` is for its clients; `stop` ends it and waits for that."""

    program: Program
    log: Path
    port_file: Path
    inherited: Sequence[int] = ()
    attempts: int = 1
    port: int = field(init=False)
    child: Child = field(init=False)
    readiness: Readiness = field(init=False)

    def __post_init__(self) -> None:
        self._spawn(remembered_port(self.port_file))

    @property
    def url(self) -> str:
        return self.program.url(self.port)

    @property
    def pid(self) -> int:
        return self.child.pid

    def is_ready(self) -> bool:
        """Ask once. Raises EmbeddedServerError when the process has ended."""
        if self.child.is_running:
            ready = self.readiness()
            if ready:
                self.readiness.close()
            return ready
        self._recover()
        return False

    def stop(self) -> None:
        self.readiness.close()
        self.child.stop()

    def _spawn(self, port: int) -> None:
        command = self.program.command(port)
        self.port = port
        self.child = spawn(self.program.name, command, log=self.log, inherited=self.inherited)
        self.readiness = self.program.readiness(port, self.child.pid)

    def _recover(self) -> None:
        """Start again elsewhere when another process was faster to take the port."""
        lines = self.child.last_lines(40)
        self.readiness.close()
        if self.attempts < PORT_ATTEMPTS and any(_PORT_TAKEN.search(line) for line in lines):
            self.attempts += 1
            self._spawn(noted_port(self.port_file))
            return
        raise EmbeddedServerError(_explanation(self.child, self.program.remedy))


def wait_until_ready(server: RunningServer, limit: timedelta = START_LIMIT) -> RunningServer:
    """Block until it serves; otherwise stop it and raise EmbeddedServerError."""
    end = time.monotonic() + limit.total_seconds()
    try:
        while not server.is_ready():
            if time.monotonic() > end:
                raise late(server.child, limit)  # noqa: TRY301  # stopped below like all others
            time.sleep(POLL)
    except BaseException:
        server.stop()
        raise
    return server


def late(child: Child, limit: timedelta) -> EmbeddedServerError:
    """Explain that a child does not serve within `limit`, with the end of its log."""
    first = f"{child.name} did not answer within {limit.total_seconds():.0f} s ({child.log}):"
    return EmbeddedServerError("\n  ".join([first, *child.last_lines()]))


def _explanation(child: Child, remedy: str) -> str:
    lines = child.last_lines()
    first = f"{child.name} ended at start ({child.ending}; {child.log}):"
    return unfitness(child.name, lines, remedy) or "\n  ".join([first, *lines])


def unfitness(name: str, lines: Sequence[str], remedy: str) -> str | None:
    """Explain in one line why a program that wrote these `lines` cannot run on this system."""
    for line in lines:
        if match := _MISSING_LIBRARY.search(line):
            return _missing(name, match["library"], remedy)
        if _UNFIT.search(line):
            return f"{name} does not run on this system ({line.strip()}): {remedy}"
    return None


def _missing(name: str, library: str, remedy: str) -> str:
    package = _DEBIAN_PACKAGES.get(library)
    hint = f"install it (Debian, Ubuntu: apt install {package})" if package else "install it"
    return f"{name} needs the shared library {library}: {hint}; or {remedy}"
