"""Where the mail of people ends: each where one would look for it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.origins import Origin
from app.documents.vocabulary import EventType
from app.services import delivery, sending
from app.services.inbound import ingest
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
BOSS = "The boss <boss@elsewhere.test>"
PIET = "Piet <piet@customer.test>"
ENTITY = {"relatedEntityType": "deal", "relatedEntityId": "42"}


@pytest.fixture
def there(deps: Deps) -> Deps:
    """`deps` with a domain for answers."""
    settings = deps.settings.model_copy(update={"inbound_domain": "in.acme.test"})
    return replace(deps, settings=settings)


@pytest.fixture
async def offer(there: Deps, dispatched: Dispatched, stored: Stored) -> Communication:
    """Went to Jan, with Piet in Cc and the boss in Bcc."""
    fields = {**ENTITY, "cc": ["piet@customer.test"], "bcc": ["boss@elsewhere.test"]}
    return await stored((await dispatched(fields, over=there)).id)


@pytest.fixture
def at(there: Deps, relay: Relay) -> Callable[[], str]:
    """The address for answers to the latest mail."""
    return lambda: str(relay.taken[-1].message["Reply-To"]).partition("<")[2].rstrip(">")


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "of a blind recipient": ("", {"sender": BOSS, "in_reply_to": "OFFER"}),
    "of a blind recipient, by References only": ("", {"sender": BOSS, "references": "OFFER"}),
    "of a colleague who had a copy": ("", {"sender": PIET, "in_reply_to": "OFFER"}),
    "of a colleague whom nobody wrote to": (
        "", {"sender": "Kim <kim@customer.test>", "in_reply_to": "<lost@c.test>",
             "references": "OFFER <lost@c.test>"},
    ),
    "from a colleague's address, in Jan's name": (
        "", {"sender": "Jan <secretary@customer.test>", "in_reply_to": "OFFER"},
    ),
    "under another subject": ("", {"subject": "Holidays", "in_reply_to": "OFFER"}),
    "that was forwarded, and answered by whom it was forwarded to": (
        "", {"sender": "Kim <kim@elsewhere.test>", "subject": "RE: FW: Your offer",
             "in_reply_to": "<forward@c.test>", "references": "OFFER <forward@c.test>"},
    ),
    "a forward to another address of ours": (
        "To: boss@acme.test\r\n", {"subject": "Fwd: Your offer", "references": "OFFER"},
    ),
    "by a program that loses ids, at the address for answers": ("To: ADDRESS\r\n", {}),
    "of whom it was forwarded to, at the address for answers": (
        "Cc: ADDRESS\r\n", {"sender": "Kim <kim@elsewhere.test>", "subject": "A question"},
    ),
    "of a ticket system, which writes of its own": (
        "Delivered-To: ADDRESS\r\n",
        {"sender": "Desk <desk@customer.test>", "in_reply_to": "<ticket-1@desk.test>"},
    ),
    "at the address for answers in capitals": ("X-Original-To: CAPITALS\r\n", {}),
}  # fmt: skip


@pytest.mark.parametrize(("head", "fields"), CASES.values(), ids=CASES)
async def test_an_answer_stands_with_the_offer(
    there: Deps,
    caller: Caller,
    offer: Communication,
    at: Callable[[], str],
    stored: Stored,
    head: str,
    fields: dict[str, Any],
) -> None:
    filled = {
        name: text.replace("OFFER", str(offer.internet_message_id)) for name, text in fields.items()
    }
    head = head.replace("ADDRESS", at()).replace("CAPITALS", at().upper())

    answer = await ingest(there, caller, head.encode() + message(**filled))

    assert answer.conversation_id == offer.conversation_id
    assert answer.parent_communication_id == offer.id
    assert (answer.related_entity_type, answer.related_entity_id) == ("deal", "42")
    after = await stored(offer.id)
    told = [event.id for event in after.events if event.type is EventType.REPLY]
    assert (told, after.reply_count) == ([str(answer.id)], 1)


async def test_an_answer_that_only_its_envelope_names_us_in(
    there: Deps, caller: Caller, offer: Communication, at: Callable[[], str]
) -> None:
    """A blind copy to the address for answers: no header has it."""
    origin = Origin(recipients=(at(),))

    answer = await ingest(there, caller, message(sender=BOSS), origin=origin)

    assert answer.conversation_id == offer.conversation_id
    assert answer.parent_communication_id == offer.id


OWN: dict[str, tuple[str, dict[str, Any]]] = {
    "the same subject": ("", {"subject": "Re: Your offer"}),
    "the same subject, of who had it": ("", {"subject": "Your offer", "sender": PIET}),
    "an id of somebody else": ("", {"in_reply_to": "<another@acme.test>"}),
    "our address for answers, altered": ("To: ALTERED\r\n", {}),
    "the address for answers of another domain": ("To: ELSEWHERE\r\n", {}),
}  # fmt: skip


@pytest.mark.parametrize(("head", "fields"), OWN.values(), ids=OWN)
async def test_what_proves_nothing_begins_a_conversation(
    there: Deps,
    caller: Caller,
    offer: Communication,
    at: Callable[[], str],
    stored: Stored,
    head: str,
    fields: dict[str, Any],
) -> None:
    local = at().partition("@")[0]
    # Its signature; the last digit says little.
    altered = f"{local[:-2]}{'a' if local[-2] != 'a' else 'b'}{local[-1]}@in.acme.test"
    head = head.replace("ALTERED", altered).replace("ELSEWHERE", f"{local}@in.evil.test")

    mail = await ingest(there, caller, head.encode() + message(**fields))

    assert mail.conversation_id != offer.conversation_id
    assert (mail.parent_communication_id, mail.related_entity_id) == (None, None)
    assert (await stored(offer.id)).reply_count == 0


@pytest.mark.parametrize("sending_number", [1, 2])
async def test_an_answer_to_what_was_sent_twice(
    there: Deps,
    caller: Caller,
    offer: Communication,
    stored: Stored,
    clock: Clock,
    sending_number: int,
) -> None:
    clock.advance(timedelta(hours=1))
    await sending.resend(there, caller, str(offer.id))
    await delivery.dispatch(there, str(offer.id))
    row = await Delivery.of_communication(offer.id, sending_number)
    assert row is not None

    answer = await ingest(there, caller, message(in_reply_to=row.message_id))

    assert answer.conversation_id == offer.conversation_id
    assert answer.parent_communication_id == offer.id
    assert (await stored(offer.id)).reply_count == 1


async def test_a_forward_as_an_attachment_is_a_mail_of_its_own(
    there: Deps, caller: Caller, offer: Communication
) -> None:
    inner = message(in_reply_to=offer.internet_message_id)
    head = (
        b"From: kim@elsewhere.test\r\nMessage-ID: <outer@e.test>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: message/rfc822\r\n\r\n"
    )

    mail = await ingest(there, caller, head + inner)

    assert mail.conversation_id != offer.conversation_id


async def test_the_nearest_of_ours_is_the_one_answered_though_strangers_mail_is_nearer(
    there: Deps, caller: Caller, offer: Communication
) -> None:
    """A mail that lost what it answers was here before the answer to it, which names both."""
    lost = await ingest(there, caller, message("<lost@c.test>", sender=PIET))

    answer = await ingest(
        there,
        caller,
        message("<2@c.test>", in_reply_to="<lost@c.test>", references=offer.internet_message_id),
    )

    assert answer.parent_communication_id == offer.id
    now = await type(lost).of_tenant("acme", str(lost.id))
    assert now is not None
    assert now.conversation_id == answer.conversation_id == offer.conversation_id
