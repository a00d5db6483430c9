import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Deps
from app.documents.deliveries import Attempt, Delivery, DeliveryRecipient
from app.documents.vocabulary import AttemptOutcome, DeliveryStatus, RecipientStatus
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Delivery]]
RowOf = Callable[[Delivery], Awaitable[dict[str, Any] | None]]
Move = Callable[[Delivery, Deps], Awaitable[object]]

REFUSED = [
    DeliveryRecipient(address="jan@customer.test", status=RecipientStatus.REFUSED, reply="550 no")
]
MOVES: dict[str, Move] = {
    "claim": lambda row, deps: Delivery.claim(
        str(row.id), lease="new", now=deps.now(), until=deps.now() + timedelta(seconds=30)
    ),
    "extend": lambda row, deps: row.extend(deps.now() + timedelta(seconds=30)),
    "settle": lambda row, deps: row.make(
        row.id,
        row.settling(
            DeliveryStatus.SENT, REFUSED, Attempt(date=deps.now(), outcome=AttemptOutcome.SENT)
        ),
    ),
    "close": lambda row, deps: row.close(DeliveryStatus.CANCELLED),
    "wait": lambda row, deps: row.wait(
        deps.now() + timedelta(seconds=9),
        REFUSED,
        Attempt(date=deps.now(), outcome=AttemptOutcome.TRANSIENT, detail="busy"),
    ),
}


@pytest.mark.parametrize(
    "status", [DeliveryStatus.SENT, DeliveryStatus.FAILED, DeliveryStatus.CANCELLED]
)
@pytest.mark.parametrize("name", MOVES)
async def test_what_is_settled_stays_as_it_is(
    deps: Deps, store_delivery: Store, row_of: RowOf, name: str, status: DeliveryStatus
) -> None:
    row = await store_delivery(status=status, lease="mine")
    before = await row_of(row)

    assert not await MOVES[name](row, deps)
    assert await row_of(row) == before


@pytest.mark.parametrize("name", MOVES)
async def test_what_is_queued_moves(deps: Deps, store_delivery: Store, name: str) -> None:
    row = await store_delivery(lease="mine")

    assert await MOVES[name](row, deps)


@pytest.mark.parametrize("name", ["extend", "wait"])
async def test_who_lost_the_lease_moves_nothing(
    deps: Deps, store_delivery: Store, row_of: RowOf, name: str
) -> None:
    row = await store_delivery(lease="mine")
    assert await MOVES["claim"](row, deps)
    before = await row_of(row)

    assert not await MOVES[name](row, deps)
    assert await row_of(row) == before


@pytest.mark.parametrize("name", ["settle", "close"])
async def test_what_happened_is_recorded_whoever_holds_the_lease(
    deps: Deps, store_delivery: Store, name: str
) -> None:
    row = await store_delivery(lease="mine")
    assert await MOVES["claim"](row, deps)

    assert await MOVES[name](row, deps)


async def test_of_many_who_claim_one_wins(deps: Deps, store_delivery: Store) -> None:
    row = await store_delivery()

    claims = await asyncio.gather(*(MOVES["claim"](row, deps) for _ in range(20)))

    assert sum(one is not None for one in claims) == 1


async def test_a_claim(deps: Deps, store_delivery: Store) -> None:
    row = await store_delivery()

    claimed = await MOVES["claim"](row, deps)

    assert isinstance(claimed, Delivery)
    assert (claimed.lease, claimed.claims) == ("new", 1)
    assert claimed.due_at == deps.now() + timedelta(seconds=30)
    assert claimed.message == row.message


async def test_what_is_not_due_is_not_claimed(
    deps: Deps, store_delivery: Store, row_of: RowOf
) -> None:
    row = await store_delivery(due_at=deps.now() + timedelta(milliseconds=1))
    before = await row_of(row)

    assert await MOVES["claim"](row, deps) is None
    assert await row_of(row) == before


@pytest.mark.parametrize("id_", ["0123456789abcdef01234567", "nonsense", ""])
async def test_an_unknown_id_is_not_claimed(deps: Deps, id_: str) -> None:
    assert await Delivery.claim(id_, lease="new", now=deps.now(), until=deps.now()) is None


