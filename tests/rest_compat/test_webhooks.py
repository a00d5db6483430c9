"""Webhooks as providers call them: forged, stale, replayed, malformed, and as they should be."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import orjson
import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import CommunicationStatus, EventSource, EventVerdict
from app.services import delivery, event_processing, provider_accounts
from app.services.account_commands import CreateProviderAccount
from app.services.inputs import parse
from app.services.webhooks import BODY_LIMIT
from tests.fakes.clock import Clock
from tests.fakes.resend_events import bounce, event
from tests.fakes.svix import SECRET, signature, signed

Create = Callable[..., Awaitable[ProviderAccount]]
Call = Callable[..., Awaitable[httpx2.Response]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[..., Awaitable[Communication]]
Queued = Callable[[], Awaitable[dict[str, float]]]

EVENT = event("delivered")
OTHER_SECRET = "whsec_c2VjcmV0LW9mLWFub3RoZXItZW5kcG9pbnQ="


@pytest.fixture
def create(deps: Deps, caller: Caller) -> Create:
    async def make(name: str = "Resend", **parts: Any) -> ProviderAccount:
        given = parts or {"resend": {"apiKey": "re_1", "webhookSecret": SECRET}}
        command = parse(CreateProviderAccount, {"name": name, **given})
        return await provider_accounts.create(deps, caller, command)

    return make


@pytest.fixture
async def account(create: Create) -> ProviderAccount:
    return await create()


@pytest.fixture
def call(anonymous: httpx2.AsyncClient, account: ProviderAccount) -> Call:
    """Calls the account's webhook with this body, signed unless other headers are given."""

    async def post(
        body: bytes = EVENT, headers: dict[str, str] | None = None, *, to: str = str(account.id)
    ) -> httpx2.Response:
        return await anonymous.post(
            f"/api/v1/webhooks/resend/{to}",
            content=body,
            headers={
                "Content-Type": "application/json",
                **(signed(body) if headers is None else headers),
            },
        )

    return post


async def test_an_event_is_kept_as_it_came(
    call: Call, account: ProviderAccount, clock: Clock, queued: Queued
) -> None:
    # Spaces and order belong to what was signed.
    body = b'{ "type":"email.delivered" , "data" : {"b":1,"a":[ ]} }'

    response = await call(body)

    [kept] = await ProviderEvent.find_all().to_list()
    assert (response.status_code, response.json()) == (200, {})
    assert (kept.tenant_id, kept.account_id) == ("acme", account.id)
    assert (kept.source, kept.event_id, kept.kind) == (
        EventSource.RESEND,
        "msg_1",
        "email.delivered",
    )
    assert kept.raw == body
    assert (kept.verdict, kept.created, kept.due_at) == (None, clock.now(), clock.now())
    assert list(await queued()) == [f"event:{kept.id}:0"]


async def test_it_moves_the_record_once_a_worker_looks_into_it(
    call: Call, deps: Deps, send: Send
) -> None:
    # Not by the account, which is the only one of its tenant.
    record = await send({"providerType": "SMTP"})
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None

    await call(event("delivered", delivery=str(row.id)))
    [kept] = await ProviderEvent.find_all().to_list()
    await event_processing.process(deps, str(kept.id))

    found = await Communication.shown("acme", str(record.id))
    assert found is not None
    assert found.status == CommunicationStatus.DELIVERED


async def test_told_again_it_is_kept_once(call: Call, footprint: Footprint, clock: Clock) -> None:
    await call()
    before = await footprint()
    clock.advance(timedelta(minutes=2))

    again = await call(headers=signed(EVENT, at=clock.now()))
    replayed = await call()

    assert (again.status_code, replayed.status_code) == (200, 200)
    assert await footprint() == before


async def test_each_account_has_events_of_its_own(call: Call, create: Create) -> None:
    other = await create("Other", resend={"apiKey": "re_2", "webhookSecret": OTHER_SECRET})

    await call()
    response = await call(headers=signed(EVENT, secret=OTHER_SECRET), to=str(other.id))

    assert response.status_code == 200
    assert await ProviderEvent.count() == 2


