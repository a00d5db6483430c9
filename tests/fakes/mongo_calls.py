"""What the service asks MongoDB, as its client tells."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

# What stands for the collection where a whole database is watched.
_FEED = {"$cmd.aggregate"}
_WRITES = {"insert", "update", "findAndModify"}


class MongoCalls(CommandListener):
    """The commands in their order: each by its name and collection, and in full.

    The rest of a long answer (`getMore`) is a call as well. The feed of changes does not count: it
    outlives who followed it by a second.
    """

    def __init__(self) -> None:
        self._listens = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._cancels: tuple[int, asyncio.Task[Any]] | None = None
        self.commands: list[dict[str, Any]] = []
        self._written: set[str] = set()

    @contextmanager
    def listening(self) -> Iterator["MongoCalls"]:
        self.clear()
        self._listens = True
        try:
            yield self
        finally:
            self._listens = False

    @contextmanager
    def cancelling(self, task: asyncio.Task[Any], *, at: int) -> Iterator["MongoCalls"]:
        """Cancel `task` while the call with this number, from 1 on, is on its way."""
        self._loop, self._cancels = asyncio.get_running_loop(), (at, task)
        try:
            with self.listening():
                yield self
        finally:
            self._cancels = None

    @property
    def names(self) -> list[str]:
        """Each as `find templates`, in the order of the alphabet: fields are worked out at once."""
        return sorted(
            f"{name} {command[name]}" for command in self.commands for name in [next(iter(command))]
        )

    def clear(self) -> None:
        self.commands.clear()

    def forget_written(self) -> set[str]:
        """Name the collections that were written to since this was last asked."""
        written, self._written = self._written, set()
        return written

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _WRITES:
            self._written.add(event.command[event.command_name])
        if self._listens and _FEED.isdisjoint(map(str, event.command.values())):
            self.commands.append(dict(event.command))
            if self._loop is not None and self._cancels is not None:
                at, task = self._cancels
                if len(self.commands) == at:
                    self._loop.call_soon_threadsafe(task.cancel)

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


MONGO_CALLS = MongoCalls()
