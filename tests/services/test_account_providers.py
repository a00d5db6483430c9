"""Accounts of each kind, from what is stored of them to the service that they send by."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId
from pydantic import AnyHttpUrl

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import CommunicationStatus, ProviderType
from app.providers.base import AccountError
from app.services import delivery, provider_accounts
from app.services.account_providers import open_provider
from tests.fakes.clock import Clock
from tests.fakes.graph import CLIENT, DIRECTORY, MAILBOX, SECRET, FakeGraph, running_graph
from tests.fakes.relay import Relay
from tests.fakes.resend import FULL, FakeResend, running_resend
from tests.fakes.resend_faults import Fault

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Account = Callable[..., Awaitable[ProviderAccount]]
SECONDS = timedelta(seconds=1)
MAILBOX_OF_ACME = {
    "directoryId": DIRECTORY,
    "clientId": CLIENT,
    "mailbox": MAILBOX,
    "clientSecret": SECRET,
}


@pytest.fixture
async def resend() -> AsyncIterator[FakeResend]:
    async with running_resend() as fake:
        yield fake


@pytest.fixture
async def graph() -> AsyncIterator[FakeGraph]:
    async with running_graph() as fake:
        yield fake


@pytest.fixture
def online(adjusted: Callable[..., Deps], resend: FakeResend, graph: FakeGraph) -> Deps:
    return adjusted(
        resend_url=AnyHttpUrl(resend.url),
        graph_url=AnyHttpUrl(f"{graph.url}/v1.0"),
        graph_login_url=AnyHttpUrl(graph.url),
        account_failures=1,
        retry_delay=SECONDS,
        retry_delay_limit=SECONDS,
    )


async def test_mail_goes_by_resend(
    online: Deps, dispatched: Send, account: Account, stored: Stored, resend: FakeResend
) -> None:
    await account("Resend", resend={"apiKey": FULL}, senderEmails=["sales@acme.test"])

    accepted = await dispatched(over=online)

    record = await stored(accepted.id)
    (mail,) = resend.mails
    assert (record.status, record.provider_type) == (CommunicationStatus.SENT, ProviderType.RESEND)
    assert record.message_id == mail.id
    assert mail.recipients == ["jan@customer.test"]
    assert mail.fields["from"] == "sales@acme.test"
    assert resend.violations == []


async def test_mail_goes_by_a_mailbox(
    online: Deps, dispatched: Send, account: Account, stored: Stored, graph: FakeGraph
) -> None:
    await account("Mailbox", graph=MAILBOX_OF_ACME)

    accepted = await dispatched(over=online)

    record = await stored(accepted.id)
    (sent,) = graph.box.sent
    assert (record.status, record.provider_type) == (CommunicationStatus.SENT, ProviderType.GRAPH)
    assert record.sender_email == MAILBOX
    assert sent.recipients == ("jan@customer.test",)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"resend": {"apiKey": FULL}}, None),
        ({"resend": {"apiKey": "re_wrong"}}, "Resend refused our credentials: "),
        ({"graph": MAILBOX_OF_ACME}, None),
        (
            {"graph": {**MAILBOX_OF_ACME, "clientSecret": "hunter2-wrong"}},
            "Microsoft's login refused our credentials: ",
        ),
    ],
)
async def test_a_test_tells_whether_it_works(
    online: Deps, account: Account, caller: Caller, fields: dict[str, Any], words: str | None
) -> None:
    made = await account("Account", **fields)

    found = await provider_accounts.try_out(online, caller, str(made.id))

    assert found.ok is (words is None)
    if words is None:
        assert found.detail is None
    else:
        assert found.detail is not None
        assert found.detail.startswith(words)
        assert "wrong" not in found.detail


async def test_a_relay_stands_in_for_resend_while_its_key_is_refused(
    online: Deps,
    dispatched: Send,
    account: Account,
    stored: Stored,
    delivery_of: DeliveryOf,
    resend: FakeResend,
    second_relay: Relay,
    clock: Clock,
) -> None:
    spare = await account("Spare", port=second_relay.port)
    await account(
        "Resend",
        resend={"apiKey": "re_wrong"},
        fallbackId=str(spare.id),
        senderEmails=["sales@acme.test"],
    )
    accepted = await dispatched({"senderEmail": "sales@acme.test"}, over=online)
    assert (await stored(accepted.id)).status == CommunicationStatus.PENDING

    clock.advance(2 * SECONDS)
    row = await delivery_of(accepted.id)
    await delivery.deliver(online, str(row.id))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.SENT
    assert record.error_message is not None
    assert record.error_message.startswith(
        "Sent by the fallback account Spare because Resend is down: Resend refused our credentials"
    )
    assert (len(second_relay.taken), resend.mails) == (1, [])


async def test_what_resend_may_have_taken_goes_by_no_other(
    online: Deps,
    dispatched: Send,
    account: Account,
    stored: Stored,
    delivery_of: DeliveryOf,
    resend: FakeResend,
    second_relay: Relay,
    clock: Clock,
) -> None:
    spare = await account("Spare", port=second_relay.port)
    await account(
        "Resend",
        resend={"apiKey": FULL},
        fallbackId=str(spare.id),
        senderEmails=["sales@acme.test"],
    )
    resend.faults = [Fault(500, "internal_server_error", "down", takes=True)]
    accepted = await dispatched({"senderEmail": "sales@acme.test"}, over=online)
    row = await delivery_of(accepted.id)
    assert row.may_be_out

    for _ in range(3):
        clock.advance(60 * SECONDS)
        await delivery.deliver(online, str(row.id))

    assert (await stored(accepted.id)).status == CommunicationStatus.SENT
    assert (len(resend.mails), second_relay.taken) == (1, [])


async def test_an_account_of_no_kind_is_told(deps: Deps, account: Account) -> None:
    made = await account("Relay")

    with pytest.raises(AccountError, match="of no known kind"):
        open_provider(deps, made.model_copy(update={"smtp": None}))
