"""GraphQL over server-sent events, with distinct connections."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.services import api_keys, records
from app.services.inputs import parse
from tests.fakes.event_streams import EventReader, reading
from tests.graphql_schema.live_app import FOLLOWED, live_app

Token = Callable[..., str]
Send = Callable[..., Awaitable[Communication]]
Read = Callable[..., AbstractAsyncContextManager[EventReader]]
NONE = "{ communicationsByIds(ids: []) { id } }"
COMMENT = 'mutation ($id: ID!) { commentCommunication(id: $id, text: "Hi") { id } }'


@pytest.fixture
def read(app: ASGIApp, token: Token) -> Read:
    """Reads an operation as alice of acme."""

    def ask(
        query: str, *, method: str = "POST", accept: str = "text/event-stream", **variables: Any
    ) -> AbstractAsyncContextManager[EventReader]:
        headers = {"authorization": f"Bearer {token()}", "accept": accept}
        operation: dict[str, Any] = {"query": query}
        if variables:
            operation["variables"] = variables
        return reading(app, operation, headers=headers, method=method)

    return ask


async def test_a_query_is_one_event_and_complete(read: Read) -> None:
    async with read(NONE) as reader:
        [(first, result), (second, nothing)] = await reader.events()

    assert reader.status == 200
    assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reader.headers["cache-control"] == "no-store"
    assert "content-length" not in reader.headers
    assert (first, result["data"]) == ("next", {"communicationsByIds": []})
    assert (second, nothing) == ("complete", None)


async def test_changes_are_events_until_it_is_complete(
    read: Read, send: Send, deps: Deps, caller: Caller
) -> None:
    record = await send()
    async with read(FOLLOWED, id=str(record.id)) as reader:
        first = await reader.event()
        await records.comment(deps, caller, str(record.id), "Hello")
        second = await reader.event()
        await records.delete(deps, caller, str(record.id))
        rest = await reader.events()

    for event in (first, second):
        assert event is not None
        assert event[0] == "next"
        assert event[1]["data"] == {"communicationChanged": {"id": str(record.id)}}
    assert rest[-1] == ("complete", None)


async def test_leaving_ends_the_subscription_at_once(read: Read, send: Send, deps: Deps) -> None:
    record = await send()

    async with read(FOLLOWED, id=str(record.id)) as reader:
        await reader.event()
        assert deps.feed.followers_of("acme") == 1

    assert deps.feed.followers_of("acme") == 0


async def test_a_mutation_is_done_whole_though_its_reader_leaves(
    read: Read, send: Send, caller: Caller
) -> None:
    record = await send()

    async with read(COMMENT, id=str(record.id)):
        pass

    assert len((await records.record_of(caller, str(record.id))).events) == 2


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { communicationChanged(of: { id: "1" }) { id } }', "NOT_FOUND"),
    ],
)
async def test_what_does_not_run_is_told_by_an_event(read: Read, query: str, code: str) -> None:
    async with read(query) as reader:
        [(first, result), second] = await reader.events()

    assert reader.status == 200
    assert first == "next"
    assert "data" not in result
    assert result["errors"][0]["extensions"]["code"] == code
    assert second == ("complete", None)


async def test_a_subscription_may_be_a_get(read: Read, send: Send) -> None:
    record = await send()
    query = FOLLOWED.replace("($id: ID!)", "").replace("$id", f'"{record.id}"')

    async with read(query, method="GET") as reader:
        event = await reader.event()

    assert event is not None
    assert event[1]["data"] == {"communicationChanged": {"id": str(record.id)}}


async def test_a_mutation_may_not_be_a_get(
    read: Read, send: Send, footprint: Callable[[], Awaitable[Any]]
) -> None:
    record = await send()
    before = await footprint()
    query = COMMENT.replace("($id: ID!)", "").replace("$id", f'"{record.id}"')

    async with read(query, method="GET") as reader:
        [(_, result), _] = await reader.events()

    assert result["errors"][0]["message"] == "A mutation is not run by this method; use POST."
    assert await footprint() == before


async def test_head_tells_the_type_and_runs_nothing(client: httpx2.AsyncClient) -> None:
    response = await client.head(
        "/graphql", params={"query": NONE}, headers={"Accept": "text/event-stream"}
    )

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.content == b""


@pytest.mark.parametrize(
    "accept", ["application/json, text/event-stream", "text/event-stream;q=0.5, application/json"]
)
async def test_who_merely_takes_events_gets_them_for_subscriptions_only(
    read: Read, client: httpx2.AsyncClient, send: Send, accept: str
) -> None:
    record = await send()
    async with read(FOLLOWED, accept=accept, id=str(record.id)) as reader:
        event = await reader.event()
    response = await client.post("/graphql", json={"query": NONE}, headers={"Accept": accept})

    assert event is not None
    assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_without_a_token_a_subscription_is_refused(app: ASGIApp) -> None:
    query = 'subscription { communicationChanged(of: { id: "1" }) { id } }'
    async with reading(app, {"query": query}, headers={}) as reader:
        [(_, result), _] = await reader.events()

    assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_a_bad_token_is_refused_as_ever(app: ASGIApp) -> None:
    headers = {"authorization": "Bearer nonsense"}
    async with reading(app, {"query": NONE}, headers=headers) as reader:
        pass

    assert reader.status == 401
    assert reader.headers["content-type"] == "application/json; charset=utf-8"


async def test_streams_of_a_tenant_are_capped(deps: Deps, token: Token, send: Send) -> None:
    record = await send()
    settings = deps.settings.model_copy(update={"live_connections": 1})
    app = live_app(replace(deps, settings=settings))
    operation = {"query": FOLLOWED, "variables": {"id": str(record.id)}}
    headers = {"authorization": f"Bearer {token()}"}

    async with reading(app, operation, headers=headers) as first:
        await first.event()
        async with reading(app, operation, headers=headers) as second:
            pass
    async with reading(app, operation, headers=headers) as third:
        pass

    assert (first.status, second.status, third.status) == (200, 429, 200)
    assert second.headers["retry-after"] == "30"


async def test_a_key_that_is_revoked_ends_its_stream(
    deps: Deps, caller: Caller, send: Send
) -> None:
    record = await send()
    command = parse(api_keys.CreateApiKey, {"name": "CRM", "scopes": [Scope.COMMUNICATIONS_READ]})
    issued = await api_keys.create(deps, caller, command)
    app = live_app(deps, recheck=timedelta(milliseconds=50))
    operation = {"query": FOLLOWED, "variables": {"id": str(record.id)}}
    headers = {"authorization": f"Bearer {issued.secret}"}

    async with reading(app, operation, headers=headers) as reader:
        await reader.event()
        await api_keys.revoke(deps, caller, str(issued.key.id))
        *_, (_, result), complete = await reader.events()

    assert result["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert complete == ("complete", None)


async def test_a_quiet_stream_gives_signs_of_life(
    monkeypatch: pytest.MonkeyPatch, read: Read, send: Send
) -> None:
    monkeypatch.setattr("graphql_schema.sse.HEARTBEAT", timedelta(milliseconds=10))
    record = await send()

    async with read(FOLLOWED, id=str(record.id)) as reader:
        await reader.event()
        async with asyncio.timeout(20):
            while (await reader.inbox.get())["body"] != b":\n\n":
                pass


async def test_streams_end_without_complete_when_the_process_is_to_end(
    deps: Deps, token: Token, send: Send
) -> None:
    record = await send()
    app = live_app(deps)
    operation = {"query": FOLLOWED, "variables": {"id": str(record.id)}}
    headers = {"authorization": f"Bearer {token()}"}

    async with reading(app, operation, headers=headers) as reader:
        await reader.event()
        app.live.stopping.set()
        rest = await reader.events()

    assert ("complete", None) not in rest
