import asyncio
import time

import pytest

from app.context import Caller
from graphql_schema.limits.turns import FREE, Turns

ALICE = Caller(tenant="acme", user="alice", scopes=frozenset())
BOB = Caller(tenant="acme", user="bob", scopes=frozenset())
KEY = Caller(tenant="acme", user="key:1", scopes=frozenset(), key_id="1")


def work() -> None:
    end = time.thread_time() + 2 * FREE.total_seconds()
    while time.thread_time() < end:
        pass


async def test_a_dear_turn_is_followed_by_a_pause_for_its_caller_alone() -> None:
    turns, order = Turns(), list[str]()

    async def dear(name: str) -> None:
        async with turns.taken(ALICE):
            order.append(name)
            work()

    async def cheap(caller: Caller | None, name: str) -> None:
        async with turns.taken(caller):
            order.append(name)

    # All of them are ready at once; the first one's pause keeps the second one waiting.
    others = [cheap(BOB, "bob"), cheap(KEY, "key"), cheap(None, "nobody")]
    await asyncio.gather(dear("first"), dear("second"), *others)

    assert order == ["first", "bob", "key", "nobody", "second"]
    assert turns.callers == 0


async def test_what_fails_has_had_its_turn_too() -> None:
    turns = Turns()

    async def failing() -> None:
        async with turns.taken(ALICE):
            work()
            raise ValueError("refused")

    begun = time.monotonic()
    with pytest.raises(ValueError, match="refused"):
        await failing()

    assert time.monotonic() - begun >= 3 * FREE.total_seconds()
    assert turns.callers == 0


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    turns = Turns()

    async def holding(begun: asyncio.Event, end: asyncio.Event) -> None:
        async with turns.taken(ALICE):
            begun.set()
            await end.wait()

    begun, end = asyncio.Event(), asyncio.Event()
    holder = asyncio.create_task(holding(begun, end))
    await begun.wait()
    waiting = asyncio.create_task(holding(asyncio.Event(), end))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert turns.callers == 1

    end.set()
    await holder
    assert turns.callers == 0
