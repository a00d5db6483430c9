"""The webhook of a mailbox at Microsoft 365: its handshake, and notifications good and bad."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import orjson
import pytest

from app.context import Caller, Deps
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventSource
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount
from app.services.graph_events import MAX_NOTIFICATIONS
from app.services.inputs import parse
from app.services.webhooks import BODY_LIMIT, TOKEN_LIMIT
from tests.fakes.clock import Clock
from tests.world import CLIENT_STATE, GRAPH

Call = Callable[..., Awaitable[httpx2.Response]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Queued = Callable[[], Awaitable[dict[str, float]]]

TOLD = {
    "id": "lsgTZMr9KwAAA",
    "subscriptionId": "b3cf4b0a-0000-4000-8000-000000000001",
    "subscriptionExpirationDateTime": "2026-11-30T09:30:00.0000000Z",
    "clientState": CLIENT_STATE,
    "changeType": "created",
    "resource": "users/crm@acme.test/messages/AAkALg-1",
    "tenantId": "84bd8158-0000-4000-8000-000000000002",
    "resourceData": {
        "@odata.type": "#Microsoft.Graph.Message",
        "@odata.id": "users/crm@acme.test/messages/AAkALg-1",
        "id": "AAkALg-1",
    },
}


@pytest.fixture
async def account(deps: Deps, caller: Caller) -> ProviderAccount:
    command = parse(CreateProviderAccount, {"name": "Mailbox", "graph": GRAPH})
    return await provider_accounts.create(deps, caller, command)


@pytest.fixture
def call(anonymous: httpx2.AsyncClient, account: ProviderAccount) -> Call:
    """Calls the account's webhook with these notifications, or with a body that is none."""

    async def post(
        *told: Any, body: bytes | None = None, query: str = "", to: str = str(account.id)
    ) -> httpx2.Response:
        return await anonymous.post(
            f"/api/v1/webhooks/graph/{to}{query}",
            content=orjson.dumps({"value": told}) if body is None else body,
            headers={"Content-Type": "application/json"},
        )

    return post


async def test_a_notification_is_kept_without_its_secret(
    call: Call, account: ProviderAccount, clock: Clock, queued: Queued
) -> None:
    response = await call(TOLD)

    [kept] = await ProviderEvent.find_all().to_list()
    assert (response.status_code, response.content) == (202, b"")
    assert (kept.tenant_id, kept.account_id) == ("acme", account.id)
    assert (kept.source, kept.event_id, kept.kind) == (
        EventSource.GRAPH,
        "lsgTZMr9KwAAA",
        "created",
    )
    assert orjson.loads(kept.raw) == {n: v for n, v in TOLD.items() if n != "clientState"}
    assert (kept.verdict, kept.due_at) == (None, clock.now())
    assert list(await queued()) == [f"event:{kept.id}:0"]


async def test_several_come_together_and_each_counts_once(call: Call, footprint: Footprint) -> None:
    others = [{**TOLD, "id": f"other-{number}"} for number in range(3)]
    await call(TOLD, *others, TOLD)
    before = await footprint()

    response = await call(TOLD, *others)

    assert response.status_code == 202
    assert await ProviderEvent.count() == 4
    assert await footprint() == before


async def test_without_an_id_it_is_known_by_what_it_says(call: Call) -> None:
    bare = {name: value for name, value in TOLD.items() if name != "id"}

    for told in (bare, bare, {**bare, "resource": "users/crm@acme.test/messages/2"}):
        await call(told)
    await call({**bare, "id": 7}, {**bare, "id": ""}, {**bare, "id": "x" * 300})

    kept = await ProviderEvent.find_all().to_list()
    assert len(kept) == 5
    assert all(event.event_id.startswith("sha256:") for event in kept)


