"""Answers to addresses of ours: whose they are, and what they answer."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.recipient_lists import RecipientList
from app.documents.vocabulary import EventType, ProviderType
from app.mail.stored import load
from app.services import delivery, sending
from app.services.inbound import ingest
from app.services.inputs import parse
from app.services.receiving import mail_servers
from app.services.sending import SendCommunication
from tests.fakes.clock import Clock
from tests.fakes.messages import message

DOMAIN = "in.letterbox.test"
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]


@pytest.fixture
def receiving(deps: Deps) -> Deps:
    """With a domain whose mail reaches the service."""
    settings = deps.settings.model_copy(update={"inbound_domain": DOMAIN})
    return replace(deps, settings=settings)


@pytest.fixture
def out(receiving: Deps, caller: Caller, mail: dict[str, Any]) -> Send:
    """Sends a mail, and gives its record."""

    async def send(**changes: Any) -> Communication:
        command = parse(SendCommunication, {**mail, **changes})
        record = await sending.accept(receiving, caller, command)
        await delivery.dispatch(receiving, str(record.id))
        return record

    return send


@pytest.fixture
def reply_to(delivery_of: DeliveryOf) -> Callable[[Communication], Awaitable[str | None]]:
    """Where answers to the mail of a record go."""

    async def look(record: Communication) -> str | None:
        mailbox = load(await (await delivery_of(record.id)).stored_message()).reply_to
        return None if mailbox is None else mailbox.address

    return look


ReplyTo = Callable[[Communication], Awaitable[str | None]]


def answer(*, to: str | None = None, head: str = "", id_: str = "<new@customer.test>") -> bytes:
    """A new mail of the customer, that names none before."""
    raw = message(id_, subject="About something else")
    if to is not None:
        raw = raw.replace(b"To: crm@acme.test", f"To: {to}".encode())
    return head.encode() + raw


async def test_mail_asks_for_answers_where_they_name_it(
    receiving: Deps, out: Send, reply_to: ReplyTo
) -> None:
    address = await reply_to(await out())

    assert address is not None
    assert address.endswith(f"@{DOMAIN}")
    assert await mail_servers.whose(receiving.settings, address.upper()) == "acme"


async def test_what_the_caller_asks_for_goes_before(out: Send, reply_to: ReplyTo) -> None:
    assert await reply_to(await out(replyTo="boss@acme.test")) == "boss@acme.test"


async def test_without_a_domain_answers_go_to_the_sender(
    deps: Deps, dispatched: Send, reply_to: ReplyTo
) -> None:
    assert await reply_to(await dispatched()) is None
    assert await mail_servers.whose(deps.settings, f"reply+{'a' * 36}@{DOMAIN}") is None


@pytest.mark.parametrize("where", ["To", "Cc", "Delivered-To", "X-Original-To", "envelope"])
async def test_an_answer_is_found_by_it_wherever_it_stands(
    receiving: Deps,
    caller: Caller,
    out: Send,
    reply_to: ReplyTo,
    stored: Stored,
    where: str,
) -> None:
    record = await out(relatedEntityType="deal", relatedEntityId="42")
    address = (await reply_to(record) or "").upper()
    origin = Origin()
    match where:
        case "To":
            raw = answer(to=f"Acme <{address}>, x@y.test")
        case "envelope":
            raw, origin = answer(), Origin(provider=ProviderType.SMTP, recipients=(address,))
        case _:
            raw = answer(head=f"{where}: {address}\r\n")

    kept = await ingest(receiving, caller, raw, origin=origin)

    assert kept.conversation_id == record.conversation_id
    assert (kept.parent_communication_id, kept.related_entity_id) == (record.id, "42")
    replies = [
        event.id for event in (await stored(record.id)).events if event.type is EventType.REPLY
    ]
    assert replies == [str(kept.id)]


async def test_it_counts_more_than_what_the_mail_says_it_answers(
    receiving: Deps, caller: Caller, out: Send, reply_to: ReplyTo, stored: Stored
) -> None:
    first, second = await out(), await out()
    other = (await stored(second.id)).internet_message_id
    raw = message(in_reply_to=other).replace(
        b"To: crm@acme.test", f"To: {await reply_to(first)}".encode()
    )

    kept = await ingest(receiving, caller, raw)

    assert kept.parent_communication_id == first.id


async def test_in_another_tenant_it_is_worth_nothing(
    receiving: Deps, other_tenant: Caller, out: Send, reply_to: ReplyTo
) -> None:
    record = await out()

    kept = await ingest(receiving, other_tenant, answer(to=await reply_to(record)))

    assert kept.parent_communication_id is None
    assert kept.conversation_id != record.conversation_id
    assert kept.answered_delivery_id is None


async def test_a_forged_one_is_nobodys(receiving: Deps, out: Send, reply_to: ReplyTo) -> None:
    address = await reply_to(await out()) or ""
    forged = address[:30] + ("b" if address[30] == "a" else "a") + address[31:]
    unknown = f"reply+{'a' * 36}@{DOMAIN}"

    assert await mail_servers.whose(receiving.settings, forged) is None
    assert await mail_servers.whose(receiving.settings, unknown) is None


async def test_mail_sent_again_asks_for_answers_to_that(
    receiving: Deps, caller: Caller, out: Send, reply_to: ReplyTo, clock: Clock
) -> None:
    record = await out()
    first = await reply_to(record)
    clock.advance(timedelta(minutes=1))
    await sending.resend(receiving, caller, str(record.id))
    await delivery.dispatch(receiving, str(record.id))

    kept = await ingest(receiving, caller, answer(to=first))

    assert kept.parent_communication_id == record.id


async def test_members_of_a_list_answer_each_in_a_conversation_of_its_own(
    receiving: Deps,
    caller: Caller,
    make_list: Callable[..., Awaitable[RecipientList]],
    send_list: Callable[..., Awaitable[Communication]],
    run_list: Callable[..., Awaitable[None]],
    rows_of: Callable[..., Awaitable[list[Delivery]]],
    stored: Stored,
) -> None:
    members = await make_list({"email": "jan@customer.test"}, {"email": "kim@customer.test"})
    record = await send_list(members)
    await run_list(record, over=receiving)
    jan, kim = await rows_of(record)

    async def answered(row: Delivery, number: int, before: str | None = None) -> InboundMessage:
        raw = message(f"<{number}@customer.test>", in_reply_to=before or row.message_id)
        return await ingest(receiving, caller, raw)

    of_jan, of_kim = await answered(jan, 1), await answered(kim, 2)
    more = await answered(jan, 3, "<1@customer.test>")

    conversations = [one.conversation_id for one in (of_jan, of_kim, more)]
    assert conversations[0] == conversations[2]
    assert len({*conversations, record.conversation_id}) == 3
    assert {one.parent_communication_id for one in (of_jan, of_kim, more)} == {record.id}
    replies = [
        event.id for event in (await stored(record.id)).events if event.type is EventType.REPLY
    ]
    assert replies == [str(of_jan.id), str(of_kim.id), str(more.id)]
