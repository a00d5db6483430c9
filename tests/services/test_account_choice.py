from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import ProviderType
from app.errors import InvalidInputError

Send = Callable[..., Awaitable[Communication]]
Account = Callable[..., Awaitable[ProviderAccount]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]

RESEND = {"apiKey": "re_1"}
GRAPH = {
    "directoryId": "acme.onmicrosoft.com",
    "clientId": "0f3b5e9a-0000-4000-8000-00000000000a",
    "mailbox": "box@acme.test",
    "clientSecret": "s",
}


async def test_without_accounts_the_services_relay_carries_it(send: Send) -> None:
    record = await send()

    assert (record.provider_type, record.account_id) == (ProviderType.SMTP, None)
    assert (record.sender_email, record.sender_name) == ("crm@acme.test", "Acme")


async def test_mail_goes_by_the_default_account(send: Send, account: Account) -> None:
    default = await account("Resend", resend=RESEND)
    await account("Relay")

    record = await send()

    assert (record.provider_type, record.account_id) == (ProviderType.RESEND, default.id)
    assert (record.sender_email, record.sender_name) == ("crm@acme.test", "Acme")


async def test_another_tenants_accounts_carry_nothing(
    send: Send, account: Account, other_tenant: Caller
) -> None:
    await account("Relay", by=other_tenant, senderEmails=["crm@acme.test", "@acme.test"])

    assert (await send({"senderEmail": "crm@acme.test"})).account_id is None


async def test_a_provider_type_is_kept_to(send: Send, account: Account) -> None:
    await account("Relay")
    first = await account("Resend A", resend=RESEND)
    await account("Resend B", resend=RESEND)

    record = await send({"providerType": "RESEND"})

    assert (record.provider_type, record.account_id) == (ProviderType.RESEND, first.id)


async def test_the_default_goes_first_among_those_of_a_type(send: Send, account: Account) -> None:
    default = await account("Z", resend=RESEND)
    await account("A", resend=RESEND)

    assert (await send({"providerType": "RESEND"})).account_id == default.id


async def test_smtp_without_a_relay_of_the_tenant_is_the_services(
    send: Send, account: Account
) -> None:
    await account("Resend", resend=RESEND)

    record = await send({"providerType": "SMTP"})

    assert (record.provider_type, record.account_id) == (ProviderType.SMTP, None)


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("sales@acme.test", "Sales"),
        ("Sales Team <SALES@Acme.test>", "Sales"),
        ("info@acme.test", "Domain"),
        ("info@shop.acme.test", "Default"),
        ("info@elsewhere.test", "Default"),
    ],
)
async def test_the_sender_chooses(send: Send, account: Account, sender: str, expected: str) -> None:
    made = [
        await account("Default"),
        await account("Domain", senderEmails=["@acme.test"]),
        await account("Sales", senderEmails=["sales@acme.test"]),
    ]

    record = await send({"senderEmail": sender})

    assert record.sender_email == sender
    assert {one.id: one.name for one in made}[record.account_id or made[0].id] == expected
    assert record.account_id is not None


async def test_the_sender_chooses_among_those_of_the_type(send: Send, account: Account) -> None:
    await account("Relay", senderEmails=["sales@acme.test"])
    await account("Resend", resend=RESEND)
    fitting = await account("Resend of the domain", resend=RESEND, senderEmails=["@acme.test"])

    record = await send({"senderEmail": "sales@acme.test", "providerType": "RESEND"})

    assert record.account_id == fitting.id


async def test_mail_that_names_no_sender_is_the_accounts_own(send: Send, account: Account) -> None:
    await account("Relay", senderEmails=["@acme.test", "first@acme.test", "second@acme.test"])

    record = await send()
    assert (record.sender_email, record.sender_name) == ("first@acme.test", None)
    record = await send({"senderName": "The First"})
    assert (record.sender_email, record.sender_name) == ("first@acme.test", "The First")


async def test_a_mailbox_sends_as_itself(send: Send, account: Account) -> None:
    await account("Mailbox", graph=GRAPH)

    assert (await send()).sender_email == "box@acme.test"


async def test_a_mailbox_named_by_a_guid_sends_as_the_service(send: Send, account: Account) -> None:
    await account("Mailbox", graph={**GRAPH, "mailbox": GRAPH["clientId"]})

    assert (await send()).sender_email == "crm@acme.test"


async def test_a_type_that_is_not_set_up_is_refused_with_those_that_are(
    send: Send, account: Account, footprint: Footprint
) -> None:
    await account("Resend", resend=RESEND)
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send({"providerType": "GRAPH"})

    assert refused.value.detail == "providerType: GRAPH is not set up here; usable: RESEND, SMTP"
    assert await footprint() == before


async def test_without_any_sender_it_is_refused(
    deps: Deps, send: Send, account: Account, footprint: Footprint
) -> None:
    bare = replace(deps, settings=deps.settings.model_copy(update={"default_sender_email": None}))
    await account("Relay", senderEmails=["@acme.test"])
    before = await footprint()

    with pytest.raises(InvalidInputError, match="senderEmail: is required"):
        await send(over=bare)

    assert await footprint() == before
    await account("Resend", resend=RESEND, senderEmails=["own@acme.test"])
    record = await send({"providerType": "RESEND"}, over=bare)
    assert record.sender_email == "own@acme.test"
