from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import ClickedLink, Communication, Event
from app.documents.deliveries import Delivery, DeliveryRecipient
from app.documents.vocabulary import CommunicationStatus, EventType, ProviderType
from tests.fakes.clock import Clock


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
