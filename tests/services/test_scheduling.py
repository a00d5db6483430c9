"""Giving mail that waits another time, against dispatch, cancelling and the sweep."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.vocabulary import CommunicationStatus, EventType
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.instants import format_instant
from app.services import delivery, fanout, list_members, recipient_lists, records, scheduling
from app.services.inputs import parse
from app.services.scheduling import RescheduleCommunication, ScheduleCommunication
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay

HOUR = timedelta(hours=1)
Schedule = Callable[..., Awaitable[Communication]]
Move = Callable[[Communication, datetime], Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def schedule(deps: Deps, caller: Caller, clock: Clock, mail: dict[str, Any]) -> Schedule:
    """Accepts a mail that is due in an hour."""

    async def accept(**changes: Any) -> Communication:
        asked = {**mail, "scheduledAt": clock.now() + HOUR, **changes}
        return await scheduling.schedule(deps, caller, parse(ScheduleCommunication, asked))

    return accept


@pytest.fixture
def move(deps: Deps, caller: Caller) -> Move:
    async def reschedule(record: Communication, at: datetime) -> Communication:
        command = parse(RescheduleCommunication, {"scheduledAt": at})
        return await scheduling.reschedule(deps, caller, str(record.id), command)

    return reschedule


async def status_of(record: Communication) -> CommunicationStatus | None:
    return await Communication.status_of(record.id)


async def test_it_goes_out_at_the_new_time_only(
    deps: Deps, schedule: Schedule, move: Move, clock: Clock, relay: Relay
) -> None:
    record = await schedule()
    accepted, at = clock.now(), clock.now() + 2 * HOUR
    clock.advance(timedelta(minutes=1))

    moved = await move(record, at)

    assert (moved.id, moved.body) == (record.id, record.body)
    assert (moved.status, moved.scheduled_at) == (CommunicationStatus.SCHEDULED, at)
    assert (moved.updated, moved.updated_by) == (clock.now(), "alice")
    assert [event.type for event in moved.events] == [
        EventType.CREATE, EventType.SCHEDULE, EventType.RESCHEDULE
    ]  # fmt: skip
    last = moved.events[-1]
    assert (last.date, last.author_id) == (clock.now(), "alice")
    assert last.description == f"for {format_instant(at)}"
    clock.advance(accepted + HOUR - clock.now())
    await delivery.dispatch(deps, str(record.id))
    assert relay.taken == []
    clock.advance(HOUR)
    await delivery.dispatch(deps, str(record.id))
    assert len(relay.taken) == 1


async def test_a_schedule_is_answered_as_at_first_though_it_was_moved(
    deps: Deps, caller: Caller, move: Move, clock: Clock, mail: dict[str, Any]
) -> None:
    asked = parse(ScheduleCommunication, {**mail, "scheduledAt": clock.now() + HOUR})
    first = await scheduling.schedule(deps, caller, asked, idempotency_key="k")
    await move(first, clock.now() + 2 * HOUR)

    again = await scheduling.schedule(deps, caller, asked, idempotency_key="k")

    assert (again.id, again.scheduled_at) == (first.id, first.scheduled_at)
    assert [event.type for event in again.events] == [EventType.CREATE, EventType.SCHEDULE]


async def test_an_earlier_time_has_a_job_of_its_own(
    schedule: Schedule,
    move: Move,
    clock: Clock,
    queued: Callable[[], Awaitable[dict[str, float]]],
) -> None:
    record = await schedule()
    sooner = clock.now() + timedelta(minutes=5)

    await move(record, sooner)

    due = (await queued()).items()
    assert sorted(due) == [
        (f"dispatch:{record.id}:0", (clock.now() + HOUR).timestamp() * 1000),
        (f"dispatch:{record.id}:1", sooner.timestamp() * 1000),
    ]


async def test_the_sweep_finds_it_though_the_old_job_waits_still(
    deps: Deps,
    schedule: Schedule,
    move: Move,
    clock: Clock,
    redis: Any,
    queued: Callable[[], Awaitable[dict[str, float]]],
) -> None:
    record = await schedule(scheduledAt=clock.now() + 48 * HOUR)
    assert await queued() == {}
    sooner = clock.now() + timedelta(minutes=5)
    await move(record, sooner)
    # The alarm is lost.
    await redis.flushdb()
    clock.advance(timedelta(minutes=5))

    assert await delivery.sweep(deps) == 1

    assert list(await queued()) == [f"dispatch:{record.id}:1"]


async def test_to_a_day_far_off_it_is_the_sweeps(
    schedule: Schedule,
    move: Move,
    clock: Clock,
    queued: Callable[[], Awaitable[dict[str, float]]],
) -> None:
    record = await schedule()

    await move(record, clock.now() + 48 * HOUR)

    assert list(await queued()) == [f"dispatch:{record.id}:0"]


async def test_what_is_due_may_be_put_off_until_a_worker_has_it(
    deps: Deps, schedule: Schedule, move: Move, clock: Clock, relay: Relay
) -> None:
    record = await schedule()
    clock.advance(2 * HOUR)

    await move(record, clock.now() + HOUR)
    await delivery.dispatch(deps, str(record.id))

    assert await status_of(record) is CommunicationStatus.SCHEDULED
    assert relay.taken == []


async def test_list_mail_goes_out_at_the_new_time(
    deps: Deps, caller: Caller, schedule: Schedule, move: Move, clock: Clock, relay: Relay
) -> None:
    named = parse(recipient_lists.CreateRecipientList, {"name": "Customers"})
    customers = await recipient_lists.create(deps, caller, named)
    await list_members.add(deps, caller, str(customers.id), [{"email": "jan@c.test"}])
    record = await schedule(recipients=[], recipientListId=str(customers.id))

    await move(record, clock.now() + 2 * HOUR)

    clock.advance(HOUR)
    await fanout.fan_out(deps, str(record.id))
    assert await status_of(record) is CommunicationStatus.SCHEDULED
    clock.advance(HOUR)
    await fanout.fan_out(deps, str(record.id))
    assert await status_of(record) is CommunicationStatus.SENDING


@pytest.mark.parametrize("late", [timedelta(0), timedelta(milliseconds=1), timedelta(days=400)])
async def test_a_time_that_is_past_is_refused(
    schedule: Schedule, move: Move, clock: Clock, late: timedelta, footprint: Footprint
) -> None:
    record = await schedule()
    before = await footprint()

    with pytest.raises(InvalidInputError, match="scheduledAt: must be in the future; it is 2100"):
        await move(record, clock.now() - late)

    assert await footprint() == before


@pytest.mark.parametrize(
    "status", sorted(set(CommunicationStatus) - {CommunicationStatus.SCHEDULED})
)
async def test_only_what_waits_for_its_time_is_rescheduled(
    schedule: Schedule,
    move: Move,
    clock: Clock,
    status: CommunicationStatus,
    footprint: Footprint,
) -> None:
    record = await schedule()
    await Communication.get_motor_collection().update_many({}, {"$set": {"status": status.value}})
    before = await footprint()

    with pytest.raises(ConflictError, match=f"it is {status}"):
        await move(record, clock.now() + HOUR)

    assert await footprint() == before


async def test_what_is_deleted_is_not_found(
    deps: Deps, caller: Caller, schedule: Schedule, move: Move, clock: Clock, footprint: Footprint
) -> None:
    record = await schedule()
    await records.delete(deps, caller, str(record.id))
    before = await footprint()

    with pytest.raises(NotFoundError):
        await move(record, clock.now() + HOUR)

    assert await footprint() == before


async def test_of_dispatch_cancel_and_reschedule_what_comes_first_decides(
    deps: Deps, caller: Caller, schedule: Schedule, move: Move, clock: Clock, relay: Relay
) -> None:
    due = clock.now() + HOUR
    waiting = [await schedule(scheduledAt=due) for _ in range(10)]
    clock.advance(HOUR)
    later = clock.now() + HOUR

    for record in waiting:
        id_ = str(record.id)
        moved, cancelled, _ = await asyncio.gather(
            move(record, later),
            scheduling.cancel(deps, caller, id_),
            delivery.dispatch(deps, id_),
            return_exceptions=True,
        )
        found = await Communication.shown("acme", id_)
        assert found is not None
        events = [event.type for event in found.events]
        assert (EventType.RESCHEDULE in events) == isinstance(moved, Communication)
        assert (EventType.CANCEL in events) == isinstance(cancelled, Communication)
        # It is cancelled before or after it was rescheduled, or it is out: never both.
        assert (EventType.SEND in events) == (found.status is CommunicationStatus.SENT)
        assert (EventType.SEND in events) != (EventType.CANCEL in events)
    sent = await Communication.find({"status": "SENT"}).count()
    assert len(relay.taken) == sent
