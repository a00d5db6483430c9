"""Days of a period, in all and by type and template."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.vocabulary import CommunicationStatus, CommunicationType, EventType
from app.errors import InvalidInputError
from app.services import analytics_series
from app.services.analytics_series import DayStats, Series, TemplateSeries, TypeSeries, series
from tests.totals import both_ways

NOON = datetime(2100, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OFFER, BILL = CommunicationType.OFFERTE, CommunicationType.FACTUUR
CLICKED = [ClickedLink(original_url="https://b.test", url="https://t.test/1", click_count=3)]
Store = Callable[..., Awaitable[Communication]]
Days = Callable[..., Awaitable[Series]]


@pytest.fixture
def out(send: Store) -> Store:
    """A record that was handed over at noon, unless these stored fields say otherwise."""

    async def store(**fields: Any) -> Communication:
        record = await send()
        sent: dict[str, Any] = {"status": CommunicationStatus.SENT, "sent_at": NOON}
        changed: Communication = record.model_copy(update={**sent, **fields})
        await changed.replace()
        return changed

    return store


@pytest.fixture
def lost(out: Store) -> Store:
    """A record that stands as failed, and failed at these times."""

    async def store(*times: datetime, **fields: Any) -> Communication:
        events = [Event(type=EventType.FAIL, date=time) for time in times]
        failed = {"status": CommunicationStatus.FAILED, "sent_at": None, "events": events}
        return await out(**{**failed, **fields})

    return store


@pytest.fixture
def days_of(deps: Deps, caller: Caller) -> Days:
    async def reckon(*, by: Caller = caller, **asked: Any) -> Series:
        whole: dict[str, Any] = {"start": None, "end": NOON + DAY, "timezone": None}
        period = {**whole, **asked}
        return await both_ways(by.tenant, lambda: series(deps, by, **period))

    return reckon


async def test_without_mail_there_are_no_days(days_of: Days) -> None:
    assert await days_of() == Series([], [], [])


async def test_each_day_tells_what_became_of_its_mail(
    out: Store, lost: Store, days_of: Days
) -> None:
    await out(opened=True, open_count=9, clicked_links=CLICKED)
    await out(opened=True, status=CommunicationStatus.DELIVERED)
    await out(status=CommunicationStatus.COMPLAINED)
    await out(status=CommunicationStatus.BOUNCED, sent_at=NOON - DAY)
    await lost(NOON - 2 * DAY)
    await lost(NOON)
    # Nobody wanted it.
    await lost(NOON, is_withheld=True)
    # Not out, and not lost.
    await out(status=CommunicationStatus.PENDING, sent_at=None)

    found = await days_of()

    assert found.days == [
        DayStats("2100-11-22", failed=1),
        DayStats("2100-11-23", sent=1, bounced=1),
        DayStats("2100-11-24", sent=3, opened=2, clicked=1, delivered=2, complained=1, failed=1),
    ]
    assert (found.by_type, found.by_template) == ([], [])


async def test_machines_stand_beside_people(out: Store, days_of: Days) -> None:
    scanned = [link.model_copy(update={"click_count": 0}) for link in CLICKED]
    scanned[0].machine_click_count = 1
    await out(machine_open_count=2, clicked_links=scanned)
    await out(opened=True, machine_open_count=1)

    assert (await days_of()).days == [
        DayStats("2100-11-24", sent=2, opened=1, machine_opened=2, machine_clicked=1)
    ]


async def test_by_type_in_their_order(out: Store, lost: Store, days_of: Days) -> None:
    await out(type=BILL)
    await out(type=BILL, sent_at=NOON - DAY)
    await lost(NOON, type=BILL)
    await lost(NOON, type=OFFER)

    assert (await days_of()).by_type == [
        TypeSeries(OFFER, [DayStats("2100-11-24", failed=1)]),
        TypeSeries(
            BILL, [DayStats("2100-11-23", sent=1), DayStats("2100-11-24", sent=1, failed=1)]
        ),
    ]


async def test_by_template_the_most_used_first(out: Store, lost: Store, days_of: Days) -> None:
    await out(template_id="t1", template_name="Old", sent_at=NOON - DAY)
    await out(template_id="t2")
    await out(template_id="t2", template_name="Two")
    await lost(NOON, template_id="t1", template_name="New")
    await lost(NOON, template_id="t0", template_name="Zero")

    assert (await days_of()).by_template == [
        TemplateSeries("t2", "Two", [DayStats("2100-11-24", sent=2)]),
        TemplateSeries(
            "t1", "Old", [DayStats("2100-11-23", sent=1), DayStats("2100-11-24", failed=1)]
        ),
        TemplateSeries("t0", "Zero", [DayStats("2100-11-24", failed=1)]),
    ]


async def test_templates_have_an_end(
    out: Store, lost: Store, days_of: Days, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics_series, "TEMPLATES", 2)
    for id_ in ("t1", "t1", "t2", "t2", "t2", "t3"):
        await out(template_id=id_)
    for id_ in ("t3", "t3", "t4", "t4", "t1"):
        await lost(NOON, template_id=id_)

    assert (await days_of()).by_template == [
        TemplateSeries("t2", None, [DayStats("2100-11-24", sent=3)]),
        TemplateSeries("t1", None, [DayStats("2100-11-24", sent=2, failed=1)]),
    ]


async def test_days_are_those_of_the_time_zone(out: Store, lost: Store, days_of: Days) -> None:
    await out(sent_at=NOON.replace(hour=23))
    await lost(NOON.replace(hour=23))

    found = await days_of(timezone="Europe/Amsterdam")

    assert found.days == [DayStats("2100-11-25", sent=1, failed=1)]


async def test_a_period_begins_and_ends_exactly(out: Store, lost: Store, days_of: Days) -> None:
    for time in (NOON - DAY, NOON, NOON + DAY):
        await out(sent_at=time)
        await lost(time)

    found = await days_of(start=NOON, end=NOON + DAY)

    assert found.days == [DayStats("2100-11-24", sent=1, failed=1)]


async def test_what_failed_twice_counts_where_it_failed_last_in_the_period(
    lost: Store, days_of: Days
) -> None:
    await lost(NOON - 2 * DAY, NOON - DAY, NOON)

    assert (await days_of()).days == [DayStats("2100-11-24", failed=1)]
    assert (await days_of(end=NOON)).days == [DayStats("2100-11-23", failed=1)]


@pytest.mark.parametrize("end", [None, NOON - timedelta(hours=3)])
async def test_of_a_long_period_it_is_the_last_400_days(
    deps: Deps, out: Store, days_of: Days, end: datetime | None
) -> None:
    last = end or deps.now()
    for time in (last - 400 * DAY - timedelta(milliseconds=1), last - 400 * DAY, last - 300 * DAY):
        await out(sent_at=time)

    found = await days_of(start=last - 500 * DAY, end=end)
    shorter = await days_of(start=last - 350 * DAY, end=end)

    assert [day.sent for day in found.days] == [1, 1]
    assert [day.sent for day in shorter.days] == [1]


async def test_a_period_that_ends_with_the_calendar_is_no_fault(out: Store, days_of: Days) -> None:
    await out()
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

    assert (await days_of(start=first, end=first)).days == []
    assert (await days_of(start=last - DAY, end=last)).days == []


async def test_others_mail_and_deleted_mail_do_not_count(
    out: Store, lost: Store, days_of: Days
) -> None:
    await out(deleted_at=NOON)
    await lost(NOON, deleted_at=NOON)
    await out(tenant_id="rival", type=OFFER)

    assert await days_of() == Series([], [], [])
    rival = await days_of(by=Caller("rival", "bob", frozenset()))
    assert rival.days == [DayStats("2100-11-24", sent=1)]


@pytest.mark.parametrize(
    ("asked", "path"),
    [({"start": NOON, "end": NOON - DAY}, "from"), ({"timezone": "Mars/Base"}, "timezone")],
)
async def test_bad_periods_are_refused(days_of: Days, asked: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await days_of(**asked)

    assert [field.path for field in refused.value.fields] == [path]


async def test_answered_mail_stands_beside(out: Store, days_of: Days) -> None:
    await out(reply_count=2)
    await out()

    assert (await days_of()).days == [DayStats("2100-11-24", sent=2, replied=1)]


async def test_mail_by_which_somebody_unsubscribed_stands_beside(out: Store, days_of: Days) -> None:
    await out(unsubscribe_count=2)
    await out()

    assert (await days_of()).days == [DayStats("2100-11-24", sent=2, unsubscribed=1)]
