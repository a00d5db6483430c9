from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.documents import engagement
from app.documents.communications import Communication
from app.documents.vocabulary import EventType
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
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
    await engagement.count_click(unknown, 0, now=clock.now(), url="https://acme.test")

    assert await engagement.link(unknown, 0) is None
    assert await Communication.count() == 0


async def test_a_link_is_found_by_its_number(store_communication: Store) -> None:
    record = await store_communication()

    assert await engagement.link(record.id, 0) == "https://acme.test"


@pytest.mark.parametrize("index", [1, -1, 2**31 - 1, 2**31, 2**63])
async def test_no_link_has_this_number(store_communication: Store, index: int) -> None:
    record = await store_communication()

    assert await engagement.link(record.id, index) is None


async def test_a_click_on_a_link_that_is_not_there_changes_nothing(
    store_communication: Store, row_of: RowOf, clock: Clock
) -> None:
    record = await store_communication()
    before = await row_of(record)

    await engagement.count_click(record.id, 1, now=clock.now(), url="https://acme.test")

    assert await row_of(record) == before
