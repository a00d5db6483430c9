"""The providers of accounts, opened when they are first needed and kept between mails."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from app.providers.base import EmailProvider

log = structlog.get_logger()

IDLE_LIMIT = timedelta(minutes=5)


@dataclass
class _Entry:
    provider: EmailProvider
    version: int
    users: int = 0
    unused_since: float = 0.0


class ProviderPool:
    """One provider for each account. It is closed when the account was changed or nobody uses it.

    A provider that has mails in its hands is closed when the last of them is done.
    """

    def __init__(self, *, idle_limit: timedelta = IDLE_LIMIT) -> None:
        self._idle_limit = idle_limit.total_seconds()
        self._kept: dict[str, _Entry] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def lend(
        self, id_: str, version: int, open_: Callable[[], EmailProvider]
    ) -> AsyncIterator[EmailProvider]:
        """Lend the provider of the account `id_`, opened by `open_` where there is none.

        Of two versions of the account the higher one is kept. Raises what `open_` raises.
        """
        entry = self._kept.get(id_)
        if entry is None or entry.version < version:
            opened = _Entry(open_(), version)
            if entry is not None and entry.users == 0:
                self._close(entry)
            entry = self._kept[id_] = opened
        entry.users += 1
        try:
            yield entry.provider
        finally:
            entry.users -= 1
            entry.unused_since = time.monotonic()
            if entry.users == 0 and self._kept.get(id_) is not entry:
                self._close(entry)
            elif self._watch is None:
                self._watch = asyncio.create_task(self._close_idle())

    async def close(self) -> None:
        """Close all of them."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._kept:
            self._close(self._kept.popitem()[1])
        while self._closing:
            await asyncio.wait(self._closing)

    async def _close_idle(self) -> None:
        """Close who is not used any more, for as long as there is anyone."""
        while self._kept:
            await asyncio.sleep(self._idle_limit / 2)
            last = time.monotonic() - self._idle_limit
            for id_, entry in list(self._kept.items()):
                if entry.users == 0 and entry.unused_since < last:
                    self._close(self._kept.pop(id_))
        self._watch = None

    def _close(self, entry: _Entry) -> None:
        """Have it closed, and wait for nothing: a mail may be in between."""
        task = asyncio.create_task(_closed(entry.provider))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _closed(provider: EmailProvider) -> None:
    try:
        await provider.close()
    except Exception:
        log.exception("provider.unclosed")
