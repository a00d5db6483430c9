"""The list of hits that wait: what one process appends, another takes, and nobody loses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app import waiting_hits
from app.embedded.ports import free_port
from app.waiting_hits import HITS, HOLDER, WaitingHits


class Beside:
    """Where hits go that Redis does not take; those named `odd` go wrong."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []

    async def __call__(self, hits: Sequence[bytes]) -> Sequence[Exception | None]:
        self.groups.append(list(hits))
        return [ValueError("odd") if hit == b"odd" else None for hit in hits]


@pytest.fixture
def beside() -> Beside:
    return Beside()


@pytest.fixture
async def hits(redis: Redis, redis_url: str) -> AsyncIterator[WaitingHits]:
    await redis.flushdb()
    hits = WaitingHits(redis_url)
    yield hits
    await hits.close()


@pytest.fixture
async def unreachable() -> AsyncIterator[WaitingHits]:
    hits = WaitingHits(f"redis://127.0.0.1:{free_port()}/0")
    yield hits
    await hits.close()


@pytest.fixture
def append(hits: WaitingHits, beside: Beside) -> Callable[..., Awaitable[None]]:
    async def all_at_once(*given: bytes) -> None:
        await asyncio.gather(*(hits.append(one, beside) for one in given))

    return all_at_once


async def test_hits_that_come_together_are_appended_together(
    hits: WaitingHits, append: Callable[..., Awaitable[None]], redis: Redis, beside: Beside
) -> None:
    await redis.config_resetstat()

    await append(*(str(number).encode() for number in range(250)))

    told = await redis.info("commandstats")
    # A hundred at a time, as whatever is gathered.
    assert told["cmdstat_rpush"]["calls"] == 3
    assert await hits.take("one", 999) == [str(number).encode() for number in range(250)]
    assert beside.groups == []


async def test_what_is_taken_stays_until_it_is_dropped(
    hits: WaitingHits, append: Callable[..., Awaitable[None]]
) -> None:
    await append(b"a", b"b", b"c")

    first = await hits.take("one", 2)
    again = await hits.take("one", 2)
    await append(b"d")
    await hits.drop("one", 2)

    assert first == again == [b"a", b"b"]
    assert await hits.take("one", 9) == [b"c", b"d"]


async def test_one_holds_the_list_until_it_is_empty_or_left(
    hits: WaitingHits, append: Callable[..., Awaitable[None]], redis: Redis
) -> None:
    await append(b"a", b"b")
    await hits.take("one", 1)

    held = await hits.take("two", 9)
    await hits.leave("two")
    still = await hits.take("two", 9)
    await hits.leave("one")
    after = await hits.take("two", 9)
    await hits.drop("two", 2)
    await append(b"c")
    kept = await hits.take("one", 9)

    assert (held, still, after, kept) == ([], [], [b"a", b"b"], [])
    await hits.drop("two", 1)
    assert await hits.take("two", 9) == []
    # An empty list is nobody's: what comes now is anybody's.
    assert await redis.get(HOLDER) is None


async def test_who_lost_the_list_drops_nothing_of_it(
    hits: WaitingHits, append: Callable[..., Awaitable[None]], redis: Redis
) -> None:
    await append(b"a", b"b", b"c")
    await hits.take("slow", 2)
    lifetime = await redis.pttl(HOLDER)
    # What time does to whoever is not heard of.
    await redis.delete(HOLDER)
    await hits.drop("slow", 2)

    taken = await hits.take("next", 2)
    await hits.drop("slow", 2)
    await hits.drop("next", 2)

    assert 0 < lifetime <= 10_000
    assert taken == [b"a", b"b"]
    assert await hits.take("next", 9) == [b"c"]


