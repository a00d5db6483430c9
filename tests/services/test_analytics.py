from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.vocabulary import (
    CommunicationStatus,
    CommunicationType,
    EventType,
)
from app.errors import InvalidInputError
from app.services import delivery, sending
from app.services.analytics import Analytics, DayVolume, Rates, TemplateStats, TypeStats, analytics
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay
from tests.totals import both_ways

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLICKED = [
    ClickedLink(original_url="https://a.test", url="https://t.test/0"),
    ClickedLink(original_url="https://b.test", url="https://t.test/1", click_count=3),
]
NOTHING = Analytics(
    rates=Rates(0, 0, 0, 0.0, 0.0), failure_rate=0.0, by_template=[], by_type=[],
    send_volume_by_day=[],
)  # fmt: skip


@pytest.fixture
def handed_over(
    send: Callable[..., Awaitable[Communication]],
) -> Callable[..., Awaitable[Communication]]:
    """A record that was handed over at noon, unless these stored fields say otherwise."""

    async def store(**fields: Any) -> Communication:
        record = await send()
        sent: dict[str, Any] = {"status": CommunicationStatus.SENT, "sent_at": NOON}
        changed: Communication = record.model_copy(update={**sent, **fields})
        await changed.replace()
        return changed

    return store


HandedOver = Callable[..., Awaitable[Communication]]
Dispatched = Callable[..., Awaitable[Communication]]


async def all_time(deps: Deps, caller: Caller, **asked: Any) -> Analytics:
    period = {"start": None, "end": None, "timezone": None, **asked}
    return await both_ways(caller.tenant, lambda: analytics(deps, caller, **period))


async def test_nothing_sent_is_no_error(deps: Deps, caller: Caller) -> None:
    assert await all_time(deps, caller) == NOTHING


async def test_each_communication_counts_once(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    await handed_over(opened=True, open_count=9, clicked_links=CLICKED)
    await handed_over(opened=True, open_count=1)
    await handed_over(status=CommunicationStatus.DELIVERED)
    await handed_over(status=CommunicationStatus.BOUNCED)

    found = await all_time(deps, caller)

    assert found.rates == Rates(4, 2, 1, 0.5, 0.25)


async def test_what_machines_looked_at_counts_beside(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    scanned = [CLICKED[0].model_copy(update={"machine_click_count": 2})]
    offer = {"type": CommunicationType.OFFERTE, "template_id": "t1"}
    await handed_over(machine_open_count=3, clicked_links=scanned, **offer)
    await handed_over(machine_open_count=1, opened=True, clicked_links=CLICKED)
    await handed_over()
    # As records were before machines were told from people.
    collection = Communication.get_motor_collection()
    old = await handed_over(opened=True)
    await collection.update_one({"_id": old.id}, {"$unset": {"machineOpenCount": ""}})

    found = await all_time(deps, caller)

    assert found.rates == Rates(4, 2, 1, 0.5, 0.25, 2, 1)
    assert found.by_type[0].rates == found.by_template[0].rates == Rates(1, 0, 0, 0.0, 0.0, 1, 1)


async def test_by_type_and_template(deps: Deps, caller: Caller, handed_over: HandedOver) -> None:
    offer, bill = CommunicationType.OFFERTE, CommunicationType.FACTUUR
    await handed_over(type=offer, template_id="t1", template_name="New", opened=True)
    earlier = NOON - timedelta(days=1)
    await handed_over(type=bill, template_id="t1", template_name="Old", sent_at=earlier)
    await handed_over(type=bill, template_id="t2", clicked_links=CLICKED)
    await handed_over(type=bill)
    await handed_over()

    found = await all_time(deps, caller)

    assert found.by_type == [
        TypeStats(bill, Rates(3, 0, 1, 0.0, 1 / 3)),
        TypeStats(offer, Rates(1, 1, 0, 1.0, 0.0)),
    ]
    assert found.by_template == [
        TemplateStats("t1", "New", Rates(2, 1, 0, 0.5, 0.0)),
        TemplateStats("t2", None, Rates(1, 0, 1, 0.0, 1.0)),
    ]
    assert found.rates == Rates(5, 1, 1, 0.2, 0.2)


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        (NOON, None, 2),
        (NOON + timedelta(milliseconds=1), None, 1),
        (None, NOON, 1),
        (NOON, NOON, 0),
        (NOON, NOON + timedelta(milliseconds=1), 1),
        (None, None, 3),
        # Stored times have milliseconds; what a bound has beyond them counts too.
        (NOON + timedelta(microseconds=1), None, 1),
        (NOON - timedelta(microseconds=1), None, 2),
        (None, NOON + timedelta(microseconds=1), 2),
        (None, NOON - timedelta(microseconds=1), 1),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), 3),
    ],
)
async def test_a_period_begins_and_ends_exactly(
    deps: Deps,
    caller: Caller,
    handed_over: HandedOver,
    start: datetime | None,
    end: datetime | None,
    count: int,
) -> None:
    for days in (-1, 0, 1):
        await handed_over(sent_at=NOON + timedelta(days=days))

    found = await all_time(deps, caller, start=start, end=end)

    assert found.rates.total_sent == count


