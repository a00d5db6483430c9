"""How MongoDB answers what is asked all the time, as its profiler saw it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from beanie import Document

from app.context import Caller, Deps
from app.documents import ALL_DOCUMENTS, news
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.idempotency_keys import IdempotencyKey
from app.documents.provider_events import ProviderEvent
from app.documents.suppressions import Suppression
from app.services import (
    delivery,
    fanout,
    list_batches,
    list_members,
    recipient_lists,
    sending,
)
from app.services.inputs import parse
from tests import fetching
from tests.fakes.visits import PERSON

Send = Callable[..., Awaitable[Communication]]


@pytest.fixture
async def profile(deps: Deps) -> AsyncIterator[Callable[[], Awaitable[list[dict[str, Any]]]]]:
    """What was asked of our collections since the test began."""
    database: Any = Communication.get_motor_collection().database
    names = [document.get_motor_collection().name for document in ALL_DOCUMENTS]
    await database.command("profile", 2)

    async def look() -> list[dict[str, Any]]:
        await database.command("profile", 0)
        asked = {"$in": [f"{database.name}.{name}" for name in names]}
        found: list[dict[str, Any]] = (
            await database["system.profile"]
            .find({"ns": asked, "op": {"$in": ["query", "command", "update"]}})
            .to_list(None)
        )
        return found

    yield look
    await database.command("profile", 0)
    await database["system.profile"].drop()


async def test_the_sweep_reads_the_small_indexes_in_order(
    deps: Deps, send: Send, profile: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    for _ in range(3):
        await send()

    await delivery.sweep(deps)

    plans = [
        (row["ns"].partition(".")[2], row["planSummary"], row.get("hasSortStage", False))
        for row in await profile()
        if row["op"] == "query"
    ]
    assert plans == [
        # Accepting a mail looks at the accounts of its tenant alone.
        *[("providerAccounts", "IXSCAN { tenantId: 1, _id: 1 }", False)] * 3,
        ("communications", "IXSCAN { dispatchAt: 1 }", False),
        ("deliveries", "IXSCAN { dueAt: 1 }", False),
        ("providerEvents", "IXSCAN { dueAt: 1 }", False),
        ("deliveries", "IXSCAN { identifyAt: 1 }", False),
        ("mailboxSubscriptions", "IXSCAN { dueAt: 1 }", False),
    ]


async def test_nothing_reads_a_whole_collection(
    deps: Deps, send: Send, profile: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    record = await send(key="k")
    await send(key="k")
    await delivery.dispatch(deps, str(record.id))
    await fetching.record_open(deps, record.tracking_id, PERSON)
    await fetching.follow_link(deps, record.tracking_id, 0, PERSON)
    await delivery.sweep(deps)

    rows = [row for row in await profile() if "planSummary" in row]
    assert len(rows) >= 12
    assert {row["planSummary"] for row in rows if "COLLSCAN" in row["planSummary"]} == set()
    assert [row["planSummary"] for row in rows if row.get("docsExamined", 0) > 1] == []


async def test_an_attempt_asks_once_whom_the_tenant_suppresses(
    deps: Deps, send: Send, profile: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    record = await send({"cc": ["piet@customer.test"], "bcc": ["eve@customer.test"]})

    await delivery.dispatch(deps, str(record.id))

    plans = [row["planSummary"] for row in await profile() if row["ns"].endswith(".suppressions")]
    assert plans == ["IXSCAN { tenantId: 1, address: 1 }"]


async def test_a_mail_is_found_by_any_of_its_names(
    deps: Deps, send: Send, profile: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    for _ in range(5):
        await delivery.dispatch(deps, str((await send()).id))
    [row, *_] = await Delivery.find_all().to_list()

    for names in (
        {"provider_id": row.provider_id},
        {"message_ids": [row.message_id, "<other@x.test>"]},
        {"provider_id": "unknown", "message_ids": [row.internet_message_id]},
    ):
        found = await news.named("acme", **names)
        assert found is not None
        assert found.id == row.id

    asked = [row for row in await profile() if "hint" in row.get("command", {})]
    assert [(one["planSummary"], one["docsExamined"]) for one in asked] == [
        ("IXSCAN { tenantId: 1, providerId: 1 }", 1),
        ("IXSCAN { tenantId: 1, messageId: 1 }", 1),
        ("IXSCAN { tenantId: 1, providerId: 1 }", 0),
        ("IXSCAN { tenantId: 1, messageId: 1 }", 1),
    ]


async def test_list_mail_reads_what_it_sends_and_no_more(
    deps: Deps, caller: Caller, profile: Callable[[], Awaitable[list[dict[str, Any]]]]
) -> None:
    named = parse(recipient_lists.CreateRecipientList, {"name": "Customers"})
    made = await recipient_lists.create(deps, caller, named)
    rows = [{"email": f"m{n}@c.test"} for n in range(300)]
    await list_members.add(deps, caller, str(made.id), rows)
    mail = {"subject": "News", "body": "Hello", "recipientListId": str(made.id)}
    command = parse(sending.SendCommunication, mail)
    record = await sending.accept(deps, caller, command)
    await fanout.fan_out(deps, str(record.id))
    await list_batches.deliver(deps, f"{record.id}/1")
    await fanout.fan_out(deps, str(record.id))

    asked = [row for row in await profile() if "planSummary" in row]
    read = [row for row in asked if row["ns"].endswith((".deliveries", ".listMembers"))]
    assert {row["planSummary"] for row in asked if "COLLSCAN" in row["planSummary"]} == set()
    # The largest of them counts all members, once in a turn.
    assert max(row.get("docsExamined", 0) for row in read) <= 300
    assert len([row for row in read if row.get("docsExamined", 0) > list_batches.BATCH]) <= 3
    assert not any(row.get("hasSortStage", False) for row in read)
    # Moves that are made together are one operation each, which the profile shows one by one.
    assert len(asked) - 2 * 300 < 100


@pytest.mark.parametrize(
    ("document", "name", "expected"),
    [
        (Communication, "tenantId_1_conversationId_1_deletedAt_1_sentAt_1", {}),
        (Communication, "dispatchAt_1", {"sparse": True}),
        (Delivery, "communicationId_1_sending_1_memberId_1", {"unique": True}),
        (
            Delivery,
            "communicationId_1_batchAt_1",
            {"partialFilterExpression": {"batchAt": {"$exists": True}}},
        ),
        (Delivery, "trackingId_1", {}),
        (Delivery, "dueAt_1", {"sparse": True}),
        (ProviderEvent, "dueAt_1", {"sparse": True}),
        (ProviderEvent, "deliveryId_1", {"sparse": True}),
        (ProviderEvent, "tenantId_1_source_1_accountId_1_eventId_1", {"unique": True}),
        (ProviderEvent, "expires_1", {"expireAfterSeconds": 0}),
        (Suppression, "tenantId_1_address_1", {"unique": True}),
        (IdempotencyKey, "tenantId_1_key_1", {"unique": True}),
        (IdempotencyKey, "expires_1", {"expireAfterSeconds": 0}),
    ],
)
async def test_an_index_is_there(
    deps: Deps, document: type[Document], name: str, expected: dict[str, Any]
) -> None:
    index = (await document.get_motor_collection().index_information())[name]

    assert {key: index[key] for key in index if key not in {"v", "key"}} == expected