async def test_without_redis_they_are_counted_at_once(
    unreachable: WaitingHits, beside: Beside
) -> None:
    with capture_logs() as logs:
        answers = await asyncio.gather(
            *(unreachable.append(one, beside) for one in (b"a", b"odd", b"c")),
            return_exceptions=True,
        )
        await unreachable.append(b"d", beside)

    assert beside.groups == [[b"a", b"odd", b"c"], [b"d"]]
    assert [type(one) for one in answers] == [type(None), ValueError, type(None)]
    # It is asked again after a while only.
    assert [log["event"] for log in logs] == ["waiting_hits.unreachable"]


async def test_a_silent_redis_is_given_up_soon(
    beside: Beside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_hits, "_PATIENCE", 0.1)

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    silent = WaitingHits(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0")

    with capture_logs() as logs:
        await silent.append(b"a", beside)

    assert beside.groups == [[b"a"]]
    assert [log["error"] for log in logs] == ["TimeoutError"]
    await silent.close()
    server.close()


async def test_a_redis_that_comes_back_is_used_again(
    hits: WaitingHits, append: Callable[..., Awaitable[None]], redis: Redis, beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(waiting_hits, "_PAUSE", 0)
    database = (await redis.client_info())["db"]
    before = {client["id"] for client in await redis.client_list()}
    await append(b"a")
    clients = await redis.client_list()
    [ours] = [one["id"] for one in clients if one["db"] == str(database)
              and one["id"] not in before]  # fmt: skip
    await redis.client_kill_filter(_id=ours)

    await append(b"b")
    await append(b"c")

    assert beside.groups == [[b"b"]]
    assert await hits.take("one", 9) == [b"a", b"c"]


async def test_a_redis_that_is_back_has_what_could_not_be_counted(
    hits: WaitingHits, append: Callable[..., Awaitable[None]], redis: Redis, beside: Beside
) -> None:
    await redis.set(HITS, "no list")
    await append(b"a")
    await redis.delete(HITS)

    # Redis is not asked yet, and the other one fails.
    answers = await asyncio.gather(
        *(hits.append(one, beside) for one in (b"odd", b"c")), return_exceptions=True
    )

    assert answers == [None, None]
    assert beside.groups == [[b"a"], [b"odd", b"c"]]
    assert await hits.take("one", 9) == [b"odd"]


async def test_a_redis_that_will_take_no_more_is_left_alone(
    hits: WaitingHits, append: Callable[..., Awaitable[None]], redis: Redis, beside: Beside
) -> None:
    await redis.set(HITS, "no list")

    with capture_logs() as logs:
        await append(b"a")

    assert beside.groups == [[b"a"]]
    assert [log["error"] for log in logs] == ["ResponseError"]


async def test_beyond_the_limit_they_are_counted_at_once(
    hits: WaitingHits,
    append: Callable[..., Awaitable[None]],
    beside: Beside,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waiting_hits, "LIMIT", 2)

    with capture_logs() as logs:
        await append(b"a", b"b")
        await append(b"c")
        await append(b"d")

    assert await hits.take("one", 9) == [b"a", b"b", b"c"]
    assert beside.groups == [[b"d"]]
    assert [(log["event"], log["waiting"]) for log in logs] == [("waiting_hits.full", 3)]


async def test_while_nobody_answers_no_more_wait_than_there_is_room_for(
    unreachable: WaitingHits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_hits, "BACKLOG", 3)
    go_on = asyncio.Event()

    async def slowly(hits: Sequence[bytes]) -> Sequence[Exception | None]:
        await go_on.wait()
        return [None] * len(hits)

    asking = [asyncio.create_task(unreachable.append(b"a", slowly)) for _ in range(9)]
    await asyncio.sleep(0)
    with pytest.raises(ConnectionError, match="neither Redis nor MongoDB answers"):
        await unreachable.append(b"b", slowly)
    go_on.set()

    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None)] * 3 + [ConnectionError] * 6
    await unreachable.append(b"c", slowly)


async def test_without_redis_nothing_is_taken(unreachable: WaitingHits) -> None:
    for asked in (
        unreachable.take("one", 1),
        unreachable.drop("one", 1),
        unreachable.leave("one"),
    ):
        with pytest.raises(ConnectionError, match="Redis does not answer"):
            await asked
