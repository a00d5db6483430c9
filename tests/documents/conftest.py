from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import CommunicationStatus, EventType, ProviderType
from tests.fakes.clock import Clock

START = datetime(2100, 11, 24, 9, 30)  # noqa: DTZ001 - MongoDB reads it as UTC


@pytest.fixture
def clock() -> Clock:
    """Far ahead: MongoDB forgets by its own clock what is past."""
    return Clock(datetime(2100, 11, 24, 9, 30, tzinfo=UTC))


@pytest.fixture
def store_communication(deps: Deps) -> Callable[..., Awaitable[Communication]]:
    """Stores a record, PENDING and due now unless these fields say otherwise."""

    async def store(**fields: Any) -> Communication:
        now = deps.now()
        defaults: dict[str, Any] = {
            "tenant_id": "acme",
            "status": CommunicationStatus.PENDING,
            "subject": "Your offer",
            "body": "<p>as sent</p>",
            "original_body": "<p>as given</p>",
            "sender_email": "crm@acme.test",
            "recipients": ["jan@customer.test"],
            "provider_type": ProviderType.SMTP,
            "conversation_id": "thread",
            "tracking_enabled": True,
            "link_tracking_enabled": True,
            "clicked_links": [ClickedLink(original_url="https://acme.test", url="https://t.test")],
            "events": [Event(type=EventType.CREATE, date=now, author_id="alice")],
            "created": now,
            "created_by": "alice",
            "updated": now,
            "updated_by": "alice",
            "tracking_id": "tracking",
            "dispatch_at": now,
        }
        communication = Communication(**{**defaults, **fields})
        assert await communication.store()
        return communication

    return store


@pytest.fixture
def receive(deps: Deps) -> Callable[..., Awaitable[InboundMessage]]:
    """Stores a received message, of the conversation `thread` unless these fields say otherwise."""

    async def store(**fields: Any) -> InboundMessage:
        now = deps.now()
        defaults: dict[str, Any] = {
            "tenant_id": "acme",
            "key": str(PydanticObjectId()),
            "from_email": "jan@customer.test",
            "conversation_id": "thread",
            "received_at": now,
            "created": now,
            "created_by": "alice",
            "updated": now,
        }
        message = InboundMessage(**{**defaults, **fields})
        assert await InboundMessage.store_once([await message.outsourced(b"raw")]) == [True]
        return message

    return store


@pytest.fixture
def store_delivery(deps: Deps) -> Callable[..., Awaitable[Delivery]]:
    """Stores a delivery, QUEUED and due now unless these fields say otherwise."""

    async def store(**fields: Any) -> Delivery:
        defaults: dict[str, Any] = {
            "tenant_id": "acme",
            "created": deps.now(),
            "communication_id": PydanticObjectId(),
            "tracking_id": "tracking",
            "recipients": [DeliveryRecipient(address="jan@customer.test")],
            "message_id": "<1@acme.test>",
            "message": b"Subject: Your offer\r\n\r\nHello\r\n",
            "due_at": deps.now(),
        }
        return await Delivery(**{**defaults, **fields}).store_once()

    return store


@pytest.fixture
def row_of() -> Callable[[Communication | Delivery], Awaitable[dict[str, Any] | None]]:
    """The document as it stands in MongoDB."""

    async def find(document: Communication | Delivery) -> dict[str, Any] | None:
        row: dict[str, Any] | None = await document.get_motor_collection().find_one(
            {"_id": document.id}
        )
        return row

    return find


@pytest.fixture
async def many(store_communication: Callable[..., Awaitable[Communication]]) -> None:
    """Of 400 records of the tenant, 40 match each filter; another tenant has as many."""
    record = await store_communication()
    collection = Communication.get_motor_collection()
    row = await collection.find_one({"_id": record.id})
    await collection.delete_many({})
    rows = [
        {
            **(row or {}),
            "_id": PydanticObjectId(),
            "tenantId": tenant,
            "status": "FAILED" if number % 10 == 0 else "SENT",
            "type": "FACTUUR" if number % 10 == 1 else "OFFERTE",
            "relatedEntityType": "deal",
            "relatedEntityId": str(number % 10),
            "recipients": [f"{number % 10}@customer.test", "all@customer.test"],
            "created": START + timedelta(minutes=number),
            "sentAt": START + timedelta(hours=number),
        }
        for tenant in ("acme", "rival")
        for number in range(400)
    ]
    await collection.insert_many(rows)


@pytest.fixture
async def profile(deps: Deps) -> AsyncIterator[Callable[[], Awaitable[list[dict[str, Any]]]]]:
    """What MongoDB did with our questions since the test began."""
    database: Any = Communication.get_motor_collection().database
    await database.command("profile", 2)

    async def look() -> list[dict[str, Any]]:
        await database.command("profile", 0)
        asked = {"ns": f"{database.name}.communications", "op": {"$in": ["query", "command"]}}
        found: list[dict[str, Any]] = await database["system.profile"].find(asked).to_list(None)
        return [row for row in found if "planSummary" in row]

    yield look
    await database.command("profile", 0)
    await database["system.profile"].drop()
