from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery, DeliveryRecipient
from app.documents.engagement import mails
from app.documents.vocabulary import AttemptOutcome, RecipientStatus
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
StoreDelivery = Callable[..., Awaitable[Delivery]]


async def test_a_link_is_found_by_its_number(
    store_communication: Store, store_delivery: StoreDelivery
) -> None:
    record = await store_communication()
    delivery = await store_delivery(communication_id=record.id)

    found = await mails.link("tracking", 0)

    assert found is not None
    assert (found.index, found.url) == (0, "https://acme.test")
    assert found.envelope.delivery_id == delivery.id
    assert await mails.link("unknown", 0) is None


@pytest.mark.parametrize("index", [1, -1, 2**31 - 1, 2**31, 2**63])
@pytest.mark.parametrize("links", [None, ["https://own.test"]])
async def test_no_link_has_this_number(
    store_communication: Store, store_delivery: StoreDelivery, index: int, links: list[str] | None
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id, links=links)

    assert await mails.link("tracking", index) is None


async def test_a_delivery_may_have_links_of_its_own(
    store_communication: Store, store_delivery: StoreDelivery
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id, links=["https://own.test", "https://b.test"])

    found = [await mails.link("tracking", number) for number in range(2)]

    assert [one and one.url for one in found] == ["https://own.test", "https://b.test"]


async def test_an_envelope_tells_whose_it_is_and_when_it_arrived(
    store_communication: Store, store_delivery: StoreDelivery, clock: Clock
) -> None:
    record = await store_communication()
    start = clock.now()
    sent, delivered = start + timedelta(seconds=1), start + timedelta(seconds=30)
    tried = Attempt(date=start, outcome=AttemptOutcome.TRANSIENT)
    handed_over = Attempt(date=sent, outcome=AttemptOutcome.SENT)
    there = {"status": RecipientStatus.DELIVERED, "date": delivered}
    delayed = {"status": RecipientStatus.DEFERRED, "date": delivered}
    one = await store_delivery(
        communication_id=record.id,
        recipients=[DeliveryRecipient(address="jan@customer.test", **there)],
        attempts=[tried, handed_over],
    )
    await store_delivery(
        communication_id=record.id,
        tracking_id="two",
        sending=2,
        recipients=[
            DeliveryRecipient(address="jan@customer.test", **delayed),
            DeliveryRecipient(address="eve@customer.test"),
        ],
    )

    first, second = await mails.envelope("tracking"), await mails.envelope("two")

    assert first == mails.Envelope(
        "acme", record.id, one.id, "jan@customer.test", [sent, delivered]
    )
    assert second is not None
    assert (second.recipient, second.moments) == (None, [])
    assert await mails.envelope("unknown") is None


async def test_of_several_sendings_it_is_the_latest_that_was_handed_over(
    store_communication: Store, store_delivery: StoreDelivery, clock: Clock
) -> None:
    record = await store_communication()
    handed_over = [Attempt(date=clock.now(), outcome=AttemptOutcome.SENT)]
    rows = [
        await store_delivery(
            communication_id=record.id, sending=number, attempts=handed_over if number < 3 else []
        )
        for number in (1, 2, 3)
    ]

    found = await mails.envelope("tracking")

    assert found is not None
    assert found.delivery_id == rows[1].id
