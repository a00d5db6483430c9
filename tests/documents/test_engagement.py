from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.documents import engagement
from app.documents.communications import ClickedLink, Communication
from app.documents.deliveries import Delivery
from app.documents.engagement import Link
from app.documents.vocabulary import EventType
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
StoreDelivery = Callable[..., Awaitable[Delivery]]
RowOf = Callable[[Communication], Awaitable[dict[str, Any] | None]]


async def test_an_open_of_a_tracked_mail(
    store_communication: Store, row_of: RowOf, clock: Clock
) -> None:
    record = await store_communication()
    clock.advance(timedelta(seconds=1))

    await engagement.count_open(record.id, now=clock.now())

    row = await row_of(record)
    assert row is not None
    assert (row["opened"], row["openCount"]) == (True, 1)
    assert row["openedAt"] == row["lastOpenedAt"] == row["updated"] == clock.now()
    assert [event["type"] for event in row["events"]] == [EventType.CREATE, EventType.OPEN]


async def test_an_open_of_an_untracked_mail_changes_nothing(
    store_communication: Store, row_of: RowOf, clock: Clock
) -> None:
    record = await store_communication(tracking_enabled=False)
    before = await row_of(record)

    await engagement.count_open(record.id, now=clock.now())

    assert await row_of(record) == before


async def test_what_is_unknown_is_not_made(store_communication: Store, clock: Clock) -> None:
    unknown = PydanticObjectId()

    await engagement.count_open(unknown, now=clock.now())
    await engagement.count_click(Link(unknown, 0, "https://acme.test"), now=clock.now())

    assert await engagement.link("unknown", 0) is None
    assert await Communication.count() == 0


async def test_a_link_is_found_by_its_number(
    store_communication: Store, store_delivery: StoreDelivery
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id)

    assert await engagement.link("tracking", 0) == Link(record.id, 0, "https://acme.test")


@pytest.mark.parametrize("index", [1, -1, 2**31 - 1, 2**31, 2**63])
@pytest.mark.parametrize("links", [None, ["https://own.test"]])
async def test_no_link_has_this_number(
    store_communication: Store, store_delivery: StoreDelivery, index: int, links: list[str] | None
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id, links=links)

    assert await engagement.link("tracking", index) is None


async def test_a_delivery_may_have_links_of_its_own(
    store_communication: Store, store_delivery: StoreDelivery
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id, links=["https://own.test", "https://b.test"])

    assert await engagement.link("tracking", 0) == Link(record.id, 0, "https://own.test")
    assert await engagement.link("tracking", 1) == Link(record.id, 1, "https://b.test")


async def test_a_click_on_what_the_record_does_not_list_is_listed(
    store_communication: Store, clock: Clock
) -> None:
    record = await store_communication()
    link = Link(record.id, 7, "https://own.test")

    await engagement.count_click(link, now=clock.now())
    await engagement.count_click(link, now=clock.now())

    found = await Communication.shown("acme", str(record.id))
    assert found is not None
    assert [(one.original_url, one.url, one.click_count) for one in found.clicked_links] == [
        ("https://acme.test", "https://t.test", 0),
        ("https://own.test", "https://own.test", 2),
    ]
    assert [event.description for event in found.events[1:]] == ["https://own.test"]


async def test_at_most_a_thousand_links_are_listed(
    store_communication: Store, row_of: RowOf, clock: Clock
) -> None:
    listed = [ClickedLink(original_url=f"https://{n}.test", url="x") for n in range(1000)]
    record = await store_communication(clicked_links=listed)
    before = await row_of(record)

    await engagement.count_click(Link(record.id, 0, "https://own.test"), now=clock.now())
    assert await row_of(record) == before
    await engagement.count_click(Link(record.id, 3, "https://999.test"), now=clock.now())

    found = await Communication.shown("acme", str(record.id))
    assert found is not None
    assert found.clicked_links[999].click_count == 1
