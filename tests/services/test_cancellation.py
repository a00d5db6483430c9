"""Jobs that are cancelled while MongoDB does what they asked for, at each of their calls."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import CommunicationStatus, DeliveryStatus
from app.services import delivery, fanout, list_batches
from app.services.cancellation import heard
from tests.fakes.mongo_calls import MONGO_CALLS
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
MakeList = Callable[..., Awaitable[RecipientList]]
Run = Callable[..., Awaitable[None]]

MEMBERS = [{"email": f"m{n}@c.test"} for n in range(6)]


async def cut_off(work: Coroutine[Any, Any, None], *, at: int) -> bool:
    """Cancel it at its call `at`; whether it came that far."""
    job = asyncio.create_task(work)
    with MONGO_CALLS.cancelling(job, at=at) as calls:
        await asyncio.gather(job, return_exceptions=True)
        # What it had asked for may still be on its way.
        await asyncio.sleep(0.02)
        return len(calls.commands) >= at


async def test_what_was_asked_for_is_heard_before_the_cancellation() -> None:
    go_on, heard_of = asyncio.Event(), []

    async def claim() -> str:
        await go_on.wait()
        return "held"

    async def job() -> None:
        heard_of.append(await heard(claim()))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            heard_of.append("given back")
            raise

    running = asyncio.create_task(job())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.sleep(0)
    assert heard_of == []
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert heard_of == ["held", "given back"]


async def test_what_fails_is_told_and_the_cancellation_is_not_lost() -> None:
    async def refuse() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await heard(refuse())


async def test_a_dispatch_cut_off_at_any_call_holds_nothing(
    deps: Deps, send: Send, stored: Stored, rows_of: RowsOf, relay: Relay
) -> None:
    for at in count(1):
        record = await send()
        reached = await cut_off(delivery.dispatch(deps, str(record.id)), at=at)

        back, rows = await stored(record.id), await rows_of(record)
        assert [row.lease for row in rows] in ([], [None]), at
        if back.status != CommunicationStatus.SENT:
            dues = [row.due_at for row in rows] or [back.dispatch_at]
            assert [due is not None and due <= deps.now() for due in dues] == [True], at
            for row in rows:
                await delivery.deliver(deps, str(row.id))
            await delivery.dispatch(deps, str(record.id))
        assert (await stored(record.id)).status == CommunicationStatus.SENT, at
        assert len(relay.taken) == at
        if not reached:
            break

    assert at > 5


async def test_an_attempt_cut_off_at_any_call_holds_nothing(
    deps: Deps, send: Send, stored: Stored, rows_of: RowsOf, relay: Relay
) -> None:
    for at in count(1):
        relay.data_replies = ["451 later"]
        record = await send()
        await delivery.dispatch(deps, str(record.id))
        (row,) = await rows_of(record)
        await Delivery.get_motor_collection().update_one(
            {"_id": row.id}, {"$set": {"dueAt": deps.now()}}
        )
        reached = await cut_off(delivery.deliver(deps, str(row.id)), at=at)

        (row,) = await rows_of(record)
        assert row.lease is None, at
        if row.status == DeliveryStatus.QUEUED:
            assert row.due_at is not None, at
            assert row.due_at <= deps.now(), at
            await delivery.deliver(deps, str(row.id))
        assert (await stored(record.id)).status == CommunicationStatus.SENT, at
        assert len(relay.taken) == at
        if not reached:
            break

    assert at > 3


async def test_a_batch_cut_off_at_any_call_holds_nothing(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, run_list: Run, relay: Relay,
    stored: Stored, rows_of: RowsOf,
) -> None:  # fmt: skip
    to = await make_list(*MEMBERS)
    for at in count(1):
        relay.taken.clear()
        record = await send_list(to)
        await fan_out(record)
        name = f"{record.id}/{(await stored(record.id)).dispatches}"
        reached = await cut_off(list_batches.deliver(deps, name), at=at)

        waiting = [row for row in await rows_of(record) if row.status == DeliveryStatus.QUEUED]
        assert [row.lease for row in waiting] == [None] * len(waiting), at
        assert all(row.batch_at is not None and row.batch_at <= deps.now() for row in waiting), at
        await run_list(record)
        assert (await stored(record.id)).status == CommunicationStatus.SENT, at
        assert len({mail.recipients for mail in relay.taken}) == len(relay.taken) == 6, at
        if not reached:
            break

    assert at > 5


async def test_a_turn_cut_off_at_any_call_is_due_again_at_once(
    deps: Deps, make_list: MakeList, send_list: Send, run_list: Run, relay: Relay, stored: Stored
) -> None:  # fmt: skip
    to = await make_list(*MEMBERS)
    for at in count(1):
        relay.taken.clear()
        record = await send_list(to)
        reached = await cut_off(fanout.fan_out(deps, str(record.id)), at=at)

        back = await stored(record.id)
        assert back.dispatch_at is not None, at
        assert back.dispatch_at <= deps.now() + fanout.REFRESH < deps.now() + deps.settings.lease
        if back.dispatch_at > deps.now():
            # It is seen to by then; what is to be sent is waiting.
            assert not reached or back.fan_out is not None
            await Communication.get_motor_collection().update_one(
                {"_id": record.id}, {"$set": {"dispatchAt": deps.now() - timedelta(seconds=1)}}
            )
        await run_list(record)
        assert (await stored(record.id)).status == CommunicationStatus.SENT, at
        assert len({mail.recipients for mail in relay.taken}) == len(relay.taken) == 6, at
        if not reached:
            break

    assert at > 5
