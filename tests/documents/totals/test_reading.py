"""Totals tell what the records tell, whatever happens to these, in whatever order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.context import Deps
from app.documents import analytics
from app.documents.analytics import Part, Period
from app.documents.communications import Communication, Event
from app.documents.inbound_messages import InboundMessage
from app.documents.totals import checking, counting, summaries
from app.documents.vocabulary import CommunicationStatus, EventType
from tests.documents.totals.happenings import Happenings
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
Receive = Callable[..., Awaitable[InboundMessage]]
Agree = Callable[..., Awaitable[None]]
CountAll = Callable[[], Awaitable[int]]
START = datetime(2100, 11, 24, 9, 30, tzinfo=UTC)
ZONES = [
    "UTC",
    "Europe/Amsterdam",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "America/St_Johns",
    "Pacific/Apia",
]


def some_period(dice: random.Random, now: datetime) -> Period:
    """Open, aligned, or cut anywhere; within a quarter of an hour too."""
    span = now - START + timedelta(days=2)
    ends = sorted(START - timedelta(days=1) + span * dice.random() for _ in range(2))
    start, end = (
        moment if dice.random() < 0.5 else moment.replace(minute=0, second=0, microsecond=0)
        for moment in ends
    )
    return dice.choice(
        [
            Period(start, max(start, end)),
            Period(start, None),
            Period(None, end),
            Period(start, start + timedelta(minutes=dice.randrange(20))),
            Period(None, None),
        ]
    )


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens(
    deps: Deps, store_communication: Store, receive: Receive, clock: Clock, agree: Agree,
    count_all: CountAll, seed: int,
) -> None:  # fmt: skip
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    happen = Happenings(deps, clock, store_communication, receive, dice)
    for step in range(90):
        await happen.something()
        if step in {10, 50}:
            await count_all()
        if step > 10 and step % 12 == 0:
            for zone in dice.sample(ZONES, 2):
                await agree(some_period(dice, clock.now()), zone)

    await counting.count("acme", now=clock.now())

    for zone in ZONES:
        await agree(Period(None, None), zone)
    assert [await checking.wrong_totals("acme", day) for day in await checking.days("acme")] == [
        [] for _ in await checking.days("acme")
    ]
    assert await checking.wrong_sums("acme") == []
    assert await checking.wrong_records("acme", 2) == 0


@pytest.fixture
def store_sent(store_communication: Store) -> Store:
    """A record that was handed over at START, unless these stored fields say otherwise."""

    async def store(**fields: Any) -> Communication:
        sent: dict[str, Any] = {"status": CommunicationStatus.SENT, "sent_at": START}
        return await store_communication(**{**sent, **fields})

    return store


async def test_records_that_were_never_counted_tell_themselves(
    store_sent: Store, count_all: CountAll
) -> None:
    await store_sent()
    everything = Period(None, None)

    assert await summaries.tally("acme", everything, "UTC", ()) is None
    assert await summaries.days("acme", everything, "UTC", templates=1) is None
    await counting.begin("acme", now=START)
    assert await summaries.tally("acme", everything, "UTC", ()) is None
    await count_all()
    told = await summaries.tally("acme", everything, "UTC", ())
    assert told is not None
    assert told.total.sent == 1


async def test_what_is_not_asked_for_is_not_read(store_sent: Store, count_all: CountAll) -> None:
    await store_sent(type="OFFERTE", template_id="t1")
    await count_all()
    everything = Period(None, None)

    for part in Part:
        told = await summaries.tally("acme", everything, "UTC", [part])
        assert told is not None
        found = [told.by_type, told.by_template, told.by_day]
        assert [bool(rows) for rows in found] == [
            part is one for one in (Part.TYPES, Part.TEMPLATES, Part.DAYS)
        ]


async def test_no_moment_tells_something_else_while_it_is_counted(
    store_communication: Store, count_all: CountAll, clock: Clock
) -> None:
    await count_all()
    for _ in range(30):
        record = await store_communication()
        sent = Communication.sent(
            now=clock.now(), message_id="<1@acme.test>", internet_message_id=None, remark=None
        )
        await Communication.make(record.id, sent)
    rows = await Communication.get_motor_collection().find({}, {"_id": 1}).to_list(None)

    async def count_each() -> None:
        for row in rows:
            await counting.count("acme", now=clock.now(), ids=[row["_id"]])

    counted = asyncio.create_task(count_each())
    told = []
    while not counted.done():
        tally = await summaries.tally("acme", Period(None, None), "UTC", [Part.DAYS])
        assert tally is not None
        told.append((tally.total.sent, tally.by_day))
    await counted

    assert told
    assert {sent for sent, _ in told} == {30}
    assert all(by_day == [(f"{clock.now():%Y-%m-%d}", 30)] for _, by_day in told)


async def test_of_another_tenant_nothing_counts(
    store_sent: Store, count_all: CountAll, agree: Agree
) -> None:
    await store_sent(tenant_id="globex")
    ledger = await counting.begin("globex", now=START)
    async for _ in counting.go_on(ledger, now=START):
        pass
    await count_all()

    await agree(Period(None, None))
    told = await summaries.tally("acme", Period(None, None), "UTC", ())
    assert told is not None
    assert told.total.sent == 0


@pytest.mark.parametrize("count_before", [True, False])
async def test_what_failed_often_counts_once_in_each_period(
    store_communication: Store, count_all: CountAll, agree: Agree, count_before: bool
) -> None:
    moments = [timedelta(0), timedelta(minutes=3), timedelta(minutes=40), timedelta(days=1)]
    fails = [Event(type=EventType.FAIL, date=START + after) for after in moments]
    if count_before:
        await count_all()
    record = await store_communication(
        status=CommunicationStatus.FAILED, type="OFFERTE", template_id="t1", events=fails
    )
    if count_before:
        flag = {"$set": {"isUncounted": True}}
        await Communication.get_motor_collection().update_one({"_id": record.id}, flag)
    else:
        await count_all()
    cuts = sorted(
        START + after + timedelta(milliseconds=beside) for after in moments for beside in (0, 1)
    )

    for start in [None, *cuts[::2]]:
        for end in [*cuts[1::3], None]:
            if start is None or end is None or start <= end:
                await agree(Period(start, end), "Asia/Kolkata")


@pytest.mark.parametrize(
    ("zone", "moments"),
    [
        # Their clocks went back from one minute past midnight, to the day before.
        ("America/St_Johns", ["2010-11-07T02:30", "2010-11-07T02:31", "2010-11-07T03:30:30"]),
        # 19 minutes and 32 seconds before UTC.
        ("Europe/Amsterdam", ["1920-01-01T23:40:27", "1920-01-01T23:40:28", "1920-01-02T12:00"]),
        # A day was left out.
        ("Pacific/Apia", ["2011-12-30T09:59:59.999", "2011-12-30T10:00"]),
        ("Australia/Lord_Howe", ["2026-04-04T14:59:59", "2026-04-04T15:00", "2026-04-05T13:30"]),
    ],
)
async def test_days_of_odd_time_zones(
    store_sent: Store, count_all: CountAll, zone: str, moments: list[str]
) -> None:
    for moment in moments:
        await store_sent(sent_at=datetime.fromisoformat(moment).replace(tzinfo=UTC))
    await count_all()
    everything = Period(None, None)

    told = await summaries.tally("acme", everything, zone, [*Part])

    if zone in {"Europe/Amsterdam", "America/St_Johns"}:
        # No total is as short as to tell.
        assert told is None
    else:
        assert told == await analytics.tally("acme", everything, zone)
