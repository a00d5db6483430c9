"""The processes of a stack: watched while they run, stopped in order, noted by their ids."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from app.dev.errors import InterruptedStack, StackError
from app.dev.folder import DataFolder
from app.dev.output import say
from app.dev.signals import StopSignals
from app.embedded.process import Child, wait_for_end
from app.embedded.servers import late

# Whoever uses another stops before it; `worker-2` is a `worker`.
STOP_ORDER = ("inbound", "api", "worker", "inbox", "redis", "mongod")
# Longer than the 10 s that the API gives to open requests.
GRACE = timedelta(seconds=12)
# When one has failed the others may wait for it in vain.
SHORT_GRACE = timedelta(seconds=3)
HURRY = timedelta(seconds=1)
READY_LIMIT = timedelta(seconds=60)
POLL = 0.02
LOG_LIMIT = 10 * 1024 * 1024
LOG_CHECK = timedelta(seconds=10)


class Service(Protocol):
    """A process and the question whether it serves; `is_ready` may replace the process."""

    @property
    def child(self) -> Child: ...

    def is_ready(self) -> bool: ...


@dataclass(frozen=True)
class ChildService:
    """A process of ours; `answers` asks once whether it serves."""

    child: Child
    answers: Callable[[], bool]

    def is_ready(self) -> bool:
        if not self.child.is_running:
            raise StackError(_obituary(self.child))
        return self.answers()


class Services:
    """Keeps the services together: if one ends, all do."""

    def __init__(self, folder: DataFolder, signals: StopSignals) -> None:
        self._folder = folder
        self._signals = signals
        self._started: list[Service] = []
        self._ready: list[Service] = []

    def add(self, service: Service) -> None:
        self._started.append(service)
        self._note(service)

    def wait(self, awaited: Sequence[Service]) -> None:
        """Return once all of `awaited` serve; raises like `check`, or when they are too late."""
        begin = time.monotonic()
        while pending := [service for service in awaited if service not in self._ready]:
            self.check()
            for service in pending:
                if service.is_ready():
                    self._note(service)
                    self._ready.append(service)
                    say(f"  {service.child.name} ready ({time.monotonic() - begin:.1f} s)")
            if time.monotonic() - begin > READY_LIMIT.total_seconds():
                raise StackError(str(late(pending[0].child, READY_LIMIT)))
            time.sleep(POLL)

    def check(self) -> None:
        """Raise InterruptedStack after a signal, StackError when one that served has ended."""
        if self._signals.count:
            raise InterruptedStack
        for service in self._ready:
            if not service.child.is_running:
                raise StackError(_obituary(service.child))

    def watch(self) -> None:
        """Look after the services until `check` raises."""
        next_look = time.monotonic()
        while True:
            self.check()
            if time.monotonic() > next_look:
                next_look = time.monotonic() + LOG_CHECK.total_seconds()
                for service in self._started:
                    shorten_log(service.child)
            time.sleep(0.1)

    def stop(self, grace: timedelta = GRACE) -> None:
        """End all, one after the other, each within `grace`; another signal hurries."""
        asked = self._signals.count
        left = sorted((service.child for service in self._started), key=_stop_rank)
        while left and self._signals.count == asked:
            self._stop_one(left[0], asked, grace)
            if not left[0].is_running:
                self._forget(left.pop(0))
        for child in left:
            child.ask_to_end()
        wait_for_end(left, HURRY)
        for child in left:
            child.stop(timedelta(0))
            self._forget(child)

    def _stop_one(self, child: Child, asked: int, grace: timedelta) -> None:
        end = time.monotonic() + grace.total_seconds()
        child.ask_to_end()
        while child.is_running and self._signals.count == asked:
            if time.monotonic() > end:
                say(f"  {child.name} does not end and is killed")
                child.kill()
            time.sleep(POLL)

    def _note(self, service: Service) -> None:
        self._folder.pid_file(service.child.name).write_text(f"{service.child.pid}\n", "ascii")

    def _forget(self, child: Child) -> None:
        self._folder.pid_file(child.name).unlink(missing_ok=True)


def _stop_rank(child: Child) -> int:
    return STOP_ORDER.index(child.name.partition("-")[0])


def shorten_log(child: Child) -> None:
    """Move what a large log holds to `NAME.log.1`; the process goes on in the emptied file."""
    if child.log.exists() and child.log.stat().st_size > LOG_LIMIT:
        shutil.copyfile(child.log, child.log.with_name(f"{child.log.name}.1"))
        # Every writer appends, so it continues at the new end.
        with child.log.open("r+b") as log:
            log.truncate()


def _obituary(child: Child) -> str:
    lines = [f"{child.name} ended ({child.ending}); the end of {child.log}:", *child.last_lines()]
    return "\n    ".join(lines)
