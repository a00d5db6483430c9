"""What a further mail of a conversation names as before it."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.documents import references
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import CommunicationStatus
from app.mail.addresses import Mailbox
from app.mail.compose import Message
from app.mail.stored import dump
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
Receive = Callable[..., Awaitable[InboundMessage]]


async def test_a_conversation_is_what_went_out_and_came_in_oldest_first(
    store_communication: Store, receive: Receive, clock: Clock
) -> None:
    def at(minutes: int) -> datetime:
        return clock.now() + timedelta(minutes=minutes)

    for number in (4, 1, 3):
        await store_communication(
            status=CommunicationStatus.SENT,
            internet_message_id=f"<{number}@acme.test>",
            sent_at=at(number),
        )
    await receive(internet_message_id="<2@c.test>", received_at=at(2))
    await receive(internet_message_id=None)
    await store_communication()
    other = {"status": CommunicationStatus.SENT, "internet_message_id": "<o@acme.test>"}
    await store_communication(**other, sent_at=at(0), conversation_id="another")
    await store_communication(**other, sent_at=at(0), tenant_id="globex")
    await receive(internet_message_id="<o@c.test>", tenant_id="globex")

    assert await references.message_ids("acme", "thread") == [
        "<1@acme.test>",
        "<2@c.test>",
        "<3@acme.test>",
        "<4@acme.test>",
    ]


async def test_of_a_long_conversation_the_first_and_the_last_twenty_count(
    store_communication: Store, receive: Receive, clock: Clock
) -> None:
    for number in range(0, 60, 2):
        at = clock.now() + timedelta(minutes=number)
        await store_communication(internet_message_id=f"<{number}@a.test>", sent_at=at)
        later = at + timedelta(minutes=1)
        await receive(internet_message_id=f"<{number + 1}@a.test>", received_at=later)
    await receive(internet_message_id="<other@a.test>", conversation_id="other")

    alone = await references.message_ids("acme", "thread")
    several = await references.message_ids_of("acme", ["thread", "other", "none"])

    expected = ["<0@a.test>", *(f"<{number}@a.test>" for number in range(40, 60))]
    assert alone == expected
    assert several == {"thread": expected, "other": ["<other@a.test>"]}


async def test_of_short_conversations_all_count(
    store_communication: Store, receive: Receive, clock: Clock
) -> None:
    await store_communication(internet_message_id="<0@a.test>", sent_at=clock.now())
    later = clock.now() + timedelta(minutes=1)
    await receive(internet_message_id="<1@a.test>", received_at=later)
    await receive(internet_message_id="<other@a.test>", conversation_id="other")

    assert await references.message_ids_of("acme", ["thread", "other", "none"]) == {
        "thread": ["<0@a.test>", "<1@a.test>"],
        "other": ["<other@a.test>"],
    }


@pytest.mark.parametrize("tenant", ["acme", "globex"])
async def test_what_a_message_answers_itself(
    store_communication: Store, receive: Receive, store_delivery: Any, tenant: str
) -> None:
    ours = await store_communication(internet_message_id="<2@ses.test>")
    mail = Message(
        sender=Mailbox("crm@acme.test"),
        to=(Mailbox("jan@customer.test"),),
        subject="Offer",
        html="<p>Hello</p>",
        text="Hello",
        message_id="<2@acme.test>",
        date=datetime(2026, 1, 1, tzinfo=UTC),
        references=("<0@c.test>", "<1@c.test>"),
    )
    await store_delivery(
        message_id="<2@acme.test>", internet_message_id="<2@ses.test>", message=dump(mail)
    )
    await receive(internet_message_id="<3@c.test>", answered=["<2@ses.test>", "<0@c.test>"])
    await receive(internet_message_id="<4@c.test>", parent_communication_id=ours.id)
    await receive(internet_message_id="<5@c.test>")

    told = {id_: await references.ancestors(tenant, id_) for id_ in (
        "<2@acme.test>", "<2@ses.test>", "<3@c.test>", "<4@c.test>", "<5@c.test>", "<6@c.test>",
    )}  # fmt: skip

    expected = {
        "<2@acme.test>": ["<0@c.test>", "<1@c.test>"],
        "<2@ses.test>": ["<0@c.test>", "<1@c.test>"],
        "<3@c.test>": ["<0@c.test>", "<2@ses.test>"],
        "<4@c.test>": ["<0@c.test>", "<1@c.test>", "<2@ses.test>"],
        "<5@c.test>": [],
        "<6@c.test>": None,
    }
    assert told == (expected if tenant == "acme" else dict.fromkeys(expected))
