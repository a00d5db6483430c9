"""The changes of all records, told to whoever follows some of them in this process."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager

import structlog

from app.documents.changes import Change, Happening, Mark, Noun
from app.errors import RateLimitedError, UnavailableError

log = structlog.get_logger()

# As many records may wait for a follower who takes them slowly.
WAITING_LIMIT = 1000
_OPEN_SECONDS = 30.0
_PAUSE_SECONDS = 1.0
_CLOSE_SECONDS = 3.0
_RETRY_SECONDS = 30

Wants = Callable[[Change], bool]


class Follower:
    """What one follower has yet to be told: of each record one change, the longest waiting first.

    So a slow one costs no more memory than a quick one.
    """

    def __init__(self, wants: Wants) -> None:
        self._wants = wants
        self._waiting: dict[tuple[Noun, str], Change] = {}
        self._has_missed = False
        self._arrived = asyncio.Event()

    def tell(self, change: Change) -> None:
        if not self._wants(change):
            return
        key = (change.noun, change.id)
        known = self._waiting.get(key)
        if known is None and len(self._waiting) == WAITING_LIMIT:
            self.tell_of_a_gap()
        elif known is None or change.happening is Happening.DELETED:
            # One that is new is new, whatever happened to it since.
            self._waiting[key] = change
        self._arrived.set()

    def tell_of_a_gap(self) -> None:
        self._waiting.clear()
        self._has_missed = True
        self._arrived.set()

    async def next(self) -> Change | None:
        """Wait for the next change; None when some were missed since the last."""
        await self._arrived.wait()
        if self._has_missed:
            self._has_missed = False
            change = None
        else:
            change = self._waiting.pop(next(iter(self._waiting)))
        if not self._waiting:
            self._arrived.clear()
        return change


class Feed:
    """Follows `watch` for as long as anybody here follows anything.

    A tenant may have at most `limit` followers.
    A follower is told of its own tenant's records only: this is the one place that sees to it.
    """

    def __init__(
        self, watch: Callable[[], AsyncGenerator[Change | Mark, None]], *, limit: int | None = None
    ) -> None:
        self._watch = watch
        self._limit = limit
        self._followers: defaultdict[str, set[Follower]] = defaultdict(set)
        self._opened = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def follow(self, tenant: str, wants: Wants) -> AsyncIterator[Follower]:
        """Follow the tenant's changes that are wanted, every one from when this returns.

        Raises UnavailableError when they cannot be watched at the moment, RateLimitedError when the
        tenant has too many followers already: one change may have work for each of them.
        """
        if self._limit is not None and self.followers_of(tenant) >= self._limit:
            reason = f"There are {self._limit} subscriptions already; complete one first."
            raise RateLimitedError(reason, retry_after=_RETRY_SECONDS)
        follower = Follower(wants)
        self._followers[tenant].add(follower)
        try:
            if self._task is None:
                self._task = asyncio.create_task(self._run(), name="feed")
            await self._until_open()
            yield follower
        finally:
            self._followers[tenant].discard(follower)
            if not self._followers[tenant]:
                del self._followers[tenant]

    def followers_of(self, tenant: str) -> int:
        """How many follow changes of the tenant here."""
        return len(self._followers.get(tenant, ()))

    async def close(self) -> None:
        """Follow nothing any more."""
        self._followers.clear()
        if self._task is not None:
            _, running = await asyncio.wait([self._task], timeout=_CLOSE_SECONDS)
            for task in running:
                task.cancel()

    async def _until_open(self) -> None:
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                await self._opened.wait()
        except TimeoutError as error:
            reason = "Changes cannot be followed at the moment; try again."
            raise UnavailableError(reason) from error

    async def _run(self) -> None:
        try:
            while self._followers and self._task is asyncio.current_task():
                try:
                    await self._pass_on()
                except Exception:
                    log.exception("feed.fault")
                    await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            # At once, so that whoever comes now opens it anew.
            self._stop()

    async def _pass_on(self) -> None:
        async with aclosing(self._watch()) as changes:
            async for told in changes:
                if not self._followers:
                    self._stop()
                    return
                if isinstance(told, Change):
                    for follower in self._followers.get(told.tenant, ()):
                        follower.tell(told)
                elif told is Mark.OPEN:
                    self._open()

    def _open(self) -> None:
        """Whoever was here before may have missed something."""
        if self._opened.is_set():
            for followers in self._followers.values():
                for follower in followers:
                    follower.tell_of_a_gap()
        self._opened.set()

    def _stop(self) -> None:
        if self._task is asyncio.current_task():
            self._task = None
            self._opened.clear()
