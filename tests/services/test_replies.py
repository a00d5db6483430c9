"""Where an answer goes, under which subject, and in which thread mail clients show it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import CommunicationStatus, CommunicationType, ProviderType
from app.errors import ConflictError, InvalidInputError, NotFoundError
from app.mail.reply_addresses import reply_address
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
from tests.world import GRAPH

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
    # Of what else answers the same it says nothing.
    assert written["References"].split() == [ours.internet_message_id, "<1@c.test>"]


async def test_mail_whose_ids_no_header_can_hold_is_answered(
    deps: Deps, receive: Receive, answer: Answer, relay: Relay
) -> None:
    theirs = await receive("<a\0b c@c.test>", references="<1@c.test> <2\0@c.test>")

    await delivery.dispatch(deps, str((await answer(theirs)).id))

    written = relay.taken[-1].message
    assert written["References"].split()[0] == "<1@c.test>"
    assert "\0" not in str(written)


async def test_the_whole_way_back_is_told(
    deps: Deps, out: Sent, receive: Receive, answer: Answer, relay: Relay
) -> None:
    ours = await out()
    root = str(ours.internet_message_id)
    theirs = await receive("<1@c.test>", in_reply_to=root)
    record = await answer(theirs)
    await delivery.dispatch(deps, str(record.id))
    second = relay.taken[-1].message["Message-ID"]
    # Its program names the mail before it, and nothing else.
    again = await receive("<2@c.test>", in_reply_to=second)
    ids = [f"<{number}@c.test>" for number in range(3, 40)]
    for before, id_ in pairwise(["<2@c.test>", *ids]):
        latest = await receive(id_, in_reply_to=before, references=before)

    told = []
    for one in (again, latest):
        await delivery.dispatch(deps, str((await answer(one)).id))
        told.append(relay.taken[-1].message["References"].split())

    assert told == [[root, second, "<2@c.test>"], [root, "<38@c.test>", "<39@c.test>"]]


async def test_an_answer_names_the_first_and_the_last_twenty(
    deps: Deps, receive: Receive, answer: Answer, relay: Relay
) -> None:
    ids = [f"<{number}@c.test>" for number in range(60)]
    theirs = await receive("<60@c.test>", in_reply_to=ids[-1], references=" ".join(ids))

    await delivery.dispatch(deps, str((await answer(theirs)).id))

    written = relay.taken[-1].message["References"].split()
    assert written == [ids[0], *ids[-19:], "<60@c.test>"]


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
        ("AW: Re: Angebot", "Re: Angebot"),
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


@pytest.mark.parametrize(
    ("head", "recipients", "cc"),
    [
        ("", ["Jan <jan@customer.test>"], ["piet@customer.test"]),
        ("To: eve@c.test, crm@acme.test\r\n",
         ["Jan <jan@customer.test>", "eve@c.test"], ["piet@customer.test"]),
        ("Cc: SALES@acme.test, desk@acme.test, JAN@customer.test, colleague@acme.test\r\n",
         ["Jan <jan@customer.test>"], ["colleague@acme.test", "piet@customer.test"]),
        ("Reply-To: list@c.test\r\nTo: TOKEN\r\n", ["list@c.test"], ["piet@customer.test"]),
        ("Reply-To: TOKEN\r\n", ["Jan <jan@customer.test>"], ["piet@customer.test"]),
        ("To: no mail, @c.test, d@e.test\r\n",
         ["Jan <jan@customer.test>", "d@e.test"], ["piet@customer.test"]),
    ],
    ids=["cc", "to", "own", "reply-to", "our token", "bad"],
)  # fmt: skip
async def test_everybody_is_answered_but_ourselves(
    deps: Deps,
    caller: Caller,
    account: Any,
    out: Sent,
    relay: Relay,
    head: str,
    recipients: list[str],
    cc: list[str],
) -> None:
    settings = deps.settings.model_copy(update={"inbound_domain": "in.acme.test"})
    there = replace(deps, settings=settings)
    await account("Desk", senderEmails=["desk@acme.test", "@acme.test"], port=relay.port)
    ours = await out({"senderEmail": "Sales@acme.test"})
    key = settings.reply_keys[0]
    token = reply_address(key, tenant="acme", delivery_id="0" * 24, domain="in.acme.test")
    raw = head.replace("TOKEN", token).encode() + message(in_reply_to=ours.internet_message_id)
    theirs = await inbound.ingest(there, caller, raw)

    target = parse(ReplyTarget, {"inboundMessageId": str(theirs.id)})
    record, alone = [
        await replies.reply(
            there, caller, target, parse(Reply, {"body": "<p>Thanks</p>", "replyAll": everybody})
        )
        for everybody in (True, False)
    ]

    assert (record.recipients, record.cc) == (recipients, cc)
    assert (alone.cc, alone.recipients[0]) == ([], recipients[0])


async def test_what_we_wrote_ourselves_is_answered_to_whom_we_wrote(
    receive: Receive, answer: Answer
) -> None:
    copy = await receive(sender="Acme <crm@acme.test>", head="To: jan@customer.test\r\n")

    record, all_of_them = await answer(copy), await answer(copy, replyAll=True)

    assert (record.recipients, record.cc) == (["jan@customer.test"], [])
    assert (all_of_them.recipients, all_of_them.cc) == (
        ["jan@customer.test"], ["piet@customer.test"],
    )  # fmt: skip


async def test_an_answer_goes_by_the_account_its_conversation_runs_on(
    deps: Deps,
    caller: Caller,
    out: Sent,
    receive: Receive,
    answer: Answer,
    account: Any,
    relay: Relay,
) -> None:
    first = await account("First", port=relay.port)
    ours = await out({"senderEmail": "jan@acme.test", "providerType": "SMTP"})
    assert ours.account_id == first.id
    theirs = await receive("<1@c.test>", in_reply_to=ours.internet_message_id)
    by_sender = await account("Second", senderEmails=["jan@acme.test"])

    went = [await answer(one) for one in (ours, theirs)]
    chosen = await answer(theirs, senderEmail="jan@acme.test")
    await ProviderAccount.get_motor_collection().delete_one({"_id": first.id})
    after = await answer(theirs)

    assert [one.account_id for one in went] == [first.id, first.id]
    assert [one.sender_email for one in went] == ["jan@acme.test"] * 2
    assert chosen.account_id == by_sender.id
    assert (after.account_id, after.sender_email) == (by_sender.id, "jan@acme.test")


async def test_what_a_mailbox_received_is_answered_by_it(
    deps: Deps, caller: Caller, account: Any, answer: Answer
) -> None:
    await account("Relay")
    box = await account("Box", graph={**GRAPH, "mailbox": "box@acme.test"})
    origin = Origin(provider=ProviderType.GRAPH, account_id=box.id, mailbox="box@acme.test")
    theirs = await inbound.ingest(deps, caller, message(), origin=origin)

    record, other = await answer(theirs), await answer(theirs, providerType="SMTP")

    assert (record.account_id, record.provider_type) == (box.id, ProviderType.GRAPH)
    assert record.sender_email == "box@acme.test"
    assert other.provider_type is ProviderType.SMTP


async def test_a_member_of_a_list_is_answered_in_a_conversation_of_its_own(
    deps: Deps, caller: Caller, answer: Answer, relay: Relay, receive: Receive, campaign: Any
) -> None:
    record, rows = await campaign("jan@c.test", "piet@c.test")
    theirs = [
        await receive(f"<{number}@c.test>", sender=f"{name}@c.test", in_reply_to=row.message_id)
        for number, (name, row) in enumerate(zip(("jan", "piet"), rows, strict=True))
    ]

    answers = [await answer(one) for one in theirs]
    for one in answers:
        await delivery.dispatch(deps, str(one.id))
    again = await receive("<9@c.test>", in_reply_to=relay.taken[-1].message["Message-ID"])

    assert [one.recipients for one in answers] == [["jan@c.test"], ["piet@c.test"]]
    assert [one.conversation_id for one in answers] == [one.conversation_id for one in theirs]
    assert len({record.conversation_id, *(one.conversation_id for one in theirs)}) == 3
    assert again.conversation_id == theirs[1].conversation_id
    written = relay.taken[-1].message
    assert written["References"].split() == [rows[1].message_id, "<1@c.test>"]


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
