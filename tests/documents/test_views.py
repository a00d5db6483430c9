from datetime import UTC, datetime
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.views import as_document, columns_of, holds_no_times_within
from app.documents.vocabulary import CommunicationStatus

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
EVENT = {"type": "CREATE", "date": NOW, "id": "1"}
ROW: dict[str, Any] = {
    "_id": PydanticObjectId(),
    "tenantId": "acme",
    "status": "SENT",
    "subject": "Hello",
    "senderEmail": "crm@acme.test",
    "recipients": ["jan@customer.test"],
    "providerType": "SMTP",
    "conversationId": "c",
    "trackingEnabled": True,
    "linkTrackingEnabled": False,
    "openCount": 3,
    "events": [EVENT],
    "created": NOW,
    "updated": NOW,
    "createdBy": "alice",
    "trackingId": "t",
}


async def test_a_view_says_what_the_document_says(deps: Deps) -> None:
    view, document = as_document(Communication, ROW), Communication.model_validate(ROW)
    for name in Communication.model_fields:
        assert getattr(view, name) == getattr(document, name), name
    assert type(view.status) is CommunicationStatus
    assert view.filled is document.filled is False


async def test_a_time_that_was_read_without_its_zone_has_it_in_a_view(deps: Deps) -> None:
    view = as_document(Communication, {**ROW, "created": NOW.replace(tzinfo=None)})
    assert view.created == NOW
    assert view.updated == NOW


async def test_rows_hold_times_within_where_what_holds_them_is_read(deps: Deps) -> None:
    everything = frozenset(column.stored for column in columns_of(Communication).values())
    plain = {"_id", "status", "recipients", "created", "openCount", "type"}
    assert holds_no_times_within(Communication, everything - plain)
    for name in ("events", "variables", "clickedLinks", "attachments", "progress"):
        assert not holds_no_times_within(Communication, everything - plain - {name})


async def test_what_is_not_read_is_at_its_default(deps: Deps) -> None:
    view = as_document(Communication, {"_id": ROW["_id"]})
    assert (view.open_count, view.cc, view.type, view.body) == (0, [], None, "")
    assert view.cc is not view.cc
    with pytest.raises(KeyError, match="subject"):
        _ = view.subject
    with pytest.raises(AttributeError):
        _ = view.nothing


def test_a_view_can_be_asked_what_anything_may_be_asked() -> None:
    """Whoever prints it, as logs of faults do, looks for how it wants to be printed."""
    view = as_document(Communication, ROW)
    for name in ("__rich_repr__", "__repr_args__", "__pretty__"):
        assert not hasattr(view, name)


async def test_a_view_is_not_stored(deps: Deps) -> None:
    view = as_document(Communication, ROW)
    for write in ("insert", "save", "model_dump", "model_copy"):
        with pytest.raises(TypeError, match=f"{write} is for a whole document"):
            getattr(view, write)


async def test_a_view_takes_a_body_that_stands_elsewhere(deps: Deps) -> None:
    row = {**ROW, "contentId": PydanticObjectId()}
    view = as_document(Communication, row)
    view.fill(b'["sent", "given"]')
    assert (view.body, view.original_body, view.filled) == ("sent", "given", True)
    assert "body" not in row


@pytest.mark.parametrize("document", [Communication, Delivery, InboundMessage])
async def test_every_field_stands_where_the_document_stores_it(document: Any, deps: Deps) -> None:
    stored = {field.alias for field in document.model_fields.values()}
    assert {column.stored for column in columns_of(document).values()} == stored
