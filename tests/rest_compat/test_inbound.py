"""What only the REST door of received mail has: HTTP itself."""

from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.inbound_messages import InboundMessage
from tests.fakes.messages import message

MIME = "/api/v1/inbound/mime"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("message/rfc822", 200),
        ("Message/RFC822; charset=utf-8", 200),
        ("text/plain", 200),
        ("application/octet-stream", 200),
        ("application/json", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_the_content_type_must_be_a_messages(
    client: httpx2.AsyncClient, content_type: str, status: int
) -> None:
    response = await client.post(MIME, content=message(), headers={"Content-Type": content_type})

    assert response.status_code == status
    assert await InboundMessage.count() == (1 if status == 200 else 0)


async def test_an_endless_message_is_refused_before_it_is_whole(
    client: httpx2.AsyncClient, deps: Deps
) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 2 * deps.settings.inbound_limit:
            sent += 65536
            yield b" " * 65536

    response = await client.post(
        MIME, content=endless(), headers={"Content-Type": "message/rfc822"}
    )

    assert response.status_code == 413
    assert response.json()["title"] == "Content Too Large"
    assert sent <= deps.settings.inbound_limit + 2 * 65536


@pytest.mark.parametrize("query", ["", "?entityType=deal", "?entityId=42", "?entityType=&entityId"])
async def test_both_parameters_of_an_entity_are_required(
    client: httpx2.AsyncClient, query: str
) -> None:
    response = await client.get(f"/api/v1/communications/by-entity{query}")

    assert response.status_code == 400
    assert "is required" in response.json()["detail"]


@pytest.mark.parametrize("bound", ["from", "to"])
async def test_a_blank_bound_of_a_period_is_refused(client: httpx2.AsyncClient, bound: str) -> None:
    response = await client.get(f"/api/v1/communications/analytics?{bound}=")

    assert response.status_code == 400
    assert response.json()["detail"].startswith(f"{bound}: must be an ISO 8601 date-time")
