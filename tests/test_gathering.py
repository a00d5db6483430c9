import asyncio
from collections.abc import Sequence

import pytest

from app.gathering import Gathering


class Calls:
    """Doubles numbers; odd ones over a hundred are refused, and all of a group with a zero."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_go_on = asyncio.Event()

    async def answer(self, numbers: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append(list(numbers))
        await self.may_go_on.wait()
        if 0 in numbers:
            raise ZeroDivisionError
        return [
            ValueError(number) if number > 100 and number % 2 else number * 2 for number in numbers
        ]


@pytest.fixture
def calls() -> Calls:
    return Calls()


async def test_who_asks_alone_is_answered_at_once(calls: Calls) -> None:
    calls.may_go_on.set()
    gathering = Gathering[int, int](calls.answer)

    assert [await gathering.ask(1), await gathering.ask(2)] == [2, 4]
    assert calls.groups == [[1], [2]]


async def test_what_is_asked_meanwhile_is_answered_together(calls: Calls) -> None:
    gathering = Gathering[int, int](calls.answer)
    first = asyncio.create_task(gathering.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(gathering.ask(number)) for number in range(2, 5)]
    await asyncio.sleep(0)

    calls.may_go_on.set()

    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert calls.groups == [[1], [2, 3, 4]]


async def test_a_refusal_is_for_the_one_it_is_about(calls: Calls) -> None:
    calls.may_go_on.set()
    gathering = Gathering[int, int](calls.answer)

    given = await asyncio.gather(*map(gathering.ask, (1, 103, 2)), return_exceptions=True)

    assert (given[0], given[2]) == (2, 4)
    assert isinstance(given[1], ValueError)


async def test_what_fails_fails_for_the_whole_group_and_no_other(calls: Calls) -> None:
    calls.may_go_on.set()
    gathering = Gathering[int, int](calls.answer)

    given = await asyncio.gather(*map(gathering.ask, (1, 0)), return_exceptions=True)

    assert [type(one) for one in given] == [ZeroDivisionError, ZeroDivisionError]
    assert await gathering.ask(1) == 2


async def test_who_stops_waiting_holds_up_nobody(calls: Calls) -> None:
    gathering = Gathering[int, int](calls.answer)
    first, second = (asyncio.create_task(gathering.ask(number)) for number in (1, 2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    calls.may_go_on.set()

    assert await second == 4
    assert first.cancelled()
    assert [number for group in calls.groups for number in group] == [1, 2]


async def test_a_group_is_not_endless(calls: Calls) -> None:
    calls.may_go_on.set()
    gathering = Gathering[int, int](calls.answer)

    given = await asyncio.gather(*(gathering.ask(2 * number + 2) for number in range(250)))

    assert given == [4 * number + 4 for number in range(250)]
    assert [len(group) for group in calls.groups] == [100, 100, 50]


async def test_who_waits_for_what_is_cancelled_is_cancelled() -> None:
    async def cancelled(_: Sequence[int]) -> Sequence[int]:
        raise asyncio.CancelledError

    gathering = Gathering[int, int](cancelled)

    given = await asyncio.gather(gathering.ask(1), gathering.ask(2), return_exceptions=True)

    assert [type(one) for one in given] == [asyncio.CancelledError] * 2
