"""Bodies that clients should not send: each is refused, or taken for what it is."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import yaml
from starlette.types import ASGIApp, Message

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.services import delivery
from tests.fakes.relay import Relay
from tests.rest_compat.route_table import BASE, JSON, POSTING, Row, name
from tests.world import MAIL, World, build_world

SCHEMAS = yaml.load(
    (Path(__file__).parent.parent / "contract" / "communications.openapi.yaml").read_text(),
    yaml.CSafeLoader,
)["components"]["schemas"]
PROBLEM = {"title", "detail", "time"}
ODD_BODIES = {
    "nothing": b"",
    "null": b"null",
    "a list": b"[]",
    "a string": b'"x"',
    "a number": b"1",
    "half": b'{"subject": "x"',
    "two": b"{}{}",
    "single quotes": b"{'subject': 1}",
    "no UTF-8": b'{"subject": "\xff"}',
    "UTF-16 with BOM": '{"subject": "x"}'.encode("utf-16"),
    "UTF-16 without BOM": '{"subject": "x"}'.encode("utf-16-le"),
    "deep list": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "infinite": b'{"variables": {"a": 1e400}}',
    "not a number": b'{"variables": {"a": NaN}}',
    "lone surrogate": b'{"subject": "\\ud800"}',
    "half a surrogate pair as octets": b'{"subject": "\xed\xa0\x80"}',
    "NUL": b"\0",
}
Footprint = Callable[[], Awaitable[dict[str, Any]]]
# Of a webhook any other body is forged: they have a suite of their own.
BODIES = [row for row in POSTING if row.body is not None and row.scope is not None]
OBJECTS = [row for row in BODIES if row.media_type == JSON]


@pytest.fixture
async def world(deps: Deps, caller: Caller) -> World:
    return await build_world(deps, caller)


@pytest.mark.parametrize("content", ODD_BODIES.values(), ids=ODD_BODIES)
@pytest.mark.parametrize("row", OBJECTS, ids=name)
async def test_what_is_no_json_object_is_refused(
    row: Row, content: bytes, world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    response = await client.request(**{**row.asked(world), "content": content})

    assert response.status_code == 400
    assert response.json().keys() == PROBLEM
    assert await footprint() == before


def strings_with(field: str, schema: dict[str, Any], text: str) -> object:
    """A value of this field's documented kind that holds `text`, or None for other kinds."""
    kinds = schema.get("type", ["string"])
    if "string" in kinds:
        return text
    if "array" in kinds:
        return [{"field": text}] if field == "sort" else [text]
    return {"name": text} if "object" in kinds else None


NULS = [
    (row, field, value)
    for row, request in zip(
        OBJECTS,
        ["SendRequest", "ScheduleRequest", "SendTemplateRequest", "DynamicSearch"],
        strict=True,
    )
    for field, schema in SCHEMAS[request]["properties"].items()
    if (value := strings_with(field, schema, "a\0b")) is not None
]


@pytest.mark.parametrize(("row", "field", "value"), NULS, ids=name)
async def test_nul_is_refused_by_the_name_of_its_field(
    row: Row,
    field: str,
    value: object,
    world: World,
    client: httpx2.AsyncClient,
    footprint: Footprint,
) -> None:
    request = row.asked(world)
    request["content"] = orjson.dumps({**orjson.loads(request["content"]), field: value})
    before = await footprint()

    response = await client.request(**request)

    assert response.status_code == 400
    assert field in response.json()["detail"]
    assert await footprint() == before


@pytest.mark.parametrize("field", ["subject", "senderName"])
@pytest.mark.parametrize("between", ["\x85", "\u2028", "\u2029", "\u202e", "\ufeff", "\ufffe"])
async def test_odd_characters_never_break_a_header(
    client: httpx2.AsyncClient, deps: Deps, relay: Relay, field: str, between: str
) -> None:
    text = f"Hi{between}Bcc: x@evil.test"

    response = await client.post(f"{BASE}/send", json={**MAIL, field: text})
    await delivery.dispatch(deps, response.json()["id"])

    [taken] = relay.taken
    found = await Communication.shown("acme", response.json()["id"])
    assert found is not None
    assert found.status == "SENT"
    assert taken.recipients == ("jan@customer.test",)
    assert "Bcc" not in message_from_bytes(taken.content)


