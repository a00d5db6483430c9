import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from beanie import PydanticObjectId
from redis.asyncio import Redis
from structlog.testing import capture_logs

from app.context import Deps
from app.documents.communications import Communication
from app.documents.engagement.hits import Engagement
from app.documents.vocabulary import EventType
from app.mail.engagement.hits import EngagementKind, EngagementVerdict
from app.services import tracking
from app.settings import AddressKeeping
from tests import fetching
from tests.fakes.clock import Clock
from tests.fakes.mongo_calls import MongoCalls
from tests.fakes.visits import BY_APPLE, BY_BARRACUDA, BY_GMAIL, BY_HEAD, ON_PHONE, PERSON

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

TWO_LINKS = '<a href="https://acme.test/0">zero</a> <a href="https://acme.test/1">one</a>'


async def test_opens_are_counted_and_the_first_is_an_event(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched()
    clock.advance(timedelta(minutes=1))
    first = clock.now()
    await fetching.record_open(deps, record.tracking_id, PERSON)
    once = await stored(record.id)
    clock.advance(timedelta(minutes=1))
    await fetching.record_open(deps, record.tracking_id, PERSON)

    twice = await stored(record.id)
    assert (once.opened, once.open_count) == (True, 1)
    assert once.opened_at == once.last_opened_at == once.updated == first
    assert (twice.opened, twice.open_count) == (True, 2)
    assert twice.opened_at == first
    assert twice.last_opened_at == twice.updated == clock.now()
    assert [(e.type, e.date, e.author_id) for e in twice.events[2:]] == [
        (EventType.OPEN, first, None)
    ]


async def test_opens_at_once_are_counted_each(deps: Deps, dispatched: Send, stored: Stored) -> None:
    record = await dispatched()
    readers = [replace(PERSON, address=f"192.0.{number}.1") for number in range(50)]

    await asyncio.gather(
        *(fetching.record_open(deps, record.tracking_id, reader) for reader in readers)
    )

    opened = await stored(record.id)
    assert opened.open_count == 50
    assert [e.type for e in opened.events].count(EventType.OPEN) == 1
    assert await Engagement.count() == 50


async def test_a_picture_that_is_fetched_twice_was_opened_once(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched()

    await asyncio.gather(
        *(fetching.record_open(deps, record.tracking_id, PERSON) for _ in range(3))
    )
    clock.advance(timedelta(seconds=2))
    await fetching.record_open(deps, record.tracking_id, PERSON)

    assert (await stored(record.id)).open_count == 2
    kept = await Engagement.find_all().sort("created").to_list()
    assert sorted(one.repeat for one in kept) == [False, False, True, True]


async def test_clicks_are_counted_for_each_link(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched({"body": TWO_LINKS})
    sent = await stored(record.id)
    clock.advance(timedelta(minutes=1))
    first = clock.now()
    assert await fetching.follow_link(deps, record.tracking_id, 1, PERSON) == "https://acme.test/1"
    clock.advance(timedelta(minutes=1))
    await fetching.follow_link(deps, record.tracking_id, 1, PERSON)
    second = clock.now()
    clock.advance(timedelta(minutes=1))
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)

    clicked = await stored(record.id)
    zero, one = clicked.clicked_links
    assert (zero.click_count, zero.clicked_at, zero.last_clicked_at) == (
        1,
        clock.now(),
        clock.now(),
    )
    assert (one.click_count, one.clicked_at, one.last_clicked_at) == (2, first, second)
    assert [(e.type, e.date, e.description) for e in clicked.events[2:]] == [
        (EventType.CLICK, first, "https://acme.test/1"),
        (EventType.CLICK, clock.now(), "https://acme.test/0"),
    ]
    assert clicked.updated == clock.now()
    # A click is no open: images may be off.
    assert (clicked.opened, clicked.open_count) == (False, 0)
    assert clicked.status == sent.status


async def test_clicks_at_once_are_counted_each(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched({"body": TWO_LINKS})
    readers = [replace(PERSON, address=f"192.0.{number}.1") for number in range(25)]

    for link in (0, 1):
        clock.advance(timedelta(minutes=1))
        await asyncio.gather(
            *(fetching.follow_link(deps, record.tracking_id, link, reader) for reader in readers)
        )

    clicked = await stored(record.id)
    assert [link.click_count for link in clicked.clicked_links] == [25, 25]
    assert [e.type for e in clicked.events].count(EventType.CLICK) == 2


async def test_each_fetch_is_kept_with_its_verdict_and_machines_are_counted_beside(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched({"body": TWO_LINKS})
    sent = await stored(record.id)
    clock.advance(timedelta(seconds=2))
    for visit in (BY_APPLE, BY_BARRACUDA, BY_HEAD):
        await fetching.record_open(deps, record.tracking_id, visit)
    for visit in (BY_HEAD, BY_BARRACUDA, PERSON):
        await fetching.follow_link(deps, record.tracking_id, 0, visit)
    machines = await stored(record.id)
    clock.advance(timedelta(minutes=9))
    opened_at = clock.now()
    await fetching.record_open(deps, record.tracking_id, BY_GMAIL)
    await fetching.follow_link(deps, record.tracking_id, 1, ON_PHONE)

    people = await stored(record.id)
    links = people.clicked_links
    assert (machines.opened, machines.open_count, machines.machine_open_count) == (False, 0, 3)
    assert machines.events == sent.events
    assert machines.updated == sent.updated
    assert (people.opened, people.open_count, people.machine_open_count) == (True, 1, 3)
    assert people.opened_at == people.last_opened_at == opened_at
    assert [(one.click_count, one.machine_click_count) for one in links] == [(0, 3), (1, 0)]
    assert [event.type for event in people.events[2:]] == [EventType.OPEN, EventType.CLICK]
    kept = await Engagement.find_all().sort("_id").to_list()
    assert [(one.kind, one.verdict, one.rule, one.since_delivery) for one in kept] == [
        (EngagementKind.OPEN, EngagementVerdict.PREFETCH, "apple-privacy", 2),
        (EngagementKind.OPEN, EngagementVerdict.SCANNER, "scanner-agent", 2),
        (EngagementKind.OPEN, EngagementVerdict.SCANNER, "head", 2),
        (EngagementKind.CLICK, EngagementVerdict.SCANNER, "head", 2),
        (EngagementKind.CLICK, EngagementVerdict.SCANNER, "scanner-agent", 2),
        (EngagementKind.CLICK, EngagementVerdict.SCANNER, "at-delivery", 2),
        (EngagementKind.OPEN, EngagementVerdict.PROXY, "gmail-proxy", 542),
        (EngagementKind.CLICK, EngagementVerdict.HUMAN, "person", 542),
    ]
    last = kept[-1]
    assert (last.tenant_id, last.communication_id, last.recipient) == (
        "acme",
        record.id,
        "jan@customer.test",
    )
    assert (last.link, last.url, last.method) == (1, "https://acme.test/1", "GET")
    assert (last.user_agent, last.address) == (ON_PHONE.user_agent, "198.51.100.0/24")
    assert last.expires == clock.now() + timedelta(days=90)


async def test_what_is_counted_again_counts_once(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock, redis: Redis
) -> None:
    await redis.flushdb()
    record = await dispatched()
    clock.advance(deps.settings.scan_delay)
    await tracking.record_open(deps, record.tracking_id, PERSON)
    await tracking.follow_link(deps, record.tracking_id, 0, PERSON)
    hits = await deps.waiting_hits.take("one that dies", 9)
    # As when Redis took them, and its answer was lost.
    await deps.waiting_hits.append(hits[0], partial(tracking.count_hits, deps))

    await asyncio.gather(*(tracking.count_hits(deps, hits) for _ in range(3)))
    await deps.waiting_hits.leave("one that dies")
    await fetching.count_all(deps)

    counted = await stored(record.id)
    assert (counted.open_count, counted.clicked_links[0].click_count) == (1, 1)
    assert await Engagement.count() == len(hits) == 2


@pytest.mark.parametrize("octets", [b"", b"{}", b"[1]", b'["a", "b", "no time"]', b"[null]" * 2])
async def test_what_nobody_can_read_holds_up_no_others(
    deps: Deps, dispatched: Send, stored: Stored, octets: bytes
) -> None:
    record = await dispatched()
    await deps.waiting_hits.append(octets, partial(tracking.count_hits, deps))

    with capture_logs() as logs:
        await fetching.record_open(deps, record.tracking_id, PERSON)

    assert [log["event"] for log in logs] == ["hit.fault"]
    assert (await stored(record.id)).open_count == 1


async def test_floods_of_many_mails_are_counted_in_batches(
    deps: Deps, dispatched: Send, stored: Stored, mongo_calls: MongoCalls
) -> None:
    records = [await dispatched() for _ in range(3)]
    readers = [replace(PERSON, address=f"192.0.{number}.1") for number in range(40)]
    for reader in readers:
        for record in records:
            await tracking.record_open(deps, record.tracking_id, reader)
    mongo_calls.clear()

    await fetching.count_all(deps)

    assert mongo_calls.names == [
        "commitTransaction 1",
        "find communications",
        "find deliveries",
        "find engagements",
        "find engagements",
        "insert engagements",
        "update communications",
    ]
    assert {(await stored(record.id)).open_count for record in records} == {40}


async def test_a_burst_takes_back_what_counted_as_a_persons(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    body = "".join(f'<a href="https://acme.test/{number}">{number}</a>' for number in range(3))
    record = await dispatched({"body": body})
    sent = await stored(record.id)
    clock.advance(timedelta(minutes=9))
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
    clock.advance(timedelta(seconds=2))
    await fetching.follow_link(deps, record.tracking_id, 1, PERSON)
    two = await stored(record.id)
    clock.advance(timedelta(seconds=2))
    await fetching.follow_link(deps, record.tracking_id, 2, PERSON)

    burst = await stored(record.id)
    assert [link.click_count for link in two.clicked_links] == [1, 1, 0]
    assert [event.type for event in two.events[2:]] == [EventType.CLICK] * 2
    assert [
        (link.click_count, link.machine_click_count, link.clicked_at, link.last_clicked_at)
        for link in burst.clicked_links
    ] == [(0, 1, None, None)] * 3
    assert burst.events == sent.events
    assert {one.rule for one in await Engagement.find_all().to_list()} == {"burst"}


async def test_a_hit_that_cannot_be_kept_stands_in_nobodys_way(
    deps: Deps, dispatched: Send, stored: Stored
) -> None:
    record = await dispatched()
    collection = Communication.get_motor_collection()
    await collection.update_one({"_id": record.id}, {"$set": {"openCount": "no number"}})
    visit = replace(PERSON, user_agent="x\ud800\0" + "y" * 10_000, address="no address")

    await tracking.record_open(deps, record.tracking_id, PERSON)
    with capture_logs() as logs:
        url = await fetching.follow_link(deps, record.tracking_id, 0, visit)

    assert [log["event"] for log in logs] == ["hit.fault"]
    assert url == "https://acme.test/offer?id=1&x=2"
    assert await deps.waiting_hits.take("another", 9) == []
    [kept] = await Engagement.find_all().to_list()
    assert (kept.user_agent, kept.address) == ("x\ufffd" + "y" * 498, None)


@pytest.mark.parametrize(
    ("address", "keeping", "kept"),
    [
        ("192.0.2.17", AddressKeeping.NETWORK, "192.0.2.0/24"),
        ("192.0.2.17", AddressKeeping.FULL, "192.0.2.17"),
        ("192.0.2.17", AddressKeeping.NONE, None),
        ("2001:db8:1:2:3:4:5:6", AddressKeeping.NETWORK, "2001:db8:1::/48"),
        ("2001:db8:1:2:3:4:5:6", AddressKeeping.FULL, "2001:db8:1:2:3:4:5:6"),
        ("::ffff:192.0.2.17", AddressKeeping.NETWORK, "192.0.2.0/24"),
        ("fe80::1%eth0", AddressKeeping.FULL, "fe80::1"),
        ("testclient", AddressKeeping.FULL, None),
        (None, AddressKeeping.FULL, None),
    ],
)
def test_what_is_kept_of_an_address(
    address: str | None, keeping: AddressKeeping, kept: str | None
) -> None:
    assert tracking.kept_address(address, keeping) == kept


async def test_of_a_mail_to_several_nobody_is_named(
    deps: Deps, dispatched: Send, stored: Stored
) -> None:
    record = await dispatched({"cc": ["eve@customer.test"]})

    await fetching.record_open(deps, record.tracking_id, PERSON)

    [kept] = await Engagement.find_all().to_list()
    assert kept.recipient is None


@pytest.mark.parametrize("index", [2, 1000, -1, -2, 2**31, 2**64, -(2**64)])
async def test_no_link_has_this_number(
    deps: Deps, dispatched: Send, footprint: Footprint, index: int
) -> None:
    record = await dispatched({"body": TWO_LINKS})
    before = await footprint()

    assert await fetching.follow_link(deps, record.tracking_id, index, PERSON) is None
    assert await footprint() == before


@pytest.mark.parametrize("tracking_id", ["unknown", "", "\0", "$gt", "x" * 10_000])
async def test_an_unknown_tracking_id_counts_nothing(
    deps: Deps, dispatched: Send, footprint: Footprint, tracking_id: str
) -> None:
    await dispatched()
    before = await footprint()

    await fetching.record_open(deps, tracking_id, PERSON)

    assert await fetching.follow_link(deps, tracking_id, 0, PERSON) is None
    assert await footprint() == before


async def test_a_record_id_is_no_tracking_id(
    deps: Deps, dispatched: Send, footprint: Footprint
) -> None:
    record = await dispatched()
    before = await footprint()

    await fetching.record_open(deps, str(record.id), PERSON)

    assert await footprint() == before


async def test_a_mail_without_tracking_is_never_opened(
    deps: Deps, dispatched: Send, footprint: Footprint
) -> None:
    record = await dispatched({"trackingEnabled": False})
    before = await footprint()

    await fetching.record_open(deps, record.tracking_id, PERSON)

    assert await footprint() == before


async def test_a_mail_whose_links_alone_are_tracked_counts_clicks(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched({"trackingEnabled": False, "linkTrackingEnabled": True})

    clock.advance(timedelta(minutes=1))
    await fetching.record_open(deps, record.tracking_id, PERSON)
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)

    tracked = await stored(record.id)
    assert (tracked.opened, tracked.open_count) == (False, 0)
    assert tracked.clicked_links[0].click_count == 1


async def test_a_mail_whose_record_is_gone_leads_nowhere(deps: Deps, dispatched: Send) -> None:
    record = await dispatched()
    await Communication.get_motor_collection().delete_one({"_id": record.id})

    await fetching.record_open(deps, record.tracking_id, PERSON)

    assert await fetching.follow_link(deps, record.tracking_id, 0, PERSON) is None
    assert await Communication.count() == 0


async def test_a_long_address_is_cut_in_the_audit_trail_only(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    url = "https://acme.test/" + "x" * 5000
    record = await dispatched({"body": f'<a href="{url}">x</a>'})
    clock.advance(timedelta(minutes=1))

    assert await fetching.follow_link(deps, record.tracking_id, 0, PERSON) == url

    assert (await stored(record.id)).events[-1].description == url[:500]
