import asyncio
import json
import random
import sys
import time
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from app.context import Deps
from app.documents import paces
from app.documents.paces import Limits, Pace
from app.providers.base import ParkedError
from app.services.pacing import MAILBOX, StoredPacer
from tests.documents.pace_book import row


async def test_several_processes_together_keep_both_limits(deps: Deps) -> None:
    settings = deps.settings
    workers = [
        await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                "-m",
                "tests.services.pacing_worker",
                settings.mongo_url,
                settings.mongo_database,
                name,
            ),
            stdout=asyncio.subprocess.PIPE,
        )
        for name in ("one", "two", "three")
    ]
    outputs = [(await worker.communicate())[0] for worker in workers]

    told = [tuple(mail) for output in outputs for mail in json.loads(output)]

    assert len(told) == 36
    steps = sorted([(began, 1) for began, *_ in told] + [(ended, -1) for *_, ended in told])
    assert max(accumulate(step for _, step in steps)) <= 4
    # MongoDB counts it somewhere between the two moments that its worker knows.
    earliest = sorted(before for _, before, _, _ in told)
    latest = sorted(after for _, _, after, _ in told)
    assert all(late - early > 0.998 for early, late in zip(earliest, latest[8:], strict=False))
    assert len((await row())["leases"]) == 0


async def test_in_one_process_mails_queue_for_a_moment(deps: Deps) -> None:
    pacer = StoredPacer("acme", "box", limits=Limits(2, 100, timedelta(seconds=60)))
    inside = 0
    seen: list[int] = []

    async def mail(who: str) -> None:
        nonlocal inside
        async with pacer.turn(who) as turn:
            inside += 1
            seen.append(inside)
            await asyncio.sleep(0.01)
            await turn.sends()
            inside -= 1

    await asyncio.gather(*(mail(str(number)) for number in range(12)))

    assert len(seen) == 12
    assert max(seen) == 2


async def test_who_does_not_get_its_turn_soon_is_sent_away(deps: Deps) -> None:
    limits = Limits(1, 100, timedelta(seconds=60))
    pacer, other = (
        StoredPacer("acme", "box", limits=limits, patience=timedelta(seconds=0.2)) for _ in range(2)
    )
    async with pacer.turn("first"):
        # In this process, and in another.
        for asked in (pacer, other):
            began = time.monotonic()
            with pytest.raises(ParkedError) as parked:
                async with asked.turn("second"):
                    pass
            assert time.monotonic() - began < 2
            assert parked.value.retry_after is not None
            assert timedelta(seconds=1) <= parked.value.retry_after <= timedelta(seconds=3)
    async with other.turn("second"):
        assert len((await row())["leases"]) == 1


async def test_a_mailbox_sends_thirty_in_a_minute(deps: Deps) -> None:
    pacer = StoredPacer("acme", "box")
    for number in range(30):
        async with pacer.turn(str(number)) as turn:
            await turn.sends()

    began = time.monotonic()
    waits = []
    for number in range(30, 33):
        with pytest.raises(ParkedError) as parked:
            async with pacer.turn(str(number)):
                pass
        assert parked.value.retry_after is not None
        waits.append(parked.value.retry_after.total_seconds())

    assert time.monotonic() - began < 2
    assert 30 < waits[0] <= 61
    assert all(1.5 < late - early < 30 for early, late in pairwise(waits))
    assert Limits(at_once=4, sends=30, window=timedelta(seconds=61)) == MAILBOX


async def test_a_turn_that_was_lost_sends_nothing(deps: Deps) -> None:
    pacer = StoredPacer("acme", "box")
    async with pacer.turn("mail") as turn:
        await Pace.get_motor_collection().update_one({}, {"$set": {"leases": []}})

        with pytest.raises(ParkedError):
            await turn.sends()


async def test_a_turn_is_kept_for_as_long_as_it_takes(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("app.documents.paces", "app.services.pacing"):
        monkeypatch.setattr(f"{module}.LEASE", timedelta(seconds=0.6))
    pacer = StoredPacer("acme", "box", limits=Limits(1, 9, timedelta(seconds=60)))

    async with pacer.turn("long"):
        await asyncio.sleep(1.5)
        answer = await paces.take(
            "acme", "box", who="b", holder="b", limits=Limits(1, 9, timedelta(seconds=60))
        )

    assert not answer.granted


@pytest.mark.parametrize("after", [0, 0.001, 0.003, 0.01, 0.05])
async def test_whoever_is_cancelled_leaves_nothing_taken(deps: Deps, after: float) -> None:
    pacer = StoredPacer("acme", "box")

    async def mail(who: str) -> None:
        async with pacer.turn(who):
            await asyncio.sleep(60)

    jobs = [asyncio.create_task(mail(str(number))) for number in range(6)]
    await asyncio.sleep(after * random.uniform(1, 2))  # noqa: S311 - no secret
    for job in jobs:
        job.cancel()
    results = await asyncio.gather(*jobs, return_exceptions=True)

    assert {type(result) for result in results} == {asyncio.CancelledError}
    async with pacer.turn("next"):
        assert len((await row())["leases"]) == 1


async def test_without_mongodb_the_mail_is_parked(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*args: object, **options: object) -> None:
        raise ServerSelectionTimeoutError("nobody there")

    pacer = StoredPacer("acme", "box")
    monkeypatch.setattr(paces, "take", away)

    with pytest.raises(ParkedError) as parked:
        async with pacer.turn("mail"):
            pass

    assert parked.value.retry_after == timedelta(seconds=5)