async def test_days_are_those_of_the_time_zone(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    # 22:30 UTC is the next day in Amsterdam in summer, and the same day in winter.
    await handed_over(sent_at=datetime(2026, 7, 1, 22, 30, tzinfo=UTC))
    await handed_over(sent_at=datetime(2026, 7, 2, 12, tzinfo=UTC))
    await handed_over(sent_at=datetime(2026, 12, 1, 22, 30, tzinfo=UTC))

    in_utc = await all_time(deps, caller)
    in_amsterdam = await all_time(deps, caller, timezone="Europe/Amsterdam")

    assert in_utc.send_volume_by_day == [
        DayVolume("2026-07-01", 1),
        DayVolume("2026-07-02", 1),
        DayVolume("2026-12-01", 1),
    ]
    assert in_amsterdam.send_volume_by_day == [
        DayVolume("2026-07-02", 2),
        DayVolume("2026-12-01", 1),
    ]


async def test_days_of_the_clock_change_have_23_and_25_hours(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    for moment in (
        datetime(2026, 3, 28, 23, tzinfo=UTC),
        datetime(2026, 3, 29, 21, 59, 59, 999_000, tzinfo=UTC),
        datetime(2026, 3, 29, 22, tzinfo=UTC),
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 22, 59, 59, 999_000, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    ):
        await handed_over(sent_at=moment)

    found = await all_time(deps, caller, timezone="Europe/Amsterdam")

    assert found.send_volume_by_day == [
        DayVolume("2026-03-29", 2),
        DayVolume("2026-03-30", 1),
        DayVolume("2026-10-25", 2),
        DayVolume("2026-10-26", 1),
    ]


async def test_a_period_that_ends_before_it_starts_is_refused(deps: Deps, caller: Caller) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await all_time(deps, caller, start=NOON, end=NOON - timedelta(microseconds=1))

    assert [fault.path for fault in refused.value.fields] == ["from"]


@pytest.mark.parametrize(
    "name",
    ["", " ", "UTC ", "Z", "+01:00", "UTC+1", "europe/amsterdam", "Europe", "Europe/A/B/C",
     "right/UTC", "localtime", "Europe/Amsterdam\n", "\0", "\ud800", "A" * 10_000],
)  # fmt: skip
async def test_what_is_no_time_zone_is_refused(deps: Deps, caller: Caller, name: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await all_time(deps, caller, timezone=name)

    assert [fault.path for fault in refused.value.fields] == ["timezone"]


async def test_a_mail_sent_again_counts_once_where_it_went_out_last(
    deps: Deps, caller: Caller, dispatched: Dispatched, clock: Clock
) -> None:
    record = await dispatched()
    first = clock.now()
    clock.advance(timedelta(days=1))
    await sending.resend(deps, caller, str(record.id))
    waiting = await all_time(deps, caller)
    await delivery.dispatch(deps, str(record.id))

    found = await all_time(deps, caller)

    assert waiting.send_volume_by_day == [DayVolume(f"{first:%Y-%m-%d}", 1)]
    assert found.send_volume_by_day == [DayVolume(f"{clock.now():%Y-%m-%d}", 1)]
    assert found.rates.total_sent == 1


async def test_a_mail_that_failed_to_go_out_again_is_sent_and_failed(
    deps: Deps, caller: Caller, dispatched: Dispatched, clock: Clock, relay: Relay
) -> None:
    record = await dispatched()
    clock.advance(timedelta(days=1))
    await sending.resend(deps, caller, str(record.id))
    relay.data_replies = ["554 No"]
    await delivery.dispatch(deps, str(record.id))

    whole = await all_time(deps, caller)
    before = await all_time(deps, caller, end=clock.now())
    after = await all_time(deps, caller, start=clock.now())

    assert (whole.rates.total_sent, whole.failure_rate) == (1, 0.5)
    assert (before.rates.total_sent, before.failure_rate) == (1, 0.0)
    assert (after.rates.total_sent, after.failure_rate) == (0, 1.0)


async def test_a_mail_that_some_recipients_get_was_sent(
    deps: Deps, caller: Caller, dispatched: Dispatched, relay: Relay
) -> None:
    relay.replies["piet@customer.test"] = "550 Unknown"
    await dispatched({"recipients": ["jan@customer.test", "piet@customer.test"]})
    await dispatched({"recipients": ["piet@customer.test"]})

    found = await all_time(deps, caller)

    assert (found.rates.total_sent, found.failure_rate) == (1, 0.5)


async def test_failures_count_in_the_period_in_which_they_happened(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    failed = CommunicationStatus.FAILED
    for days in (0, 10):
        fail = Event(type=EventType.FAIL, date=NOON + timedelta(days=days))
        await handed_over(status=failed, sent_at=None, events=[fail])
    for _ in range(3):
        await handed_over()
    # Sent in the end: it failed once and is no failure.
    await handed_over(events=[Event(type=EventType.FAIL, date=NOON)])

    whole = await all_time(deps, caller)
    day = await all_time(deps, caller, start=NOON, end=NOON + timedelta(days=1))
    later = await all_time(deps, caller, start=NOON + timedelta(days=1))

    assert whole.failure_rate == 2 / 6
    assert day.failure_rate == 1 / 5
    assert later.failure_rate == 1.0
    assert later.rates == Rates(0, 0, 0, 0.0, 0.0)


async def test_what_waits_is_deleted_or_is_anothers_does_not_count(
    deps: Deps, caller: Caller, other_tenant: Caller, handed_over: HandedOver
) -> None:
    fail = [Event(type=EventType.FAIL, date=NOON)]
    await handed_over(status=CommunicationStatus.PENDING, sent_at=None)
    await handed_over(deleted_at=NOON)
    await handed_over(tenant_id="globex")
    for fields in ({"deleted_at": NOON}, {"tenant_id": "globex"}):
        await handed_over(status=CommunicationStatus.FAILED, sent_at=None, events=fail, **fields)

    assert await all_time(deps, caller) == NOTHING
    assert (await all_time(deps, other_tenant)).failure_rate == 0.5


async def test_answered_mail_counts_beside(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    await handed_over(reply_count=3, type=CommunicationType.OFFERTE)
    await handed_over()

    found = await all_time(deps, caller)

    assert (found.rates.total_replied, found.rates.reply_rate) == (1, 0.5)
    assert (found.by_type[0].rates.total_replied, found.by_type[0].rates.reply_rate) == (1, 1.0)


async def test_mail_by_which_somebody_unsubscribed_counts_beside(
    deps: Deps, caller: Caller, handed_over: HandedOver
) -> None:
    await handed_over(unsubscribe_count=3, type=CommunicationType.NIEUWSBRIEF)
    await handed_over()

    found = await all_time(deps, caller)

    assert (found.rates.total_unsubscribed, found.rates.unsubscribe_rate) == (1, 0.5)
    letters = found.by_type[0].rates
    assert (letters.total_unsubscribed, letters.unsubscribe_rate) == (1, 1.0)
