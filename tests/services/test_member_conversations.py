"""Conversations of a list's members, which no record names: they stay what people made of them."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.services import conversation_changes as changes
from app.services import inbound
from app.services.inputs import parse
from tests.fakes.clock import Clock
from tests.fakes.messages import message

Receive = Callable[..., Awaitable[InboundMessage]]
Campaign = Callable[..., Awaitable[tuple[Communication, list[Delivery]]]]
DEAL = {"entityType": "deal", "entityId": "42"}


@pytest.fixture
def receive(deps: Deps, caller: Caller, clock: Clock) -> Receive:
    """Takes in, a minute after the one before, what jan or another answers to a Message-ID."""

    async def ingest(
        number: int, answers: str | None, name: str = "jan", **fields: Any
    ) -> InboundMessage:
        clock.advance(timedelta(minutes=1))
        raw = message(f"<{number}@c.test>", in_reply_to=answers, sender=f"{name}@c.test", **fields)
        return await inbound.ingest(deps, caller, raw)

    return ingest


async def place(received: InboundMessage) -> tuple[str, str | None]:
    """Where a message stands now: its conversation, and the CRM entity."""
    found = await InboundMessage.of_tenant("acme", str(received.id))
    assert found is not None
    return found.conversation_id, found.related_entity_id


async def test_what_a_member_writes_follows_where_its_conversation_was_merged(
    deps: Deps, caller: Caller, campaign: Campaign, receive: Receive
) -> None:
    _, [jan, piet] = await campaign("jan@c.test", "piet@c.test")
    first = await receive(1, jan.message_id)
    other = await receive(2, None, subject="My contract")
    farther = await receive(3, None, subject="My bill")

    await changes.merge(deps, caller, first.conversation_id, other.conversation_id)
    again = await receive(4, jan.message_id)
    await changes.merge(deps, caller, other.conversation_id, farther.conversation_id)
    at_last = await receive(5, jan.message_id)
    of_piet = await receive(6, piet.message_id, "piet")

    assert again.conversation_id == other.conversation_id
    there = farther.conversation_id
    assert [(await place(one))[0] for one in (first, other, again, at_last)] == [there] * 4
    assert of_piet.conversation_id not in {there, first.conversation_id}


async def test_what_is_merged_back_is_there_again(
    deps: Deps, caller: Caller, campaign: Campaign, receive: Receive
) -> None:
    _, [jan] = await campaign("jan@c.test")
    first = await receive(1, jan.message_id)
    other = await receive(2, None, subject="My contract")
    home = first.conversation_id
    await changes.merge(deps, caller, home, other.conversation_id)
    command = parse(changes.SplitConversation, {"messageIds": [str(first.id)]})
    apart = await changes.split(deps, caller, other.conversation_id, command)

    later = await receive(3, jan.message_id)
    await changes.merge(deps, caller, other.conversation_id, apart)
    last = await receive(4, jan.message_id)

    assert later.conversation_id == other.conversation_id
    assert {(await place(one))[0] for one in (first, later, last)} == {apart}


async def test_a_link_holds_for_what_a_member_writes_later(
    deps: Deps, caller: Caller, campaign: Campaign, receive: Receive
) -> None:
    _, [jan, piet] = await campaign(
        "jan@c.test", "piet@c.test", relatedEntityType="campaign", relatedEntityId="7"
    )
    first = await receive(1, jan.message_id)

    await changes.link(deps, caller, first.conversation_id, parse(changes.LinkConversation, DEAL))
    later = await receive(2, jan.message_id)
    of_piet = await receive(3, piet.message_id, "piet")
    await changes.link(deps, caller, first.conversation_id, parse(changes.LinkConversation, {}))
    last = await receive(4, jan.message_id)

    assert (later.related_entity_type, later.related_entity_id) == ("deal", "42")
    assert (of_piet.related_entity_type, of_piet.related_entity_id) == ("campaign", "7")
    assert (last.related_entity_type, last.related_entity_id) == (None, None)


@pytest.mark.parametrize("linked_first", [True, False])
async def test_a_link_holds_where_it_was_merged(
    deps: Deps, caller: Caller, campaign: Campaign, receive: Receive, linked_first: bool
) -> None:
    _, [jan] = await campaign("jan@c.test")
    first = await receive(1, jan.message_id)
    other = await receive(2, None, subject="My contract")
    link = parse(changes.LinkConversation, DEAL)
    if linked_first:
        await changes.link(deps, caller, other.conversation_id, link)

    await changes.merge(deps, caller, first.conversation_id, other.conversation_id)
    if not linked_first:
        await changes.link(deps, caller, other.conversation_id, link)
    later = await receive(3, jan.message_id)

    assert await place(later) == (other.conversation_id, "42")


async def test_list_mail_that_was_moved_still_knows_its_members(
    deps: Deps, caller: Caller, campaign: Campaign, receive: Receive
) -> None:
    record, [jan] = await campaign("jan@c.test")
    first = await receive(1, jan.message_id)
    other = await receive(2, None, subject="Something")

    await changes.merge(deps, caller, record.conversation_id, other.conversation_id)
    moved = await Communication.shown("acme", str(record.id))
    later = await receive(3, jan.message_id)

    assert moved is not None
    assert moved.conversation_id == other.conversation_id
    assert later.conversation_id == first.conversation_id


@pytest.mark.parametrize("early", [True, False])
async def test_the_order_of_late_evidence_makes_no_difference(
    campaign: Campaign, receive: Receive, early: bool
) -> None:
    """Jan answers the list mail, and with it a mail that comes later."""
    _, [jan] = await campaign("jan@c.test")

    if early:
        other = await receive(1, None, "piet", subject="My contract")
    both = await receive(2, "<1@c.test>", references=jan.message_id)
    if not early:
        other = await receive(1, None, "piet", subject="My contract")
    later = await receive(3, "<2@c.test>")

    assert len({(await place(one))[0] for one in (other, both, later)}) == 1


async def test_others_share_no_standing(
    deps: Deps, caller: Caller, other_tenant: Caller, campaign: Campaign, receive: Receive
) -> None:
    _, [jan] = await campaign("jan@c.test")
    first = await receive(1, jan.message_id)
    raw = message("<o@c.test>")
    mine = await inbound.ingest(deps, other_tenant, raw)
    await changes.link(
        deps, other_tenant, mine.conversation_id, parse(changes.LinkConversation, DEAL)
    )

    later = await receive(2, jan.message_id)

    assert await place(later) == (first.conversation_id, None)
