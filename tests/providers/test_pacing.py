from datetime import timedelta

import pytest

from app.providers.base import ParkedError
from app.providers.pacing import Pace


class Seconds:
    def __init__(self) -> None:
        self.passed = 1000.0

    def __call__(self) -> float:
        return self.passed


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def pace(seconds: Seconds) -> Pace:
    return Pace(seconds)


async def told(pace: Pace) -> timedelta | None:
    """When a mail is told to come back; None when it got its turn."""
    try:
        await pace.turn()
    except ParkedError as parked:
        return parked.retry_after
    return None


async def test_nobody_waits_before_a_limit_is_known(pace: Pace) -> None:
    assert [await told(pace) for _ in range(1000)] == [None] * 1000


async def test_those_who_do_not_get_a_turn_come_back_one_by_one(pace: Pace) -> None:
    pace.learn(1000, 1)
    pace.pause(10)

    assert [await told(pace) for _ in range(3)] == [
        timedelta(seconds=10),
        timedelta(seconds=10, milliseconds=1),
        timedelta(seconds=10, milliseconds=2),
    ]


async def test_turns_go_on_when_the_pause_is_over(pace: Pace, seconds: Seconds) -> None:
    pace.learn(1000, 1)
    pace.pause(10)
    assert await told(pace) is not None
    seconds.passed += 10

    assert [await told(pace) for _ in range(5)] == [None] * 5


async def test_a_shorter_pause_does_not_end_a_longer_one(pace: Pace) -> None:
    pace.pause(10)
    pace.pause(3)

    assert await told(pace) == timedelta(seconds=10)


async def test_no_word_of_a_service_stops_the_account_for_good(
    pace: Pace, seconds: Seconds
) -> None:
    pace.learn(1, 10**6)
    pace.pause(10**9)

    assert await told(pace) == timedelta(days=1)
    seconds.passed += 24 * 3600
    assert await told(pace) is None
    assert await told(pace) == timedelta(seconds=60)
    seconds.passed += 60
    assert await told(pace) is None
