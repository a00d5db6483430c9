import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.vocabulary import EventType
from app.services import tracking
from tests.fakes.clock import Clock

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
    await tracking.record_open(deps, record.tracking_id)
    once = await stored(record.id)
    clock.advance(timedelta(minutes=1))
    await tracking.record_open(deps, record.tracking_id)

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

    await asyncio.gather(*(tracking.record_open(deps, record.tracking_id) for _ in range(50)))

    opened = await stored(record.id)
    assert opened.open_count == 50
    assert [e.type for e in opened.events].count(EventType.OPEN) == 1


async def test_clicks_are_counted_for_each_link(
    deps: Deps, dispatched: Send, stored: Stored, clock: Clock
) -> None:
    record = await dispatched({"body": TWO_LINKS})
    sent = await stored(record.id)
    clock.advance(timedelta(minutes=1))
    first = clock.now()
    assert (
        await tracking.follow_link(deps, record.tracking_id, 1, count=True) == "https://acme.test/1"
    )
    clock.advance(timedelta(minutes=1))
    await tracking.follow_link(deps, record.tracking_id, 1, count=True)
    second = clock.now()
    clock.advance(timedelta(minutes=1))
    await tracking.follow_link(deps, record.tracking_id, 0, count=True)

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
    deps: Deps, dispatched: Send, stored: Stored
) -> None:
    record = await dispatched({"body": TWO_LINKS})

    await asyncio.gather(
        *(tracking.follow_link(deps, record.tracking_id, n % 2, count=True) for n in range(50))
    )

    clicked = await stored(record.id)
    assert [link.click_count for link in clicked.clicked_links] == [25, 25]
    assert [e.type for e in clicked.events].count(EventType.CLICK) == 2


async def test_a_look_at_a_link_is_no_click(
    deps: Deps, dispatched: Send, footprint: Footprint
) -> None:
    record = await dispatched()
    before = await footprint()

    url = await tracking.follow_link(deps, record.tracking_id, 0, count=False)

    assert url == "https://acme.test/offer?id=1&x=2"
    assert await footprint() == before


@pytest.mark.parametrize("index", [2, 1000, -1, -2, 2**31, 2**64, -(2**64)])
async def test_no_link_has_this_number(
    deps: Deps, dispatched: Send, footprint: Footprint, index: int
) -> None:
    record = await dispatched({"body": TWO_LINKS})
    before = await footprint()

    assert await tracking.follow_link(deps, record.tracking_id, index, count=True) is None
    assert await footprint() == before


@pytest.mark.parametrize("tracking_id", ["unknown", "", "\0", "$gt", "x" * 10_000])
async def test_an_unknown_tracking_id_counts_nothing(
    deps: Deps, dispatched: Send, footprint: Footprint, tracking_id: str
) -> None:
    await dispatched()
    before = await footprint()

    await tracking.record_open(deps, tracking_id)

    assert await tracking.follow_link(deps, tracking_id, 0, count=True) is None
    assert await footprint() == before


async def test_a_record_id_is_no_tracking_id(
    deps: Deps, dispatched: Send, footprint: Footprint
) -> None:
    record = await dispatched()
    before = await footprint()

    await tracking.record_open(deps, str(record.id))

    assert await footprint() == before


async def test_a_mail_without_tracking_is_never_opened(
    deps: Deps, dispatched: Send, footprint: Footprint
) -> None:
    record = await dispatched({"trackingEnabled": False})
    before = await footprint()

    await tracking.record_open(deps, record.tracking_id)

    assert await footprint() == before


async def test_a_mail_whose_links_alone_are_tracked_counts_clicks(
    deps: Deps, dispatched: Send, stored: Stored
) -> None:
    record = await dispatched({"trackingEnabled": False, "linkTrackingEnabled": True})

    await tracking.record_open(deps, record.tracking_id)
    await tracking.follow_link(deps, record.tracking_id, 0, count=True)

    tracked = await stored(record.id)
    assert (tracked.opened, tracked.open_count) == (False, 0)
    assert tracked.clicked_links[0].click_count == 1


async def test_a_mail_whose_record_is_gone_leads_nowhere(deps: Deps, dispatched: Send) -> None:
    record = await dispatched()
    await Communication.get_motor_collection().delete_one({"_id": record.id})

    await tracking.record_open(deps, record.tracking_id)

    assert await tracking.follow_link(deps, record.tracking_id, 0, count=True) is None
    assert await Communication.count() == 0


async def test_a_long_address_is_cut_in_the_audit_trail_only(
    deps: Deps, dispatched: Send, stored: Stored
) -> None:
    url = "https://acme.test/" + "x" * 5000
    record = await dispatched({"body": f'<a href="{url}">x</a>'})

    assert await tracking.follow_link(deps, record.tracking_id, 0, count=True) == url

    assert (await stored(record.id)).events[-1].description == url[:500]
