"""List mail that is cut off anywhere, and halted while it is in hand."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents import list_deliveries
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.list_progress import Progress
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    ProviderType,
)
from app.providers.base import ParkedError
from app.services import delivery, fanout, list_batches, list_mail, scheduling
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay, never_answer

MakeList = Callable[..., Awaitable[RecipientList]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
RowsOf = Callable[..., Awaitable[list[Delivery]]]
Run = Callable[..., Awaitable[None]]
Queued = Callable[[], Awaitable[dict[str, float]]]
Scripted = Callable[..., tuple[Deps, Any]]


def members(count: int) -> list[dict[str, Any]]:
    return [{"email": f"m{n}@c.test"} for n in range(count)]


async def test_a_fan_out_that_died_between_rows_and_cursor_adds_nothing_twice(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, run_list: Run, relay: Relay,
    stored: Stored, rows_of: RowsOf, clock: Clock, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(fanout, "CHUNK", 4)
    record = await send_list(await make_list(*members(10)))
    calls: list[int] = []
    lay = list_deliveries.lay

    async def die_at_the_second(*arguments: Any, **options: Any) -> None:
        await lay(*arguments, **options)
        calls.append(1)
        if len(calls) == 2:
            raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(list_deliveries, "lay", die_at_the_second)
        with pytest.raises(ConnectionResetError):
            await fan_out(record)
    cut_off = await stored(record.id)
    laid = [row.id for row in await rows_of(record)]
    await fan_out(record)
    assert await stored(record.id) == cut_off
    clock.advance(deps.settings.lease)

    await run_list(record)

    rows = await rows_of(record)
    assert len(laid) == 8
    assert [row.id for row in rows][:8] == laid
    assert len(rows) == len(relay.taken) == 10
    assert (await stored(record.id)).status == CommunicationStatus.SENT


async def test_a_batch_whose_worker_died_is_sent_by_another_with_the_same_message_ids(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, run_list: Run, relay: Relay,
    rows_of: RowsOf, clock: Clock,
) -> None:  # fmt: skip
    record = await send_list(await make_list(*members(5)))
    await fan_out(record)
    now = deps.now()
    taken = await list_deliveries.claim(
        record.id, lease="dead", now=now, until=now + deps.settings.lease, limit=100
    )
    await run_list(record)
    assert (len(taken), relay.taken) == (5, [])
    clock.advance(deps.settings.lease)

    await run_list(record)

    rows = await rows_of(record)
    assert {str(mail.message["Message-ID"]) for mail in relay.taken} == {
        row.message_id for row in taken
    }
    assert [(row.status, row.claims) for row in rows] == [(DeliveryStatus.SENT, 2)] * 5


async def test_a_worker_that_is_stopped_gives_the_batch_back(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, run_list: Run, relay: Relay,
    rows_of: RowsOf, stored: Stored,
) -> None:  # fmt: skip
    record = await send_list(await make_list(*members(20)))
    await fan_out(record)
    turn = (await stored(record.id)).dispatches
    reached = asyncio.Event()

    async def hang(server: SMTP) -> None:
        if len(relay.taken) >= 3:
            reached.set()
            await never_answer(server)

    relay.on_data = hang
    job = asyncio.create_task(list_batches.deliver(deps, f"{record.id}/{turn}"))
    await asyncio.wait_for(reached.wait(), 20)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    relay.on_data = None

    rows = await rows_of(record)
    waiting = [row for row in rows if row.status == DeliveryStatus.QUEUED]
    assert [(row.lease, row.batch_at) for row in waiting] == [(None, deps.now())] * len(waiting)
    outcomes = [attempt.outcome for row in waiting for attempt in row.attempts]
    assert set(outcomes) == {AttemptOutcome.INTERRUPTED}
    assert 1 <= len(outcomes) <= deps.settings.list_connections
    assert len(relay.taken) == 20 - len(waiting)
    await run_list(record)
    assert len({mail.recipients for mail in relay.taken}) == len(relay.taken) == 20


async def test_a_worker_that_is_to_stop_begins_no_more(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, relay: Relay,
    rows_of: RowsOf, stored: Stored, queued: Queued,
) -> None:  # fmt: skip
    record = await send_list(await make_list(*members(20)))
    await fan_out(record)
    turn = (await stored(record.id)).dispatches

    await list_batches.deliver(deps, f"{record.id}/{turn}", stopping=lambda: len(relay.taken) >= 5)

    waiting = [row for row in await rows_of(record) if row.status == DeliveryStatus.QUEUED]
    assert 5 <= len(relay.taken) < 5 + deps.settings.list_connections
    assert [(row.lease, row.attempts) for row in waiting] == [(None, [])] * len(waiting)
    assert any(job.startswith(f"batch:{record.id}/{turn}:") for job in await queued())


@pytest.mark.parametrize("halt", ["pause", "cancel"])
async def test_halted_while_a_batch_is_in_hand(
    deps: Deps, caller: Caller, make_list: MakeList, send_list: Send, fan_out: Run, run_list: Run,
    relay: Relay, rows_of: RowsOf, stored: Stored, halt: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(list_batches, "_LOOK_SECONDS", 0.05)
    record = await send_list(await make_list(*members(50)))
    await fan_out(record)
    turn = (await stored(record.id)).dispatches
    in_hand, go_on = asyncio.Event(), asyncio.Event()

    async def slow(server: SMTP) -> None:
        in_hand.set()
        await go_on.wait()

    relay.on_data = slow
    job = asyncio.create_task(list_batches.deliver(deps, f"{record.id}/{turn}"))
    await asyncio.wait_for(in_hand.wait(), 20)
    act = list_mail.pause if halt == "pause" else scheduling.cancel
    await act(deps, caller, str(record.id))
    await asyncio.sleep(0.5)
    go_on.set()
    await job

    out = len(relay.taken)
    assert 1 <= out <= deps.settings.list_connections
    await run_list(record)
    assert len(relay.taken) == out
    ended = await stored(record.id)
    if halt == "pause":
        assert ended.status == CommunicationStatus.SENDING
        await list_mail.resume(deps, caller, str(record.id))
        await run_list(record)
        assert len({mail.recipients for mail in relay.taken}) == len(relay.taken) == 50
    else:
        assert ended.status == CommunicationStatus.CANCELLED
        assert ended.progress == Progress(total=50, sent=out, cancelled=50 - out)


async def test_a_turn_that_is_over_sends_nothing(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, relay: Relay, stored: Stored
) -> None:
    record = await send_list(await make_list(*members(3)))
    await fan_out(record)
    turn = (await stored(record.id)).dispatches

    await list_batches.deliver(deps, f"{record.id}/{turn - 1}")

    assert relay.taken == []


async def test_no_turn_for_one_is_no_turn_for_the_others(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, stored: Stored,
    rows_of: RowsOf, scripted: Scripted,
) -> None:  # fmt: skip
    record = await send_list(await make_list(*members(30)))
    await fan_out(record)
    turn = (await stored(record.id)).dispatches
    parked = [ParkedError("slow down", retry_after=timedelta(minutes=2)) for _ in range(30)]
    over, provider = scripted(*parked)

    await list_batches.deliver(over, f"{record.id}/{turn}")

    rows = await rows_of(record)
    assert 30 - len(provider.faults) <= deps.settings.list_connections
    assert {row.batch_at for row in rows} == {deps.now() + timedelta(minutes=2)}
    assert [(row.lease, row.attempts) for row in rows] == [(None, [])] * 30


async def test_a_fault_of_ours_is_tried_again(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, run_list: Run, stored: Stored,
    rows_of: RowsOf, faulty_provider: Any, clock: Clock,
) -> None:  # fmt: skip
    record = await send_list(await make_list(*members(2)))
    over = replace(deps, providers={ProviderType.SMTP: faulty_provider})
    await run_list(record, over=over)

    rows = await rows_of(record)
    assert [row.attempts[0].detail for row in rows] == ["internal error (ZeroDivisionError)"] * 2
    clock.advance(timedelta(minutes=1))
    await run_list(record)
    assert (await stored(record.id)).status == CommunicationStatus.SENT


async def test_the_sweep_wakes_a_list_mail_with_one_job(
    deps: Deps, make_list: MakeList, send_list: Send, fan_out: Run, queued: Queued, redis: Any,
    stored: Stored, clock: Clock,
) -> None:  # fmt: skip
    record = await send_list(await make_list(*members(30)))
    await redis.flushdb()
    assert await delivery.sweep(deps) == 1
    assert list(await queued()) == [f"fan-out:{record.id}:0"]
    await fan_out(record)
    await redis.flushdb()
    clock.advance(fanout.REFRESH)

    assert await delivery.sweep(deps) == 1

    assert list(await queued()) == [f"fan-out:{record.id}:1"]