@pytest.mark.parametrize("row", BODIES, ids=name)
async def test_a_compressed_body_is_refused(
    row: Row, world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    request = row.asked(world)
    request["headers"] |= {"Content-Encoding": "gzip"}
    request["content"] = gzip.compress(request["content"])
    before = await footprint()

    response = await client.request(**request)

    assert response.status_code == 415
    assert "Content-Encoding" in response.json()["detail"]
    assert await footprint() == before


@pytest.mark.parametrize("media_type", ["", "text/html", "multipart/form-data; boundary=x", "json"])
@pytest.mark.parametrize("row", BODIES, ids=name)
async def test_another_content_type_is_refused(
    row: Row, media_type: str, world: World, client: httpx2.AsyncClient, footprint: Footprint
) -> None:
    before = await footprint()

    response = await client.request(**{**row.asked(world), "headers": {"Content-Type": media_type}})

    assert response.status_code == 415
    assert response.json().keys() == PROBLEM
    assert await footprint() == before


@pytest.mark.parametrize("row", BODIES, ids=name)
async def test_a_body_of_unknown_length_is_taken_up_to_the_limit(
    row: Row, world: World, client: httpx2.AsyncClient, deps: Deps, footprint: Footprint
) -> None:
    request = row.asked(world)
    whole: bytes = request["content"]

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(whole), 7):
            yield whole[start : start + 7]

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(deps.settings.request_limit // 1_000_000 + 2):
            yield b" " * 1_000_000

    response = await client.request(**{**request, "content": in_pieces()})
    before = await footprint()
    refused = await client.request(**{**request, "content": endless()})

    assert response.status_code == 200
    assert refused.status_code == 413
    assert refused.json().keys() == PROBLEM
    assert await footprint() == before


@pytest.mark.parametrize("row", OBJECTS, ids=name)
async def test_a_byte_order_mark_and_names_that_come_twice_are_taken(
    row: Row, world: World, client: httpx2.AsyncClient
) -> None:
    request = row.asked(world)
    twice = b'\xef\xbb\xbf{"recipients": 1, "search": 1, ' + request["content"][1:]

    response = await client.request(**{**request, "content": twice})

    assert response.status_code == 200


@pytest.mark.parametrize("last", ["Last", "First"])
async def test_of_a_name_that_comes_twice_the_last_counts(
    client: httpx2.AsyncClient, last: str
) -> None:
    first = {"First": "Last", "Last": "First"}[last]
    content = f'{{"subject":"{first}","body":"b","recipients":["a@b.test"],"subject":"{last}"}}'

    response = await client.post(
        f"{BASE}/send", content=content.encode(), headers={"Content-Type": JSON}
    )

    assert response.json()["subject"] == last


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\0", b"[" * 100_000])
@pytest.mark.parametrize("row", [row for row in POSTING if row.body is None], ids=name)
async def test_a_body_where_none_is_asked_for_is_passed_over(
    row: Row, content: bytes, world: World, client: httpx2.AsyncClient
) -> None:
    response = await client.request(**row.asked(world), content=content)

    assert response.status_code == 200


@pytest.mark.parametrize("row", BODIES, ids=name)
async def test_a_client_that_goes_away_amid_its_body_is_no_fault_of_ours(
    row: Row,
    world: World,
    app: ASGIApp,
    token: Callable[..., str],
    footprint: Footprint,
    capsys: pytest.CaptureFixture[str],
) -> None:
    request = row.asked(world)
    headers = {"Authorization": f"Bearer {token()}", **request["headers"]}
    scope = {
        "type": "http",
        "method": row.method,
        "path": request["url"],
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    messages: list[Message] = [
        {"type": "http.request", "body": request["content"], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    before = await footprint()

    await app(scope, receive, send)

    assert sent[0]["status"] == 400
    assert "rest.fault" not in capsys.readouterr().out
    assert await footprint() == before