GOOD = signed(EVENT)
FORGED: dict[str, dict[str, str]] = {
    "nothing signed": {},
    "no id": {k: v for k, v in GOOD.items() if k != "svix-id"},
    "no time": {k: v for k, v in GOOD.items() if k != "svix-timestamp"},
    "no signature": {k: v for k, v in GOOD.items() if k != "svix-signature"},
    "empty": {**GOOD, "svix-signature": ""},
    "no base64": {**GOOD, "svix-signature": "v1,***"},
    "another version": {**GOOD, "svix-signature": GOOD["svix-signature"].replace("v1,", "v2,")},
    "another id": {**GOOD, "svix-id": "msg_2"},
    "another time": {**GOOD, "svix-timestamp": str(int(GOOD["svix-timestamp"]) + 1)},
    "no number": {**GOOD, "svix-timestamp": "now"},
    "another body": signed(EVENT + b" "),
    "another secret": signed(EVENT, secret=OTHER_SECRET),
    "another family of headers": {k.replace("svix", "webhook"): v for k, v in GOOD.items()},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
async def test_forged_it_changes_nothing(
    call: Call, footprint: Footprint, headers: dict[str, str]
) -> None:
    before = await footprint()

    response = await call(headers=headers)

    assert response.status_code == 401
    assert response.json()["detail"] == ("The signature is not one of this account, or is too old.")
    assert await footprint() == before


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
async def test_stale_it_changes_nothing(
    call: Call, footprint: Footprint, clock: Clock, seconds: int
) -> None:
    at = clock.now() - timedelta(seconds=seconds)
    before = await footprint()

    response = await call(headers=signed(EVENT, at=at))

    assert response.status_code == 401
    assert await footprint() == before


async def test_replayed_under_another_id_it_changes_nothing(
    call: Call, footprint: Footprint
) -> None:
    await call()
    before = await footprint()

    response = await call(headers={**GOOD, "svix-id": "msg_replayed"})

    assert response.status_code == 401
    assert await footprint() == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"{}",
        b'{"type": null}',
        b'{"type": 1}',
        b'{"type": ""}',
        b"\xff",
        b"[" * 100_000,
        '{"type": "x"}'.encode("utf-16"),
    ],
)
async def test_malformed_it_changes_nothing(call: Call, footprint: Footprint, body: bytes) -> None:
    before = await footprint()

    response = await call(body)

    assert response.status_code == 400
    assert response.json()["detail"].startswith("The body is no event")
    assert await footprint() == before


@pytest.mark.parametrize("signer", [SECRET, OTHER_SECRET], ids=["signed", "forged"])
async def test_too_large_it_changes_nothing(call: Call, footprint: Footprint, signer: str) -> None:
    body = event("sent", subject="x" * BODY_LIMIT)
    before = await footprint()

    response = await call(body, signed(body, secret=signer))

    assert response.status_code == 413
    assert await footprint() == before


async def test_an_endless_body_is_cut_off(
    anonymous: httpx2.AsyncClient, account: ProviderAccount, footprint: Footprint
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 100_000

    before = await footprint()

    response = await anonymous.post(f"/api/v1/webhooks/resend/{account.id}", content=endless())

    assert response.status_code == 413
    assert await footprint() == before


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("email.rescheduled", "events of this type move nothing"),
        ("email.sent", "the hand-over is recorded already"),
    ],
)
async def test_a_type_that_moves_nothing_is_kept(
    call: Call, deps: Deps, send: Send, kind: str, reason: str
) -> None:
    # Not by the account, which is the only one of its tenant.
    record = await send({"providerType": "SMTP"})
    await delivery.dispatch(deps, str(record.id))
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None
    before = await Communication.shown("acme", str(record.id))

    response = await call(event(kind.removeprefix("email."), delivery=str(row.id)))
    [kept] = await ProviderEvent.find_all().to_list()
    await event_processing.process(deps, str(kept.id))

    settled = await ProviderEvent.get(kept.id)
    assert response.status_code == 200
    assert settled is not None
    assert (settled.verdict, settled.reason) == (EventVerdict.NO_MOVE, reason)
    assert await Communication.shown("acme", str(record.id)) == before


async def test_a_mail_that_is_unknown_is_kept(call: Call, deps: Deps) -> None:
    response = await call(event("bounced", delivery="6b050e9454d4a1b9322b3eaa", **bounce()))
    [kept] = await ProviderEvent.find_all().to_list()
    await event_processing.process(deps, str(kept.id))

    settled = await ProviderEvent.get(kept.id)
    assert response.status_code == 200
    assert settled is not None
    assert (settled.verdict, settled.due_at) == (EventVerdict.UNKNOWN, None)


async def test_accounts_without_this_webhook_are_unknown(
    call: Call, create: Create, footprint: Footprint
) -> None:
    relay = await create("Relay", smtp={"host": "relay.acme.test"})
    before = await footprint()

    response = await call(to=str(relay.id))

    assert response.status_code == 404
    assert await footprint() == before


async def test_without_a_secret_nothing_is_proven(
    call: Call, create: Create, footprint: Footprint
) -> None:
    open_ = await create("Open", resend={"apiKey": "re_2"})
    before = await footprint()

    for headers in (signed(EVENT), signed(EVENT, secret="whsec_"), {}):
        assert (await call(headers=headers, to=str(open_.id))).status_code == 401
    assert await footprint() == before


async def test_what_is_told_stays_out_of_answers_and_logs(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    good = await call()
    bad = await call(headers={**GOOD, "svix-signature": signature(EVENT, "x", "1")})

    told = good.text + bad.text + capsys.readouterr().out
    assert "jan@customer.test" not in told
    assert SECRET.removeprefix("whsec_") not in told
    assert orjson.loads(EVENT)["data"]["subject"] not in told
