"""Whoever asks the same at the same time gets one answer, and that of their own time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.context import Deps
from app.documents import analytics
from app.documents.analytics import Part, Period
from app.documents.communications import Communication
from app.documents.gathered_tallies import GatheredTallies
from app.documents.totals import counting
from app.documents.vocabulary import CommunicationStatus

Store = Callable[..., Awaitable[Communication]]
EVER = Period(None, None)


@pytest.fixture
def store_sent(store_communication: Store, deps: Deps) -> Store:
    """A record of a tenant that was handed over, and that the totals are told of."""

    async def store(tenant: str, tracking_id: str) -> Communication:
        record = await store_communication(
            tenant_id=tenant,
            tracking_id=tracking_id,
            status=CommunicationStatus.SENT,
            sent_at=deps.now(),
        )
        flag = {"$set": {"isUncounted": True}}
        await Communication.get_motor_collection().update_one({"_id": record.id}, flag)
        return record

    return store


@pytest.mark.parametrize("is_counted", [True, False])
async def test_each_question_has_its_own_answer(
    deps: Deps, store_sent: Store, is_counted: bool
) -> None:
    for number, tenant in enumerate(["acme", "globex", "globex"]):
        await store_sent(tenant, str(number))
        if is_counted:
            ledger = await counting.begin(tenant, now=deps.now())
            assert [count async for count in counting.go_on(ledger, now=deps.now())]
    tallies = GatheredTallies()
    later = Period(deps.now().replace(year=2101), None)
    asked = [("acme", EVER), ("globex", EVER), ("acme", later)] * 9

    told = await asyncio.gather(*(tallies.tally(one, of, "UTC", [*Part]) for one, of in asked))

    assert [tally.total.sent for tally in told] == [1, 2, 0] * 9
    assert told[:2] == [await analytics.tally(one, EVER, "UTC") for one in ("acme", "globex")]
    # Those that were waited for together, and not all by themselves.
    assert told[3] is told[6]


async def test_an_answer_has_what_happened_before_it_was_asked_for(
    deps: Deps, store_sent: Store
) -> None:
    ledger = await counting.begin("acme", now=deps.now())
    assert [count async for count in counting.go_on(ledger, now=deps.now())] == []
    tallies = GatheredTallies()

    async def reader() -> int:
        return (await tallies.tally("acme", EVER, "UTC", ())).total.sent

    for number in range(1, 6):
        # Under way while it happens.
        before = [asyncio.create_task(reader()) for _ in range(3)]
        await asyncio.sleep(0)
        await store_sent("acme", str(number))
        assert await asyncio.gather(*(reader() for _ in range(3))) == [number] * 3
        assert {await task for task in before} <= {number - 1, number}
