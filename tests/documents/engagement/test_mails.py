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
    await store_delivery(communication_id=record.id)
    own = ["https://own.test"]
    await store_delivery(communication_id=record.id, tracking_id="own", sending=2, links=own)

    found = await mails.links([("own", 0), ("unknown", 0), ("tracking", 0), ("own", 1)])

    assert found == ["https://own.test", None, "https://acme.test", None]


@pytest.mark.parametrize("index", [1, -1, 2**31 - 1, 2**31, 2**63])
@pytest.mark.parametrize("links", [None, ["https://own.test"]])
async def test_no_link_has_this_number(
    store_communication: Store, store_delivery: StoreDelivery, index: int, links: list[str] | None
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id, links=links)

    assert await mails.links([("tracking", index)]) == [None]


async def test_a_delivery_may_have_links_of_its_own(
    store_communication: Store, store_delivery: StoreDelivery
) -> None:
    record = await store_communication()
    await store_delivery(communication_id=record.id, links=["https://own.test", "https://b.test"])

    found = await mails.links([("tracking", number) for number in range(2)])

    assert found == ["https://own.test", "https://b.test"]


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

    found = await mails.envelopes(["tracking", "two", "unknown"])

    assert found.keys() == {"tracking", "two"}
    assert found["tracking"] == mails.Envelope(
        "acme", record.id, one.id, "jan@customer.test", [sent, delivered]
    )
    assert (found["two"].recipient, found["two"].moments) == (None, [])


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

    found = await mails.envelopes(["tracking"])

    assert found["tracking"].delivery_id == rows[1].id
