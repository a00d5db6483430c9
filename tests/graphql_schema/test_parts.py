"""@defer and @stream: in parts for who takes them, ignored for all others."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import orjson
import pytest
from starlette.types import ASGIApp, Message

from app.documents.communications import Communication

APOLLO = "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json"
DEFERRED = """
query($put: Boolean = true, $id: ID = "1") {
  __typename
  ... @defer(if: $put, label: "page") { communicationsPage(size: 5) { totalElements } }
  ... @defer(if: $put, label: "none") { communication(id: $id) { id } }
}
"""
STREAMED = "{ communicationsPage(size: 5) { content @stream(initialCount: 1) { subject } } }"
Send = Callable[..., Awaitable[Communication]]


def parts_of(response: httpx2.Response) -> list[dict[str, Any]]:
    """The payloads of a multipart answer (RFC 2046)."""
    assert response.status_code == 200
    assert response.headers["content-type"] == 'multipart/mixed; boundary="-"'
    assert response.headers["cache-control"] == "no-store"
    start, *parts, end = response.content.split(b"\r\n---")
    assert start.startswith(b"---\r\n")
    assert end == b"--\r\n"
    payloads = []
    for part in [start.removeprefix(b"---"), *parts]:
        head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        assert head == b"Content-Type: application/json; charset=utf-8"
        payloads.append(orjson.loads(body))
    return payloads


async def ask(client: httpx2.AsyncClient, query: str, accept: str, **more: Any) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query, **more}, headers={"Accept": accept})


async def test_what_is_deferred_comes_later(client: httpx2.AsyncClient, send: Send) -> None:
    await send()

    first, *rest = parts_of(await ask(client, DEFERRED, APOLLO))

    assert first["data"] == {"__typename": "Query"}
    assert first["hasNext"] is True
    assert first["extensions"]["cost"]["requested"] > 0
    labels = {pending["id"]: pending["label"] for pending in first["pending"]}
    assert sorted(labels.values()) == ["none", "page"]
    data: dict[str, Any] = {}
    errors: list[dict[str, Any]] = []
    done: list[str] = []
    for payload in rest:
        for one in payload.get("incremental", ()):
            data[labels[one["id"]]] = one["data"]
            errors += one.get("errors", ())
        done += [labels[one["id"]] for one in payload.get("completed", ())]
    assert data == {
        "page": {"communicationsPage": {"totalElements": 1}},
        "none": {"communication": None},
    }
    assert sorted(done) == ["none", "page"]
    assert [error["extensions"]["code"] for error in errors] == ["NOT_FOUND"]
    assert [payload["hasNext"] for payload in rest][-1] is False


@pytest.mark.parametrize(
    ("count", "variables"),
    [
        ("-1", {}),
        ("null", {}),
        ("$n", {"n": -1}),
        ("$n", {"n": None}),
        ("$m", {}),
    ],
)
@pytest.mark.parametrize("accept", [APOLLO, "application/graphql-response+json"])
async def test_a_list_is_not_streamed_from_before_its_start(
    client: httpx2.AsyncClient, accept: str, count: str, variables: dict[str, Any]
) -> None:
    query = (
        "query($n: Int = 0, $m: Int = -1) { communicationsPage(page: $n, size: $m) "
        f"{{ content @stream(initialCount: {count}) {{ subject }} }} }}"
    )

    response = await ask(client, query, accept, variables=variables)

    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["message"] == "@stream: initialCount must be 0 or more"
    assert error["extensions"] == {
        "code": "BAD_USER_INPUT",
        "fields": [{"path": "initialCount", "message": "must be 0 or more"}],
    }


async def test_a_list_is_streamed(client: httpx2.AsyncClient, send: Send) -> None:
    for subject in ("One", "Two", "Three"):
        await send({"subject": subject})

    first, *rest = parts_of(await ask(client, STREAMED, APOLLO))

    items = first["data"]["communicationsPage"]["content"]
    assert len(items) == 1
    for payload in rest:
        for one in payload.get("incremental", ()):
            items += one["items"]
    assert sorted(item["subject"] for item in items) == ["One", "Three", "Two"]


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "multipart/mixed;deferSpec=20220824,application/json"],
)
async def test_who_takes_no_parts_gets_all_at_once(
    client: httpx2.AsyncClient, send: Send, accept: str
) -> None:
    await send()

    deferred = (await ask(client, DEFERRED, accept)).json()
    streamed = (await ask(client, STREAMED, accept)).json()

    assert deferred["data"] == {
        "__typename": "Query",
        "communicationsPage": {"totalElements": 1},
        "communication": None,
    }
    assert streamed["data"] == {"communicationsPage": {"content": [{"subject": "Your offer"}]}}


@pytest.mark.parametrize(
    ("query", "variables"),
    [("{ __typename }", None), (DEFERRED, {"put": False}), ("{ ... @defer { nothing } }", None),
     (DEFERRED, {"put": "perhaps"}), ("{", None)],
)  # fmt: skip
async def test_where_nothing_is_put_off_the_answer_is_one(
    client: httpx2.AsyncClient, query: str, variables: Any
) -> None:
    parts = await ask(client, query, APOLLO, variables=variables)
    whole = await ask(client, query, "application/graphql-response+json", variables=variables)

    assert parts.headers["content-type"] == whole.headers["content-type"]
    assert (parts.status_code, parts.json()) == (whole.status_code, whole.json())


@pytest.mark.parametrize(
    "query",
    [
        "mutation { ... @defer { __typename } }",
        "subscription { ... @defer { communicationChanged { __typename } } }",
        "{ __typename @stream }",
        '{ ... @defer(label: "a") { a: __typename } ... @defer(label: "a") { b: __typename } }',
    ],
)
async def test_what_cannot_be_put_off_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    response = await ask(client, query, APOLLO)

    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] in {
        "GRAPHQL_VALIDATION_FAILED",
        "BAD_USER_INPUT",
    }


async def test_a_client_that_goes_away_is_no_fault(
    app: ASGIApp, token: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    body = orjson.dumps({"query": DEFERRED})
    incoming: list[Message] = [{"type": "http.request", "body": body}, {"type": "http.disconnect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST",
        "scheme": "http", "path": "/graphql", "raw_path": b"/graphql", "root_path": "",
        "query_string": b"", "server": ("api.test", 80), "client": ("127.0.0.1", 1),
        "headers": [(b"content-type", b"application/json"), (b"accept", APOLLO.encode()),
                    (b"authorization", f"Bearer {token()}".encode())],
    }  # fmt: skip

    await app(scope, receive, send)

    assert sent[0]["status"] == 200
    assert "fault" not in capsys.readouterr().out
