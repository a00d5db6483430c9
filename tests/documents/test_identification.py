from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Deps
from app.documents import identification
from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    ProviderType,
)

Store = Callable[..., Awaitable[Any]]
RowOf = Callable[[Any], Awaitable[dict[str, Any] | None]]
MINUTE = timedelta(minutes=1)


async def settled(row: Delivery, deps: Deps, **fields: Any) -> Delivery | None:
    for name, value in fields.items():
        setattr(row, name, value)
    attempt = Attempt(date=deps.now(), outcome=AttemptOutcome.SENT)
    return await row.make(row.id, row.settling(DeliveryStatus.SENT, row.recipients, attempt))


@pytest.mark.parametrize(
    ("ids", "asked"),
    [
        ({"provider_id": "p-1"}, True),
        ({"provider_id": "p-1", "internet_message_id": "<1@r.test>"}, False),
        ({}, False),
    ],
)
async def test_only_who_did_not_tell_the_message_id_is_asked_for_it(
    deps: Deps, store_delivery: Store, ids: dict[str, str], asked: bool
) -> None:
    row = await settled(await store_delivery(), deps, **ids)

    assert row is not None
    assert row.identify_at == (deps.now() + timedelta(seconds=5) if asked else None)


async def test_what_is_due_comes_first_due_first(deps: Deps, store_delivery: Store) -> None:
    later = await store_delivery(identify_at=deps.now() + MINUTE)
    first = await store_delivery(identify_at=deps.now())
    await store_delivery(identify_at=deps.now() + 2 * MINUTE)
    await store_delivery()

    due = await identification.due(deps.now() + MINUTE, 10)

    assert [(id_, at) for id_, _, at in due] == [
        (str(first.id), first.identify_at),
        (str(later.id), later.identify_at),
    ]
    assert len(await identification.due(deps.now() + MINUTE, 1)) == 1


async def test_of_two_who_take_it_one_wins(deps: Deps, store_delivery: Store) -> None:
    row = await store_delivery(identify_at=deps.now())
    until = deps.now() + MINUTE

    taken = await identification.take(str(row.id), now=deps.now(), until=until)

    assert taken is not None
    assert taken.identify_at == until
    assert await identification.take(str(row.id), now=deps.now(), until=until) is None
    assert await identification.take("nonsense", now=deps.now(), until=until) is None


async def test_what_was_found_out_is_not_put_off(
    deps: Deps, store_delivery: Store, row_of: RowOf
) -> None:
    row = await store_delivery()
    before = await row_of(row)

    await identification.put_off(row.id, deps.now())

    assert await row_of(row) == before


async def test_the_first_message_id_stays(deps: Deps, store_delivery: Store) -> None:
    row = await store_delivery()

    assert await identification.name_delivery(row.id, "<1@r.test>") is not None
    assert await identification.name_delivery(row.id, "<2@r.test>") is None


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"message_id": "p-1"}, True),
        ({"message_id": "p-2"}, False),
        ({"message_id": None}, False),
        ({"message_id": "p-1", "sending": 2}, False),
        ({"message_id": "p-1", "internet_message_id": "<0@r.test>"}, False),
    ],
)
async def test_a_record_has_the_message_id_of_its_last_sending(
    deps: Deps, store_communication: Store, store_delivery: Store, row_of: RowOf,
    fields: dict[str, Any], named: bool,
) -> None:  # fmt: skip
    record = await store_communication(status=CommunicationStatus.DELIVERED, **fields)
    row = await store_delivery(communication_id=record.id, provider_id="p-1")
    before = await row_of(record)

    found = await identification.name_record(row, "<1@r.test>", now=deps.now() + MINUTE)

    assert (found is not None) is named
    after = await row_of(record)
    changes = {"internetMessageId": "<1@r.test>", "updated": deps.now() + MINUTE}
    assert after == ({**(before or {}), **changes} if named else before)


async def test_a_mail_that_goes_out_again_has_no_message_id_until_it_is_told(
    deps: Deps, store_communication: Store
) -> None:
    record = await store_communication(
        status=CommunicationStatus.SENDING, internet_message_id="<0@r.test>"
    )

    sent = await Communication.make(
        record.id,
        Communication.sent(now=deps.now(), message_id="p-1", internet_message_id=None, remark=None),
    )

    assert sent is not None
    assert (sent.message_id, sent.internet_message_id) == ("p-1", None)


@pytest.mark.parametrize(
    ("record", "row", "found"),
    [
        ({"message_id": "p-1"}, {}, ("p-1", None, True)),
        (
            {"message_id": "p-1", "internet_message_id": "<1@r.test>"},
            {},
            ("p-1", "<1@r.test>", False),
        ),
        ({"message_id": "p-1", "sending": 2}, {}, (None, None, False)),
        ({}, {}, (None, None, False)),
        ({"message_id": "p-1"}, {"provider_id": "p-0"}, ("p-0", None, False)),
        ({"message_id": "p-1"}, {"status": DeliveryStatus.SENT}, (None, None, False)),
    ],
)
async def test_what_a_dead_worker_wrote_on_the_record_only(
    deps: Deps, store_communication: Store, store_delivery: Store,
    record: dict[str, Any], row: dict[str, Any], found: tuple[str | None, str | None, bool],
) -> None:  # fmt: skip
    stored = await store_communication(status=CommunicationStatus.SENT, **record)
    delivery = await store_delivery(communication_id=stored.id, **row)

    await identification.adopt(delivery)

    after = await Delivery.of_communication(stored.id, 1)
    assert after is not None
    assert (after.provider_id, after.internet_message_id, after.identify_at is not None) == found


async def test_who_carried_it(store_communication: Store, store_delivery: Store) -> None:
    record = await store_communication(provider_type=ProviderType.RESEND)
    row = await store_delivery(communication_id=record.id)

    assert await identification.provider_type_of(row) == ProviderType.RESEND
    assert await identification.provider_type_of(await store_delivery()) is None


async def test_looking_for_what_is_due_reads_nothing_else(
    deps: Deps, store_delivery: Store
) -> None:
    for _ in range(50):
        await store_delivery()
    await store_delivery(identify_at=deps.now())
    collection = Delivery.get_motor_collection()

    cursor = collection.find({"identifyAt": {"$lte": deps.now()}}).sort("identifyAt", 1)
    plan = (await cursor.explain())["executionStats"]

    assert (plan["totalKeysExamined"], plan["totalDocsExamined"]) == (1, 1)
