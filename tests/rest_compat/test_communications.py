"""What only the REST door has: HTTP itself."""

from datetime import datetime
from typing import Any

import httpx2
import pytest

from app.context import Deps
from app.documents.communications import Communication
from app.services import delivery

SEND = "/api/v1/communications/send"


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/vnd.crm+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_the_content_type_must_be_json(
    client: httpx2.AsyncClient, content_type: str, status: int
) -> None:
    response = await client.post(
        SEND,
        content=b'{"subject":"a","body":"b","recipients":["a@b.test"]}',
        headers={"Content-Type": content_type},
    )

    assert response.status_code == status
    assert await Communication.count() == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{'subject': 1}",
        b'{"subject": "\xff"}',
        b'{"subject": "\\ud800"}',
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b'{"subject": NaN}',
        b"[]",
        b'"text"',
        b"null",
        b"1",
    ],
)
async def test_what_is_no_json_object_is_refused(
    client: httpx2.AsyncClient, content: bytes
) -> None:
    response = await client.post(
        SEND, content=content, headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 400
    assert response.json()["title"] == "Bad Request"
    assert await Communication.count() == 0


async def test_an_error_has_the_documented_body(client: httpx2.AsyncClient) -> None:
    response = await client.post(SEND, json={"subject": "a", "body": "b", "recipients": ["x"]})

    body = response.json()
    assert response.headers["content-type"] == "application/json"
    assert body.keys() == {"title", "detail", "time"}
    assert body["title"] == "Bad Request"
    assert body["detail"] == "recipients[0]: The address has no @-sign."
    assert datetime.fromisoformat(body["time"]).tzinfo is not None


async def test_all_faults_are_named_at_once(client: httpx2.AsyncClient) -> None:
    response = await client.post(
        SEND, json={"subject": " ", "recipients": ["a@b.test", "x"], "type": "?"}
    )

    assert response.json()["detail"] == (
        "recipients[1]: The address has no @-sign.; type: must be one of OFFERTE, FACTUUR, "
        "HERINNERING, CONTRACT, AFSPRAAK, NIEUWSBRIEF, SUPPORT or ALGEMEEN; "
        "subject: must not be blank; body: is required"
    )


async def test_unknown_fields_are_ignored(client: httpx2.AsyncClient, mail: dict[str, Any]) -> None:
    response = await client.post(SEND, json={**mail, "priority": "high", "tenantId": "rival"})

    assert response.status_code == 200
    assert response.json()["tenantId"] == "acme"


async def test_without_a_token_the_way_in_is_told(
    anonymous: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    response = await anonymous.post(SEND, json=mail)

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["title"] == "Unauthorized"


async def test_times_are_written_like_javas_instants(
    client: httpx2.AsyncClient, mail: dict[str, Any], deps: Deps
) -> None:
    accepted = (await client.post(SEND, json=mail)).json()
    await delivery.dispatch(deps, accepted["id"])

    found = (await client.get(f"/api/v1/communications/find/{accepted['id']}")).json()

    assert found["created"] == "2026-11-24T09:30:00Z"
    assert found["sentAt"] == "2026-11-24T09:30:00Z"
    assert found["scheduledAt"] is None


async def test_a_request_over_the_limit_is_refused(client: httpx2.AsyncClient, deps: Deps) -> None:
    async def endless() -> Any:
        for _ in range(deps.settings.request_limit // 65536 + 1):
            yield b" " * 65536

    response = await client.post(
        SEND, content=endless(), headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 413
    assert response.json()["title"] == "Content Too Large"


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH"])
async def test_another_method_is_refused_in_the_documented_form(
    client: httpx2.AsyncClient, method: str
) -> None:
    response = await client.request(method, SEND)

    assert response.status_code == 405
    assert response.headers["allow"] == "OPTIONS, POST"
    assert response.json()["detail"] == f"{method} is not allowed here; allowed: OPTIONS, POST."


async def test_an_unknown_path_is_refused_in_the_documented_form(
    client: httpx2.AsyncClient,
) -> None:
    response = await client.get("/api/v1/nothing")

    assert response.status_code == 404
    assert response.json()["detail"] == "Nothing is served at /api/v1/nothing."
