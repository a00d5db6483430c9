import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest

from app.providers.base import OutgoingMessage, Receipt
from app.providers.pool import ProviderPool


class Provider:
    def __init__(self, *, fails: bool = False) -> None:
        self.closed = 0
        self._fails = fails

    async def send(self, message: OutgoingMessage) -> Receipt:
        raise NotImplementedError

    async def identify(self, provider_id: str) -> str | None:
        raise NotImplementedError

    async def verify(self) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        self.closed += 1
        if self._fails:
            raise OSError("the connection is gone")


@pytest.fixture
async def pool() -> AsyncIterator[ProviderPool]:
    pool = ProviderPool(idle_limit=timedelta(seconds=0.1))
    yield pool
    await pool.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nothing tells when a provider was closed
            await asyncio.sleep(0.01)


async def test_a_provider_is_opened_once_and_kept(pool: ProviderPool) -> None:
    opened: list[Provider] = []

    def open_() -> Provider:
        opened.append(Provider())
        return opened[-1]

    for _ in range(3):
        async with pool.lend("a", 1, open_) as first, pool.lend("a", 1, open_) as second:
            assert first is second is opened[0]
    async with pool.lend("b", 1, open_) as other:
        assert other is opened[1]

    assert len(opened) == 2
    await pool.close()
    assert [one.closed for one in opened] == [1, 1]


async def test_a_changed_account_gets_a_new_provider(pool: ProviderPool) -> None:
    old, new = Provider(), Provider()
    async with pool.lend("a", 1, lambda: old):
        pass

    async with pool.lend("a", 2, lambda: new) as lent:
        assert lent is new
        await until(lambda: old.closed == 1)
        # Who read the account before its change is no reason to go back.
        async with pool.lend("a", 1, lambda: old) as late:
            assert late is new

    assert new.closed == 0


async def test_who_has_mails_in_hand_is_closed_after_them(pool: ProviderPool) -> None:
    old, new = Provider(), Provider()

    async with pool.lend("a", 1, lambda: old):
        async with pool.lend("a", 2, lambda: new):
            pass
        await asyncio.sleep(0)
        assert old.closed == 0

    await until(lambda: old.closed == 1)
    assert new.closed == 0


async def test_who_is_not_used_is_closed(pool: ProviderPool) -> None:
    idle, busy = Provider(), Provider()
    async with pool.lend("busy", 1, lambda: busy):
        async with pool.lend("idle", 1, lambda: idle):
            pass
        await until(lambda: idle.closed == 1)
        assert busy.closed == 0

    await until(lambda: busy.closed == 1)
    again = Provider()
    async with pool.lend("idle", 1, lambda: again) as lent:
        assert lent is again


async def test_what_cannot_be_opened_is_not_kept(pool: ProviderPool) -> None:
    def fail() -> Provider:
        raise ValueError("no key")

    with pytest.raises(ValueError, match="no key"):
        async with pool.lend("a", 1, fail):
            pass
    good = Provider()
    async with pool.lend("a", 1, lambda: good) as lent:
        assert lent is good


async def test_a_failing_hand_over_gives_the_provider_back(pool: ProviderPool) -> None:
    provider = Provider()
    with pytest.raises(ZeroDivisionError):
        async with pool.lend("a", 1, lambda: provider):
            raise ZeroDivisionError

    await until(lambda: provider.closed == 1)


async def test_one_that_cannot_be_closed_holds_nobody_up(pool: ProviderPool) -> None:
    bad, good = Provider(fails=True), Provider()
    async with pool.lend("bad", 1, lambda: bad), pool.lend("good", 1, lambda: good):
        pass

    await pool.close()

    assert (bad.closed, good.closed) == (1, 1)
