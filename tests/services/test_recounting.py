"""Totals follow what happens, can be made anew, and are compared with the records."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents import analytics
from app.documents.analytics import Part, Period
from app.documents.communications import Communication
from app.documents.totals import counting, summaries
from app.documents.totals.cells import Ledger, Total
from app.documents.totals.stages import UNCOUNTED_LIMIT
from app.documents.vocabulary import CommunicationStatus
from app.errors import ConflictError
from app.services import records, recounting, scheduling, sending
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay
from tests.fakes.visits import PERSON

Send = Callable[..., Awaitable[Communication]]
Fill = Callable[..., Awaitable[Sequence[PydanticObjectId]]]
EVER = Period(None, None)


@pytest.fixture
def fill(send: Send, deps: Deps) -> Fill:
    """Stores records like one that was handed over, as an import past the API does."""

    async def store(count: int, **fields: Any) -> Sequence[PydanticObjectId]:
        collection = Communication.get_motor_collection()
        row = await collection.find_one({"_id": (await send()).id})
        assert row is not None
        out = {"status": CommunicationStatus.SENT, "sentAt": deps.now(), **fields}
        rows = [
            {**row, **out, "_id": PydanticObjectId(), "trackingId": f"{n} of {count}"}
            for n in range(count)
        ]
        await collection.insert_many(rows)
        return [one["_id"] for one in rows]

    return store


async def flagged() -> int:
    return await Communication.get_motor_collection().count_documents({"isUncounted": True})


async def sent_of(tenant: str) -> int | None:
    """What the totals tell, None where they do not."""
    told = await summaries.tally(tenant, EVER, "UTC", ())
    return None if told is None else told.total.sent


async def recounted(deps: Deps, tenant: str = "acme", *, anew: bool = True) -> list[int]:
    return [done.records async for done in recounting.recount(deps, tenant, anew=anew)]


async def faults_of(deps: Deps) -> list[str]:
    return [fault async for done in recounting.check(deps, "acme") for fault in done.faults]


async def test_whatever_happens_is_told_at_once_and_the_same_once_it_is_counted(
    deps: Deps, caller: Caller, dispatched: Send, send: Send, relay: Relay, clock: Clock
) -> None:
    await recounting.complete(deps)
    await recounted(deps)
    record, waiting = await dispatched(), await send()
    id_, told = str(record.id), []

    async def happened() -> None:
        clock.advance(timedelta(hours=7))
        by_totals = await summaries.tally("acme", EVER, "UTC", [*Part])
        assert by_totals is not None
        assert by_totals == await analytics.tally("acme", EVER, "UTC")
        await recounting.count_changes(deps)
        assert await flagged() == 0
        assert by_totals == await summaries.tally("acme", EVER, "UTC", [*Part])
        told.append((by_totals.total.sent, by_totals.total.opened, by_totals.failed))

    await happened()
    await fetching.record_open(deps, record.tracking_id, PERSON)
    await happened()
    await sending.resend(deps, caller, id_)
    await happened()
    relay.data_replies = ["554 No"]
    await dispatched()
    await happened()
    await scheduling.cancel(deps, caller, str(waiting.id))
    await happened()
    await records.delete(deps, caller, id_)
    await happened()
    clock.advance(deps.settings.retention)
    assert await records.purge(deps) == 1
    await happened()

    assert told == [(1, 0, 0), (1, 1, 0), (1, 1, 0), (1, 1, 1), (1, 1, 1), (0, 0, 1), (0, 0, 1)]


async def test_what_was_deleted_and_never_counted_since_is_counted_out_before_it_is_purged(
    deps: Deps, caller: Caller, dispatched: Send, clock: Clock
) -> None:
    record = await dispatched()
    await recounted(deps)
    await records.delete(deps, caller, str(record.id))
    clock.advance(deps.settings.retention)

    await records.purge(deps)

    assert await Total.find({"level": "EVER", "sent": {"$ne": 0}}).count() == 0
    assert await faults_of(deps) == []


async def test_changes_are_counted_however_many_and_whosever_they_are(
    deps: Deps, fill: Fill
) -> None:
    for tenant, count in (("acme", counting.AT_ONCE + 1), ("globex", 2)):
        await recounted(deps, tenant)
        await fill(count, tenantId=tenant, isUncounted=True)
    await fill(1, tenantId="unknown", isUncounted=True)

    await recounting.count_changes(deps)

    assert await flagged() == 1
    assert [await sent_of(tenant) for tenant in ("acme", "globex", "unknown")] == [101, 2, None]


async def test_a_run_leaves_the_rest_to_the_next(deps: Deps, fill: Fill, clock: Clock) -> None:
    async def run(turn: timedelta, work: Callable[[Deps], Awaitable[None]]) -> None:
        def now() -> datetime:
            clock.advance(turn / 2)
            return clock.now()

        await work(replace(deps, now=now))

    await fill(2 * counting.AT_ONCE)
    await run(recounting.RECOUNT_TURN, recounting.complete)
    assert await sent_of("acme") is None
    await recounting.complete(deps)
    assert await sent_of("acme") == 200
    await Communication.get_motor_collection().update_many({}, {"$set": {"isUncounted": True}})

    await run(recounting.CHANGES_TURN, recounting.count_changes)
    assert await flagged() == counting.AT_ONCE + 1
    await recounting.count_changes(deps)

    assert await flagged() == 0
    assert await sent_of("acme") == 200


async def test_records_of_an_earlier_release_are_counted_by_the_worker_once(
    deps: Deps, fill: Fill
) -> None:
    await fill(2)
    await fill(1, tenantId="globex")
    assert await sent_of("acme") is None

    await recounting.complete(deps)
    await recounting.complete(deps)

    assert [await sent_of(tenant) for tenant in ("acme", "globex")] == [2, 1]
    assert [ledger.epoch for ledger in await Ledger.find().to_list()] == [1, 1]


async def test_what_came_past_the_api_is_there_after_counting_anew(deps: Deps, fill: Fill) -> None:
    await recounted(deps)
    [*ids] = await fill(3, type="OFFERTE")
    assert await sent_of("acme") == 0
    assert await recounted(deps) == [3, 3]
    assert await sent_of("acme") == 3
    lost = {"$set": {"status": "BOUNCED"}}
    await Communication.get_motor_collection().update_one({"_id": ids[0]}, lost)
    await Communication.get_motor_collection().delete_one({"_id": ids[1]})

    await recounted(deps)

    assert await sent_of("acme") == 2
    assert await faults_of(deps) == []
    assert await Total.find({"epoch": {"$ne": 3}}).count() == 0


async def test_what_was_begun_is_gone_on_with(deps: Deps, fill: Fill) -> None:
    await fill(counting.AT_ONCE + 50)
    async with aclosing(recounting.recount(deps, "acme", anew=True)) as counted:
        assert (await anext(counted)).records == counting.AT_ONCE
    assert await sent_of("acme") is None

    assert await recounted(deps, anew=False) == [50, 50]
    assert await sent_of("acme") == counting.AT_ONCE + 50


async def test_whoever_begins_anew_ends_another_run(deps: Deps, fill: Fill) -> None:
    await fill(counting.AT_ONCE + 50)
    run = recounting.recount(deps, "acme", anew=True)
    await anext(run)

    await recounted(deps)

    assert [(done.records, done.is_whole) async for done in run] == [(counting.AT_ONCE, False)]
    assert await sent_of("acme") == counting.AT_ONCE + 50


async def test_totals_that_were_never_whole_cannot_be_compared(deps: Deps, fill: Fill) -> None:
    await fill(1)
    with pytest.raises(ConflictError, match="letterbox recount"):
        await faults_of(deps)
    await counting.begin("acme", now=deps.now())
    with pytest.raises(ConflictError, match="letterbox recount"):
        await faults_of(deps)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"level": "DAY"}, "DAY ALL 2100-11-24 00:00:00+00:00: sent 8, records say sent 1"),
        ({"level": "HOUR"}, "HOUR ALL 2100-11-24 09:00:00+00:00: sent 8, records say sent 1"),
        ({"level": "QUARTER"}, "QUARTER ALL 2100-11-24 09:30:00+00:00: sent 8, records say sent 1"),
        ({"level": "EVER"}, "EVER ALL: sent 7 more than all days"),
    ],
)
async def test_a_wrong_total_is_found(
    deps: Deps, fill: Fill, changed: dict[str, Any], fault: str
) -> None:
    await fill(1)
    await recounted(deps)
    assert await faults_of(deps) == []
    total = {**changed, "by": "ALL"}

    await Total.get_motor_collection().update_one(total, {"$inc": {"sent": 7}})

    assert fault in await faults_of(deps)


async def test_a_record_that_changed_past_the_api_is_found(deps: Deps, fill: Fill) -> None:
    ids = await fill(2)
    await recounted(deps)
    rows = Communication.get_motor_collection()

    await rows.update_one({"_id": ids[0]}, {"$set": {"opened": True, "openCount": 1}})
    day = "2100-11-24 00:00:00+00:00"
    assert f"DAY ALL {day}: sent 2, records say sent 2 opened 1" in await faults_of(deps)
    event = {"type": "FAIL", "date": deps.now()}
    failed = {"$set": {"status": "FAILED"}, "$unset": {"sentAt": ""}, "$push": {"events": event}}
    await rows.update_one({"_id": ids[1]}, failed)

    assert "1 records failed otherwise than was counted" in await faults_of(deps)


async def test_while_too_many_wait_the_records_tell_themselves(deps: Deps) -> None:
    await recounted(deps)
    rows = Communication.get_motor_collection()
    waiting = [{"tenantId": "acme", "isUncounted": True} for _ in range(UNCOUNTED_LIMIT)]
    await rows.insert_many(waiting, ordered=False)

    assert await sent_of("acme") == 0
    await rows.insert_one({"tenantId": "acme", "isUncounted": True})

    assert await sent_of("acme") is None