@pytest.mark.parametrize(
    "state", ["", "another", CLIENT_STATE[:-1], f"{CLIENT_STATE} ", CLIENT_STATE.upper(), None, 7,
              [CLIENT_STATE], {"$ne": ""}, "é"]
)  # fmt: skip
async def test_a_forged_one_is_dropped_and_answered_as_any(
    call: Call, footprint: Footprint, state: object
) -> None:
    before = await footprint()

    response = await call({**TOLD, "clientState": state})

    assert response.status_code == 202
    assert await footprint() == before


async def test_one_without_client_state_is_dropped(call: Call, footprint: Footprint) -> None:
    before = await footprint()

    response = await call({name: value for name, value in TOLD.items() if name != "clientState"})

    assert response.status_code == 202
    assert await footprint() == before


async def test_a_forged_one_beside_a_good_one_takes_nothing_from_it(call: Call) -> None:
    await call({**TOLD, "id": "forged", "clientState": "guessed"}, TOLD)

    assert [event.event_id for event in await ProviderEvent.find_all().to_list()] == [TOLD["id"]]


async def test_an_account_without_a_secret_drops_all(
    call: Call, deps: Deps, caller: Caller, footprint: Footprint
) -> None:
    part = {**GRAPH, "mailbox": "sales@acme.test", "clientState": None}
    command = parse(CreateProviderAccount, {"name": "Open", "graph": part})
    open_ = await provider_accounts.create(deps, caller, command)
    before = await footprint()

    for state in ("", None, "None"):
        response = await call({**TOLD, "clientState": state}, to=str(open_.id))
        assert response.status_code == 202
    assert await footprint() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"value": null}',
        b'{"value": {}}',
        b'{"value": [null]}',
        b'{"value": ["x", {}]}',
        b"\xff",
        b"[" * 100_000,
        b'{"value": [{"a":' + b"[" * 300 + b"]" * 300 + b"}]}",
    ],
)
async def test_malformed_it_changes_nothing(call: Call, footprint: Footprint, body: bytes) -> None:
    before = await footprint()

    response = await call(body=body)

    assert response.status_code == 400
    assert await footprint() == before


async def test_too_much_changes_nothing(call: Call, footprint: Footprint) -> None:
    before = await footprint()

    large = await call(body=b" " * (BODY_LIMIT + 1))
    many = await call(*[{"clientState": CLIENT_STATE}] * (MAX_NOTIFICATIONS + 1))

    assert (large.status_code, many.status_code) == (413, 413)
    assert await footprint() == before


@pytest.mark.parametrize(
    ("query", "token"),
    [
        ("Validation%3A+Testing+client%3A1", "Validation: Testing client:1"),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E", "<script>alert(1)</script>"),
        ("%C3%A9&validationToken=second", "second"),
        ("x" * TOKEN_LIMIT, "x" * TOKEN_LIMIT),
    ],
)
async def test_the_handshake_gives_the_decoded_token_back_as_text(
    anonymous: httpx2.AsyncClient,
    account: ProviderAccount,
    footprint: Footprint,
    query: str,
    token: str,
) -> None:
    before = await footprint()

    response = await anonymous.post(
        f"/api/v1/webhooks/graph/{account.id}?validationToken={query}",
        headers={"Content-Type": "text/plain; charset=utf-8"},
    )

    assert (response.status_code, response.text) == (200, token)
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert await footprint() == before


@pytest.mark.parametrize("token", ["", "x" * (TOKEN_LIMIT + 1)])
async def test_a_token_that_is_none_is_refused(call: Call, token: str) -> None:
    response = await call(query=f"?validationToken={token}")

    assert response.status_code == 400
    assert "validationToken" in response.json()["detail"]


async def test_other_accounts_take_no_notifications(
    call: Call, deps: Deps, caller: Caller, footprint: Footprint
) -> None:
    command = parse(CreateProviderAccount, {"name": "Resend", "resend": {"apiKey": "re_1"}})
    other = await provider_accounts.create(deps, caller, command)
    before = await footprint()

    for query in ("", "?validationToken=x"):
        response = await call(TOLD, query=query, to=str(other.id))
        assert response.status_code == 404
        assert response.json().keys() == {"title", "detail", "time"}
    assert await footprint() == before