async def test_settling_records_the_attempt(deps: Deps, store_delivery: Store) -> None:
    row = await store_delivery(lease="mine")
    row.provider_id, row.internet_message_id = "provider's", "<2@acme.test>"

    settled = await MOVES["settle"](row, deps)

    assert isinstance(settled, Delivery)
    assert (settled.status, settled.due_at, settled.lease) == (DeliveryStatus.SENT, None, None)
    assert settled.attempts == [Attempt(date=deps.now(), outcome=AttemptOutcome.SENT)]
    assert settled.recipients == REFUSED
    assert (settled.provider_id, settled.internet_message_id) == ("provider's", "<2@acme.test>")


async def test_waiting_records_the_attempt_and_gives_it_back(
    deps: Deps, store_delivery: Store, clock: Clock
) -> None:
    row = await store_delivery(lease="mine")

    waiting = await MOVES["wait"](row, deps)

    assert isinstance(waiting, Delivery)
    assert (waiting.status, waiting.lease) == (DeliveryStatus.QUEUED, None)
    assert waiting.due_at == clock.now() + timedelta(seconds=9)
    assert waiting.attempts == [
        Attempt(date=clock.now(), outcome=AttemptOutcome.TRANSIENT, detail="busy")
    ]
    assert [row[:2] for row in await Delivery.due(clock.now(), 10)] == []
    clock.advance(timedelta(seconds=9))
    assert [row[:2] for row in await Delivery.due(clock.now(), 10)] == [(str(row.id), 0)]


async def test_a_sending_has_one_delivery(store_delivery: Store) -> None:
    first = await store_delivery()

    second = await store_delivery(
        communication_id=first.communication_id, message=b"another", message_id="<2@acme.test>"
    )

    assert second == first
    assert await Delivery.count() == 1


async def test_sending_again_makes_another_delivery(store_delivery: Store) -> None:
    first = await store_delivery()

    second = await store_delivery(communication_id=first.communication_id, sending=2)

    assert second.id != first.id
    assert await Delivery.of_communication(first.communication_id, 2) == second
    assert await Delivery.of_communication(first.communication_id, 3) is None


@pytest.mark.parametrize("size", [0, 1, 4 * 1024 * 1024, 4 * 1024 * 1024 + 1])
async def test_the_message_is_read_back_whatever_its_size(
    store_delivery: Store, row_of: RowOf, size: int
) -> None:
    message = b"\r\n\0\xff"[:size] + b"x" * (size - 4)

    row = await store_delivery(message=message)

    stored = await row_of(row)
    assert stored is not None
    assert ("message" in stored) is (size <= 4 * 1024 * 1024)
    found = await Delivery.get(row.id)
    assert found is not None
    assert await found.stored_message() == message


async def test_due_are_those_whose_time_has_come_longest_first(
    store_delivery: Store, clock: Clock
) -> None:
    now = clock.now()
    late = await store_delivery(due_at=now, claims=3)
    earlier = await store_delivery(due_at=now - timedelta(hours=1))
    await store_delivery(due_at=now + timedelta(milliseconds=1))
    await store_delivery(due_at=None, status=DeliveryStatus.SENT)

    assert [row[:2] for row in await Delivery.due(now, 10)] == [
        (str(earlier.id), 0),
        (str(late.id), 3),
    ]
    assert [row[:2] for row in await Delivery.due(now, 1)] == [(str(earlier.id), 0)]


async def test_a_tracking_id_leads_to_its_record(store_delivery: Store) -> None:
    row = await store_delivery(tracking_id="of this mail")
    await store_delivery(tracking_id="of another")

    assert await Delivery.communication_of("of this mail") == row.communication_id
    assert await Delivery.communication_of("of none") is None


async def test_only_who_waits_is_sent_to(store_delivery: Store) -> None:
    row = await store_delivery(
        recipients=[
            DeliveryRecipient(address=status.lower() + "@b.test", status=status)
            for status in RecipientStatus
        ]
    )

    assert row.waiting() == ["pending@b.test"]
