"""Where an answer goes, under which subject, and in which thread mail clients show it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import CommunicationStatus, CommunicationType
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.services import (
    delivery,
    fanout,
    inbound,
    list_members,
    provider_accounts,
    recipient_lists,
    replies,
    sending,
)
from app.services.account_commands import CreateProviderAccount
from app.services.inputs import parse
from app.services.replies import Reply, ReplyTarget
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay

DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}
Sent = Callable[..., Awaitable[Communication]]
Receive = Callable[..., Awaitable[InboundMessage]]
Answer = Callable[..., Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
def out(dispatched: Sent, clock: Clock) -> Sent:
    """Sends a mail a minute after the one before; as it is stored afterwards."""

    async def send(changes: dict[str, Any] | None = None) -> Communication:
        clock.advance(timedelta(minutes=1))
        record = await dispatched(changes)
        found = await Communication.shown("acme", str(record.id))
        assert found is not None
        return found

    return send


@pytest.fixture
def receive(deps: Deps, caller: Caller, clock: Clock) -> Receive:
    async def ingest(*args: Any, head: str = "", **fields: Any) -> InboundMessage:
        clock.advance(timedelta(minutes=1))
        return await inbound.ingest(deps, caller, head.encode() + message(*args, **fields))

    return ingest


@pytest.fixture
def answer(deps: Deps, caller: Caller) -> Answer:
    """Answers a mail of ours or theirs, with these fields."""

    async def reply(
        to: Communication | InboundMessage,
        *,
        by: Caller = caller,
        key: str | None = None,
        **fields: Any,
    ) -> Communication:
        name = "communicationId" if isinstance(to, Communication) else "inboundMessageId"
        target = parse(ReplyTarget, {name: str(to.id)})
        command = parse(Reply, {"body": "<p>Thanks</p>", **fields})
        return await replies.reply(deps, by, target, command, idempotency_key=key)

    return reply


async def test_a_received_message_is_answered_in_its_thread(
    deps: Deps, out: Sent, receive: Receive, answer: Answer, relay: Relay
) -> None:
    ours = await out({**DEAL, "type": "OFFERTE", "senderEmail": "sales@acme.test"})
    theirs = await receive("<1@c.test>", in_reply_to=ours.internet_message_id)
    later = await receive("<2@c.test>", in_reply_to="<1@c.test>")

    record = await answer(theirs)
    await delivery.dispatch(deps, str(record.id))

    assert record.conversation_id == ours.conversation_id == later.conversation_id
    assert (record.subject, record.recipients, record.cc) == (
        "Re: Your offer", ["Jan <jan@customer.test>"], []
    )  # fmt: skip
    assert (record.sender_email, record.type) == ("sales@acme.test", CommunicationType.OFFERTE)
    assert (record.related_entity_type, record.related_entity_id) == ("deal", "42")
    assert record.in_reply_to == "<1@c.test>"
    written = relay.taken[-1].message
    assert written["To"] == "Jan <jan@customer.test>"
    assert written["In-Reply-To"] == "<1@c.test>"
    assert written["References"].split() == [ours.internet_message_id, "<2@c.test>", "<1@c.test>"]


async def test_a_mail_of_ours_is_followed_up(
    deps: Deps, out: Sent, answer: Answer, relay: Relay
) -> None:
    ours = await out(
        {
            **DEAL,
            "type": "FACTUUR",
            "cc": ["boss@customer.test"],
            "bcc": ["eve@acme.test"],
            "senderEmail": "sales@acme.test",
            "senderName": "Sales",
        }
    )

    record = await answer(ours)
    await delivery.dispatch(deps, str(record.id))

    assert record.conversation_id == ours.conversation_id
    assert (record.subject, record.type) == ("Re: Your offer", CommunicationType.FACTUUR)
    assert (record.recipients, record.cc) == (["jan@customer.test"], ["boss@customer.test"])
    assert record.bcc == []
    assert (record.sender_email, record.sender_name) == ("sales@acme.test", "Sales")
    assert (record.related_entity_type, record.related_entity_id) == ("deal", "42")
    written = relay.taken[-1].message
    assert written["In-Reply-To"] == written["References"] == ours.internet_message_id


async def test_what_is_given_stands(out: Sent, answer: Answer) -> None:
    ours = await out({**DEAL, "cc": ["boss@customer.test"]})

    record = await answer(
        ours,
        subject="Something else",
        recipients=["piet@customer.test"],
        bcc=["eve@acme.test"],
        senderEmail="help@acme.test",
        replyTo="desk@acme.test",
        type="SUPPORT",
        relatedEntityType="case",
        relatedEntityId="7",
        trackingEnabled=False,
    )

    assert (record.subject, record.recipients) == ("Something else", ["piet@customer.test"])
    assert (record.cc, record.bcc) == ([], ["eve@acme.test"])
    assert (record.sender_email, record.sender_name) == ("help@acme.test", None)
    assert (record.reply_to, record.type) == ("desk@acme.test", CommunicationType.SUPPORT)
    assert (record.related_entity_type, record.related_entity_id) == ("case", "7")
    assert record.body == "<p>Thanks</p>"
    assert record.conversation_id == ours.conversation_id


async def test_an_answer_may_wait_for_its_time(
    deps: Deps, out: Sent, answer: Answer, relay: Relay, clock: Clock
) -> None:
    ours = await out()
    at = clock.now() + timedelta(hours=1)

    record = await answer(ours, scheduledAt=at)
    clock.advance(timedelta(hours=1))
    await delivery.dispatch(deps, str(record.id))

    assert (record.status, record.scheduled_at) == (CommunicationStatus.SCHEDULED, at)
    assert relay.taken[-1].message["In-Reply-To"] == ours.internet_message_id


async def test_an_answer_that_is_sent_again_answers_the_same(
    deps: Deps, caller: Caller, receive: Receive, answer: Answer, relay: Relay
) -> None:
    record = await answer(await receive("<1@c.test>"))
    await delivery.dispatch(deps, str(record.id))
    await receive("<2@c.test>", in_reply_to="<1@c.test>")

    await sending.resend(deps, caller, str(record.id))
    await delivery.dispatch(deps, str(record.id))

    assert [mail.message["In-Reply-To"] for mail in relay.taken] == ["<1@c.test>"] * 2


async def test_repeated_with_its_key_it_goes_out_once(
    out: Sent, answer: Answer, footprint: Footprint
) -> None:
    one, other = await out(), await out()
    first = await answer(one, key="key-1")
    before = await footprint()

    again = await answer(one, key="key-1")
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        await answer(other, key="key-1")

    assert again.id == first.id
    assert await footprint() == before


@pytest.mark.parametrize(
    ("head", "recipients"),
    [
        ("Reply-To: Desk <desk@c.test>\r\n", ["Desk <desk@c.test>"]),
        ("Reply-To: a@c.test, b@c.test\r\n", ["a@c.test", "b@c.test"]),
        ('Reply-To: "Jan, de baas" <j@c.test>\r\n', ['"Jan, de baas" <j@c.test>']),
        ('Reply-To: "a \\"b\\" c" <j@c.test>\r\n', ['"a \\"b\\" c" <j@c.test>']),
        ("Reply-To: =?utf-8?q?Zo=C3=AB?= <z@c.test>\r\n", ["Zoë <z@c.test>"]),
        ("Reply-To: nobody\r\n", ["Jan <jan@customer.test>"]),
        ("Reply-To: jos\xe9@c.test, b@c.test\r\n", ["b@c.test"]),
    ],
)
async def test_answers_go_where_the_author_wants_them(
    receive: Receive, answer: Answer, head: str, recipients: list[str]
) -> None:
    record = await answer(await receive(head=head))

    assert record.recipients == recipients


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Your offer", "Re: Your offer"),
        ("Re: Your offer", "Re: Your offer"),
        ("RE:Your offer", "RE:Your offer"),
        ("Re[2]: Your offer", "Re[2]: Your offer"),
        ("Antw: Offerte", "Antw: Offerte"),
        ("AW: Angebot", "AW: Angebot"),
        ("Regarding: this", "Re: Regarding: this"),
        ("", "Re:"),
        ("{{ secret }}", "Re: {{ secret }}"),
        ("a" * 2000, f"Re: {'a' * 890}"),
        ("=?utf-8?q?a=0D=0ABcc:_b=00?=", "Re: a Bcc: b"),
    ],
)
async def test_the_subject_is_answered_once(
    receive: Receive, answer: Answer, subject: str, answered: str
) -> None:
    record = await answer(await receive(subject=subject))

    assert record.subject == answered


async def test_without_a_mail_of_ours_the_address_that_it_was_sent_to_answers(
    deps: Deps, caller: Caller, receive: Receive, answer: Answer
) -> None:
    theirs = await receive()
    default = (await answer(theirs)).sender_email
    for name, sender in (("Desk", "desk@acme.test"), ("All", "@acme.test")):
        relay = {"name": name, "senderEmails": [sender], "smtp": {"host": "127.0.0.1"}}
        account = await provider_accounts.create(deps, caller, parse(CreateProviderAccount, relay))

    record = await answer(theirs)

    assert default == deps.settings.default_sender_email
    assert (record.sender_email, record.account_id) == ("crm@acme.test", account.id)


@pytest.mark.parametrize("sender", ["jan", "jos\xe9@c.test", ""])
async def test_where_nobody_can_be_answered_recipients_must_be_given(
    receive: Receive, answer: Answer, sender: str, footprint: Footprint
) -> None:
    theirs = await receive(sender=sender)
    before = await footprint()

    with pytest.raises(InvalidInputError, match="recipients: is required"):
        await answer(theirs)

    assert await footprint() == before
    assert (await answer(theirs, recipients=["jan@c.test"])).recipients == ["jan@c.test"]


async def test_mail_to_a_list_is_answered_to_who_is_named(
    deps: Deps, caller: Caller, send: Sent, answer: Answer
) -> None:
    named = parse(recipient_lists.CreateRecipientList, {"name": "Customers"})
    customers = await recipient_lists.create(deps, caller, named)
    await list_members.add(deps, caller, str(customers.id), [{"email": "jan@c.test"}])
    record = await send({"recipients": [], "recipientListId": str(customers.id)})
    await fanout.fan_out(deps, str(record.id))
    await Communication.get_motor_collection().update_one(
        {"_id": record.id}, {"$set": {"sentAt": deps.now(), "status": "SENT"}}
    )

    with pytest.raises(InvalidInputError, match="recipients: is required"):
        await answer(record)

    answered = await answer(record, recipients=["jan@c.test"])
    assert (answered.recipient_list_id, answered.recipients) == (None, ["jan@c.test"])


async def test_what_is_not_out_yet_cannot_be_answered(
    send: Sent, answer: Answer, footprint: Footprint
) -> None:
    record = await send()
    before = await footprint()

    with pytest.raises(ConflictError, match="PENDING is not out yet"):
        await answer(record)

    assert await footprint() == before


async def test_unknown_mails_and_those_of_others_are_not_found(
    out: Sent, receive: Receive, answer: Answer, footprint: Footprint
) -> None:
    ours, theirs = await out(), await receive()
    before = await footprint()
    rival = Caller(tenant="rival", user="mallory", scopes=frozenset())

    for target in (ours, theirs):
        with pytest.raises(NotFoundError):
            await answer(target, by=rival)
        with pytest.raises(NotFoundError):
            await answer(target.model_copy(update={"id": "x"}))

    assert await footprint() == before


async def test_bad_input_is_told_and_nothing_stored(
    out: Sent, answer: Answer, footprint: Footprint
) -> None:
    ours = await out()
    before = await footprint()

    for fields, fault in (
        ({"body": " "}, "body: must not be blank"),
        ({"recipients": ["jan"]}, r"recipients\[0\]: The address has no @-sign"),
        ({"scheduledAt": "2019-08-24T14:15:22Z"}, "scheduledAt: must be in the future"),
    ):
        with pytest.raises(InvalidInputError, match=fault):
            await answer(ours, **fields)

    assert await footprint() == before
