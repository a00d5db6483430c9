"""Each question is answered alike, whoever asks at the same time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import references
from app.documents.communications import Communication
from app.documents.deliveries import Attempt, Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.suppressions import Suppression
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    ProviderType,
    SuppressionReason,
)

Store = Callable[..., Awaitable[Any]]


def attempt(deps: Deps) -> Attempt:
    return Attempt(date=deps.now(), outcome=AttemptOutcome.SENT)


async def test_records_move_where_they_are_in_a_state_that_the_move_leaves(
    deps: Deps, store_communication: Store
) -> None:
    statuses = [*[CommunicationStatus.SENDING] * 3, CommunicationStatus.CANCELLED]
    records = [await store_communication(status=status) for status in statuses]

    def sent(number: int) -> Awaitable[None]:
        change = Communication.sent(
            now=deps.now(), message_id=str(number), internet_message_id=None, remark=None
        )
        return deps.gathered.move_record(records[number].id, change)

    await asyncio.gather(*map(sent, range(4)))

    after = [await Communication.get(record.id) for record in records]
    assert [(one.status, one.message_id) for one in after if one is not None] == [
        *((CommunicationStatus.SENT, str(number)) for number in range(3)),
        (CommunicationStatus.CANCELLED, None),
    ]


@pytest.mark.parametrize("count", [1, 4])
async def test_who_settles_hears_of_news_that_waited(
    deps: Deps, store_delivery: Store, count: int
) -> None:
    rows = [
        await store_delivery(communication_id=PydanticObjectId(), news_waits=number % 2 == 0)
        for number in range(count)
    ]

    told = await asyncio.gather(
        *(
            deps.gathered.settle(
                row, row.settling(DeliveryStatus.SENT, row.recipients, attempt(deps))
            )
            for row in rows
        )
    )

    assert told == [number % 2 == 0 for number in range(count)]
    for row in rows:
        after = await Delivery.get(row.id)
        assert after is not None
        assert (after.status, after.due_at) == (DeliveryStatus.SENT, None)
        assert after.attempts == [attempt(deps)]


async def test_a_move_that_mongodb_refuses_is_that_movers_alone(
    deps: Deps, store_delivery: Store
) -> None:
    rows = [await store_delivery(communication_id=PydanticObjectId()) for _ in range(3)]
    changes = [row.settling(DeliveryStatus.SENT, row.recipients, attempt(deps)) for row in rows]
    changes[1].update["$set"]["status.x"] = 1

    given = await asyncio.gather(*map(deps.gathered.settle, rows, changes), return_exceptions=True)

    assert [isinstance(one, Exception) for one in given] == [False, True, False]
    after = [await Delivery.get(row.id) for row in rows]
    assert [one.status for one in after if one is not None] == [
        DeliveryStatus.SENT,
        DeliveryStatus.QUEUED,
        DeliveryStatus.SENT,
    ]


async def test_deliveries_are_stored_once(deps: Deps, store_delivery: Store) -> None:
    earlier = await store_delivery(communication_id=PydanticObjectId())
    fields = earlier.model_dump(exclude={"id"})
    rows = [
        Delivery(**{**fields, "communication_id": PydanticObjectId(), "message": b"x" * size})
        for size in (10, 20, 6_000_000)
    ]
    again = Delivery(**{**fields, "message": b"other"})
    large_again = Delivery(**{**fields, "message": b"y" * 6_000_000})

    first, *stored = await asyncio.gather(
        *map(deps.gathered.store_once, [rows[0], again, *rows[1:], large_again])
    )

    assert [first.id, *(row.id for row in stored)] == [
        rows[0].id,
        earlier.id,
        rows[1].id,
        rows[2].id,
        earlier.id,
    ]
    assert await Delivery.count() == 4
    for row in rows:
        found = await Delivery.get(row.id)
        assert found is not None
        assert await found.stored_message() == row.message
        assert found.model_dump(exclude={"message", "content_id"}) == row.model_dump(
            exclude={"message", "content_id"}
        )


@pytest.mark.parametrize("size", [10, 5_000_000])
async def test_records_that_come_together_are_stored_each_once(
    deps: Deps, store_communication: Store, size: int
) -> None:
    made = await store_communication(subject="0")
    collection = Communication.get_motor_collection()
    records = [
        made.model_copy(
            update={"id": PydanticObjectId(), "subject": str(number), "body": "x" * size}
        )
        for number in range(3)
    ]

    stored = await asyncio.gather(*map(deps.gathered.accept, [*records, records[1], made]))

    assert stored == [True, True, True, False, False]
    assert await collection.count_documents({}) == 4
    for record in records:
        found = await Communication.of_tenant(record.tenant_id, str(record.id))
        assert found is not None
        await found.load_content()
        assert (found.subject, found.body) == (record.subject, record.body)
    # What was put aside for those that were there already is gone.
    files = collection.database["communications.content.files"]
    assert await files.count_documents({}) == (0 if size == 10 else 3)


@pytest.mark.parametrize("count", [1, 3])
async def test_a_record_is_stored_as_beanie_stores_it(
    deps: Deps, store_communication: Store, count: int
) -> None:
    variables = {"name": "Ada", "none": None, "list": [None, {"deep": None}]}
    made = await store_communication(variables=variables)
    collection = Communication.get_motor_collection()
    await collection.delete_many({})
    await made.insert()
    by_beanie = await collection.find_one({"_id": made.id})
    await collection.delete_many({})

    copies = [made.model_copy(update={"id": PydanticObjectId()}) for _ in range(count)]
    await asyncio.gather(*map(deps.gathered.accept, copies))

    assert by_beanie is not None
    async for row in collection.find({}):
        assert {**row, "_id": made.id} == by_beanie


async def test_accounts_are_those_of_the_tenant(deps: Deps) -> None:
    made = [
        ProviderAccount(
            tenant_id=tenant,
            name="Relay",
            provider_type=ProviderType.RESEND,
            sender_emails=[],
            secrets={"apiKey": "sealed"},
            created=deps.now(),
            created_by="alice",
            updated=deps.now(),
            updated_by="alice",
        )
        for tenant in ("acme", "globex")
    ]
    for account in made:
        await account.store()
    ours, theirs = made

    given = await asyncio.gather(
        *(deps.gathered.accounts(tenant) for tenant in ("acme", "globex", "acme", "nobody"))
    )

    assert [[one.id for one in accounts] for accounts in given] == [
        [ours.id], [theirs.id], [ours.id], [],
    ]  # fmt: skip


async def test_suppressions_are_those_of_the_tenant(deps: Deps) -> None:
    for tenant, address in (("acme", "jan@c.test"), ("globex", "piet@c.test")):
        await Suppression(
            tenant_id=tenant,
            address=address,
            reason=SuppressionReason.MANUAL,
            created=deps.now(),
        ).store_once()
    both = ["Jan@c.test", "piet@c.test"]

    given = await asyncio.gather(
        *(deps.gathered.suppressions(tenant, both) for tenant in ("acme", "acme", "globex", "x"))
    )

    assert [sorted(found) for found in given] == [
        ["jan@c.test"],
        ["jan@c.test"],
        ["piet@c.test"],
        [],
    ]


@pytest.mark.parametrize("lengths", [(0, 1, 3), (2, 60, 1), (39, 39, 0), (40, 1, 0)])
async def test_conversations_tell_their_message_ids(
    deps: Deps, store_communication: Store, lengths: tuple[int, ...]
) -> None:
    for conversation, length in enumerate(lengths):
        for number in range(length):
            await store_communication(
                conversation_id=str(conversation),
                status=CommunicationStatus.SENT,
                sent_at=deps.now() - timedelta(hours=number),
                internet_message_id=f"<{conversation}-{number}@acme.test>",
            )

    given = await asyncio.gather(
        *(deps.gathered.message_ids("acme", str(number)) for number in range(len(lengths)))
    )

    assert list(map(len, given)) == [min(length, 21) for length in lengths]
    assert given == [
        await references.message_ids("acme", str(number)) for number in range(len(lengths))
    ]
    assert await deps.gathered.message_ids("globex", "1") == []
