"""Who follows what, and is told of it, whatever the stream does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack

import pytest

from app.documents.changes import Change, Happening, Mark, Noun
from app.errors import RateLimitedError, UnavailableError
from app.feed import WAITING_LIMIT, Feed, Follower

PATIENCE = 30.0
Told = Change | Mark | Exception


class Stream:
    """A stream that tells what it is given; `opened` counts how often it was begun.

    It idles as fast as it can, so that whoever follows it notices when to stop.
    """

    def __init__(self, *first: Told) -> None:
        self.first = first or (Mark.OPEN,)
        self.told: asyncio.Queue[Told] = asyncio.Queue()
        self.opened = 0
        self.closed = asyncio.Event()

    def tell(self, *told: Told) -> None:
        for one in told:
            self.told.put_nowait(one)

    async def watch(self) -> AsyncGenerator[Change | Mark, None]:
        self.opened += 1
        self.closed.clear()
        try:
            for one in self.first:
                assert not isinstance(one, Exception)
                yield one
            while True:
                told = await self._next()
                if isinstance(told, Exception):
                    raise told
                yield told
        finally:
            self.closed.set()

    async def _next(self) -> Told:
        try:
            async with asyncio.timeout(0.01):
                return await self.told.get()
        except TimeoutError:
            return Mark.IDLE


def change(
    number: int = 1, *, tenant: str = "acme", happening: Happening = Happening.CHANGED
) -> Change:
    return Change(Noun.COMMUNICATION, happening, str(number), tenant)


def everything(change: Change) -> bool:
    return True


async def all_of(follower: Follower, count: int) -> list[Change | None]:
    async with asyncio.timeout(PATIENCE):
        return [await follower.next() for _ in range(count)]


async def test_followers_are_told_of_what_they_want_in_its_order() -> None:
    stream = Stream()

    async with Feed(stream.watch).follow("acme", lambda change: change.id != "2") as follower:
        stream.tell(change(1), change(2), change(3))
        told = await all_of(follower, 2)

    assert told == [change(1), change(3)]


async def test_nobody_is_told_of_another_tenants_records() -> None:
    stream = Stream()
    feed = Feed(stream.watch)

    async with feed.follow("acme", everything) as ours, feed.follow("rival", everything) as theirs:
        stream.tell(change(1, tenant="rival"), change(2), change(3, tenant="rival"))
        assert await all_of(ours, 1) == [change(2)]
        assert await all_of(theirs, 2) == [change(1, tenant="rival"), change(3, tenant="rival")]


async def test_a_tenant_has_no_more_followers_than_are_allowed() -> None:
    feed = Feed(Stream().watch, limit=1)

    async with feed.follow("acme", everything), feed.follow("rival", everything):
        with pytest.raises(RateLimitedError) as refused:
            await feed.follow("acme", everything).__aenter__()
        assert feed.followers_of("acme") == 1
    async with feed.follow("acme", everything):
        assert feed.followers_of("acme") == 1

    assert refused.value.detail == "There are 1 subscriptions already; complete one first."


async def test_one_stream_serves_all_and_ends_after_the_last() -> None:
    stream = Stream()
    feed = Feed(stream.watch)

    async with AsyncExitStack() as stack:
        for tenant in ("acme", "acme", "rival"):
            await stack.enter_async_context(feed.follow(tenant, everything))
        assert stream.opened == 1
        assert not stream.closed.is_set()
    async with asyncio.timeout(PATIENCE):
        await stream.closed.wait()
        async with feed.follow("acme", everything) as follower:
            stream.tell(change())
            assert await follower.next() == change()

    assert stream.opened == 2


async def test_changes_of_one_record_are_told_as_one_to_who_is_slow() -> None:
    follower = Follower(everything)
    for number in (1, 2, 1, 1):
        follower.tell(change(number))

    assert await all_of(follower, 2) == [change(1), change(2)]


@pytest.mark.parametrize(
    ("happenings", "told"),
    [
        ([Happening.CREATED, Happening.CHANGED], Happening.CREATED),
        ([Happening.CHANGED, Happening.DELETED], Happening.DELETED),
        ([Happening.CREATED, Happening.DELETED], Happening.DELETED),
    ],
)
async def test_what_counts_most_of_several_changes_is_told(
    happenings: list[Happening], told: Happening
) -> None:
    follower = Follower(everything)
    for happening in happenings:
        follower.tell(change(happening=happening))

    assert await all_of(follower, 1) == [change(happening=told)]


async def test_who_is_too_slow_is_told_of_a_gap_and_what_follows_it() -> None:
    follower = Follower(everything)
    for number in range(WAITING_LIMIT + 1):
        follower.tell(change(number))
    follower.tell(change(5))

    assert await all_of(follower, 2) == [None, change(5)]


async def test_lost_history_is_told_to_all() -> None:
    stream = Stream()
    feed = Feed(stream.watch)

    async with feed.follow("acme", everything) as one, feed.follow("rival", everything) as other:
        stream.tell(change(1), Mark.OPEN, change(2))
        assert await all_of(one, 2) == [None, change(2)]
        assert await all_of(other, 1) == [None]


async def test_a_fault_of_the_stream_is_told_as_a_gap_and_mended() -> None:
    stream = Stream()

    async with Feed(stream.watch).follow("acme", everything) as follower:
        stream.tell(RuntimeError("a fault"))
        assert await all_of(follower, 1) == [None]
        stream.tell(change(1))
        assert await all_of(follower, 1) == [change(1)]

    assert stream.opened == 2


async def test_a_stream_that_does_not_open_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.feed._OPEN_SECONDS", 0.05)
    stream = Stream(Mark.IDLE)
    feed = Feed(stream.watch)

    with pytest.raises(UnavailableError, match="Changes cannot be followed at the moment"):
        async with feed.follow("acme", everything):
            pass
    async with asyncio.timeout(PATIENCE):
        await stream.closed.wait()


async def test_closing_ends_the_stream_of_those_who_still_follow() -> None:
    stream = Stream()
    feed = Feed(stream.watch)

    async with feed.follow("acme", everything):
        await feed.close()
        assert stream.closed.is_set()
