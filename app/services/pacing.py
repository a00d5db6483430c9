"""Pacing: what a provider's account may do at a time and in a minute, over all workers."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from uuid import uuid4

import structlog

from app.documents import paces
from app.documents.base import StoreUnavailableError
from app.documents.paces import LEASE, Answer, Limits
from app.providers.base import ParkedError

log = structlog.get_logger()

# Exchange lets a mailbox send 30 messages a minute, and Graph serves it 4 requests at a time. The
# second more than a minute is for what requests may gain on each other on their way.
MAILBOX = Limits(at_once=4, sends=30, window=timedelta(seconds=61))
# Resend takes as few as five requests a second of a team; some are left for sending.
READING = Limits(at_once=4, sends=6, window=timedelta(seconds=2))
# No job is held longer than this only to wait for others.
PATIENCE = timedelta(seconds=2)
# Who reads comes again: mail that is to be sent shall find a worker free.
_READING_PATIENCE = timedelta(seconds=0.3)
_PAUSE_SECONDS = 0.1
_STORE_AWAY = timedelta(seconds=5)


def mailbox_pacer(tenant: str, mailbox: str) -> "StoredPacer":
    """Make the pacer of a Microsoft 365 mailbox; all accounts for that mailbox share its pace."""
    return StoredPacer(tenant, f"graph:{mailbox.lower()}")


def reading_pacer(tenant: str, account_id: str) -> "StoredPacer":
    """Make the pacer of what is asked of received mail, of all workers, at a Resend account."""
    return StoredPacer(tenant, f"resend:{account_id}", limits=READING)


class StoredTurn:
    """A turn that was given; see `app.providers.base.Turn`."""

    def __init__(self, tenant: str, key: str, holder: str) -> None:
        self._tenant, self._key, self.holder = tenant, key, holder
        self.sent = False

    async def sends(self) -> None:
        with _store_needed():
            if not await paces.begin_send(self._tenant, self._key, self.holder):
                raise ParkedError("the turn to send was lost", retry_after=timedelta(seconds=1))
        self.sent = True


class StoredPacer:
    """Gives turns by what MongoDB holds for (tenant, key); see `app.providers.base.Pacer`.

    Keep one for as long as its account: within a process they queue in it, so that no more ask
    MongoDB at a time than could be let through.
    """

    def __init__(
        self,
        tenant: str,
        key: str,
        *,
        limits: Limits = MAILBOX,
        patience: timedelta = PATIENCE,
    ) -> None:
        self._tenant, self._key, self._limits, self._patience = tenant, key, limits, patience
        self._queue = asyncio.Semaphore(limits.at_once)

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[StoredTurn]:
        """Wait briefly for a turn; raises ParkedError that says when to come again."""
        turn = StoredTurn(self._tenant, self._key, uuid4().hex)

        async def ask() -> Answer:
            return await paces.take(
                self._tenant, self._key, who=who, holder=turn.holder, limits=self._limits
            )

        async with self._held(turn, ask, self._patience):
            yield turn

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Wait briefly for a place; what it is taken for does not count as a send."""
        turn = StoredTurn(self._tenant, self._key, uuid4().hex)

        async def ask() -> Answer:
            return await paces.take_place(
                self._tenant, self._key, holder=turn.holder, limits=self._limits
            )

        async with self._held(turn, ask, min(self._patience, _READING_PATIENCE)):
            yield

    @asynccontextmanager
    async def _held(
        self, turn: StoredTurn, ask: Callable[[], Awaitable[Answer]], patience: timedelta
    ) -> AsyncIterator[None]:
        deadline = time.monotonic() + patience.total_seconds()
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self._queue.acquire()
        except TimeoutError:
            raise _busy() from None
        try:
            with _store_needed():
                await _admit(ask, deadline)
            async with _renewed(self._tenant, self._key, turn.holder):
                yield
        finally:
            try:
                with suppress(StoreUnavailableError):
                    # What cannot be given back ends by itself.
                    await paces.release(self._tenant, self._key, turn.holder, sent=turn.sent)
            finally:
                self._queue.release()


async def _admit(ask: Callable[[], Awaitable[Answer]], deadline: float) -> None:
    while True:
        answer = await _seen_through(ask)
        if answer.granted:
            return
        if answer.wait is not None:
            raise ParkedError("the pace of this account is used up", retry_after=answer.wait)
        if time.monotonic() > deadline:
            raise _busy()
        await asyncio.sleep(_PAUSE_SECONDS)


async def _seen_through(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    asking = asyncio.ensure_future(ask())
    try:
        return await asyncio.shield(asking)
    except asyncio.CancelledError:
        # So that what it took is there to be given back.
        await asyncio.wait([asking])
        raise


@contextmanager
def _store_needed() -> Iterator[None]:
    """Turn an absent MongoDB into a ParkedError: neither mail nor provider is at fault."""
    try:
        yield
    except StoreUnavailableError as error:
        raise ParkedError(
            "the pace of this account is not known now", retry_after=_STORE_AWAY
        ) from error


def _busy() -> ParkedError:
    # Those who were sent away together do not come again together.
    wait = timedelta(seconds=random.uniform(1, 3))  # noqa: S311 - no secret
    return ParkedError("this account is busy with other mail", retry_after=wait)


@asynccontextmanager
async def _renewed(tenant: str, key: str, holder: str) -> AsyncIterator[None]:
    """Keep the lease alive for as long as the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with suppress(StoreUnavailableError):
                if not await paces.extend(tenant, key, holder):
                    log.warning("pace.lost", key=key)
                    return

    renewal = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewal.cancel()
