import asyncio
from contextlib import suppress

from app.room import Room

Log = list[str]


async def hold(room: Room, octets: int, log: Log, name: str, until: asyncio.Event) -> None:
    async with room.taken(octets):
        log.append(name)
        await until.wait()


def begin(room: Room, octets: int, log: Log, name: str) -> tuple[asyncio.Task[None], asyncio.Event]:
    until = asyncio.Event()
    return asyncio.create_task(hold(room, octets, log, name, until)), until


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def end(*tasks: tuple[asyncio.Task[None], asyncio.Event]) -> None:
    for _, until in tasks:
        until.set()
    await asyncio.gather(*(task for task, _ in tasks))


async def test_what_fits_is_let_in_at_once() -> None:
    room, log = Room(10), Log()

    first, second = begin(room, 4, log, "a"), begin(room, 6, log, "b")
    await settle()

    assert log == ["a", "b"]
    await end(first, second)


async def test_what_does_not_fit_waits_until_there_is_room() -> None:
    room, log = Room(10), Log()
    first, second = begin(room, 6, log, "a"), begin(room, 5, log, "b")
    await settle()
    assert log == ["a"]

    await end(first)
    await settle()

    assert log == ["a", "b"]
    await end(second)


async def test_something_small_does_not_pass_by_something_large() -> None:
    room, log = Room(10), Log()
    first, large, small = (begin(room, n, log, str(n)) for n in (6, 9, 1))
    await settle()
    assert log == ["6"]

    await end(first)
    await settle()

    assert log == ["6", "9", "1"]
    await end(large, small)


async def test_what_is_larger_than_the_room_has_it_all() -> None:
    room, log = Room(10), Log()
    large, other = begin(room, 99, log, "large"), begin(room, 1, log, "other")
    await settle()
    assert log == ["large"]

    await end(large)
    await settle()

    assert log == ["large", "other"]
    await end(other)


async def test_nothing_needs_no_room() -> None:
    room, log = Room(10), Log()
    first, waiting, nothing = (begin(room, n, log, str(n)) for n in (10, 5, 0))

    await settle()

    assert log == ["10", "0"]
    await end(first, waiting, nothing)


async def test_whoever_stops_waiting_is_not_waited_for() -> None:
    room, log = Room(10), Log()
    first, gone, other = (begin(room, n, log, str(n)) for n in (6, 9, 4))
    await settle()

    gone[0].cancel()
    await settle()

    assert log == ["6", "4"]
    await end(first, other)


async def test_whoever_is_cancelled_when_let_in_gives_the_room_back() -> None:
    room, log = Room(10), Log()
    async with room.taken(10):
        gone, other = (begin(room, n, log, str(n)) for n in (9, 8))
        await settle()

    # Its turn has come, and it has not noticed yet.
    gone[0].cancel()
    with suppress(asyncio.CancelledError):
        await gone[0]
    await settle()

    assert log == ["8"]
    await end(other)
    async with asyncio.timeout(1), room.taken(10):
        log.append("all")
    assert log == ["8", "all"]


async def test_a_fault_gives_the_room_back() -> None:
    room = Room(10)

    with suppress(ZeroDivisionError):
        async with room.taken(10):
            raise ZeroDivisionError

    async with asyncio.timeout(1), room.taken(10):
        pass
