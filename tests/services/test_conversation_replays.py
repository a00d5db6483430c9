"""Conversations as people have them, received in any order: they end in the same threads."""

import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.vocabulary import EventType
from app.services import delivery, sending
from app.services.inbound import ingest
from tests.fakes.clock import Clock
from tests.fakes.messages import message

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]

JAN, PIET = "Jan <jan@customer.test>", "Piet <piet@customer.test>"
KIM, EVE = "Kim <kim@elsewhere.test>", "Eve <eve@stranger.test>"


def exchange(offer: str, again: str, bill: str) -> dict[str, bytes]:
    """What came of an offer, of the same sent again, and of a bill; by a name for each.

    Jan answers and asks again; Piet, who had a copy, answers Jan from his own address; Kim was
    forwarded it and answers under another subject; Jan is away; Eve writes a mail of the same
    subject that answers nothing, and answers the bill; mail servers lose In-Reply-To here and
    References there.
    """
    return {
        "jan": message("<jan1@c.test>", sender=JAN, in_reply_to=offer, references=offer),
        "jan again": message(
            "<jan2@c.test>",
            sender=JAN,
            in_reply_to="<jan1@c.test>",
            references=f"{offer} <jan1@c.test>",
        ),
        "piet": message("<piet1@c.test>", sender=PIET, in_reply_to="<jan1@c.test>"),
        "piet to piet": message("<piet2@c.test>", sender=PIET, in_reply_to="<piet1@c.test>"),
        "forwarded": message(
            "<jan3@c.test>",
            sender=JAN,
            subject="Fwd: Your offer",
            references=f"{offer} <jan1@c.test>",
        ),
        "kim": message(
            "<kim1@e.test>",
            sender=KIM,
            subject="About the price",
            in_reply_to="<jan3@c.test>",
            references="<jan3@c.test>",
        ),
        "jan to the second": message("<jan4@c.test>", sender=JAN, in_reply_to=again),
        "away": b"Auto-Submitted: auto-replied\r\n"
        + message(
            "<away@c.test>", sender=JAN, subject="Automatic reply: Your offer", in_reply_to=offer
        ),
        "same subject": message("<eve1@s.test>", sender=EVE),
        "eve to herself": message("<eve2@s.test>", sender=EVE, in_reply_to="<eve1@s.test>"),
        "bill": message("<eve3@s.test>", sender=EVE, subject="Re: Your bill", references=bill),
        "bill again": message("<eve4@s.test>", sender=EVE, in_reply_to="<eve3@s.test>"),
    }


OF_THE_OFFER = {
    "jan", "jan again", "piet", "piet to piet", "forwarded", "kim", "jan to the second", "away",
}  # fmt: skip
OF_EVE = {"same subject", "eve to herself"}
OF_THE_BILL = {"bill", "bill again"}


@pytest.mark.parametrize("seed", range(12))
async def test_it_ends_in_the_same_threads(
    deps: Deps, caller: Caller, dispatched: Dispatched, stored: Stored, clock: Clock, seed: int
) -> None:
    offer = await dispatched({"cc": ["piet@customer.test"]})
    bill = await dispatched({"recipients": ["eve@stranger.test"], "subject": "Your bill"})
    first = (await stored(offer.id)).internet_message_id or ""
    clock.advance(timedelta(minutes=1))
    await sending.resend(deps, caller, str(offer.id))
    await delivery.dispatch(deps, str(offer.id))
    again = await Delivery.of_communication(offer.id, 2)
    assert again is not None
    of_bill = (await stored(bill.id)).internet_message_id or ""
    came = list(exchange(first, again.message_id, of_bill).items())
    random.Random(seed).shuffle(came)  # noqa: S311 - an order, no secret

    kept: dict[str, InboundMessage] = {}
    for name, raw in came:
        clock.advance(timedelta(minutes=1))
        kept[name] = await ingest(deps, caller, raw)

    now = {name: await _now(one) for name, one in kept.items()}
    threads: dict[str, set[str]] = {}
    for name, one in now.items():
        threads.setdefault(one.conversation_id, set()).add(name)
    assert threads[offer.conversation_id] == OF_THE_OFFER
    assert threads[bill.conversation_id] == OF_THE_BILL
    assert sorted(map(sorted, threads.values())) == sorted(
        map(sorted, (OF_THE_OFFER, OF_EVE, OF_THE_BILL))
    )
    for record, names in ((offer, OF_THE_OFFER - {"away"}), (bill, OF_THE_BILL)):
        after = await stored(record.id)
        told = {event.id for event in after.events if event.type is EventType.REPLY}
        assert told == {str(kept[name].id) for name in names}
        assert after.reply_count == len(names)
    entries = await InboxEntry.of_conversations("acme", list(threads))
    assert {id_: entry.received for id_, entry in entries.items()} == {
        id_: len(names) for id_, names in threads.items()
    }
    assert await InboxEntry.get_motor_collection().count_documents({}) == len(threads)


async def _now(message: InboundMessage) -> Any:
    return await InboundMessage.of_tenant(message.tenant_id, str(message.id))
