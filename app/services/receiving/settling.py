"""Putting received mail where it belongs, whatever came meanwhile: in the tenant's turn.

Who comes together is looked at together. Of most it shows that they stand where they belong: only
the others are moved, one after the other.
"""

import asyncio
from collections.abc import Sequence

from app.context import Deps
from app.documents import conversation_changes, conversations, standings
from app.documents.inbound_messages import InboundMessage
from app.documents.places import place_of, places_and_others
from app.documents.replies import record_replies, record_reply
from app.documents.turns import turn
from app.documents.whereabouts import Place

_TURN = "inbound"


async def settle(deps: Deps, messages: Sequence[InboundMessage]) -> list[bool]:
    """Join messages of one tenant with what they answer and what answers them.

    Tells of each whether it stands where it stood, and so do those that answer it. The records
    that are answered are told; the inbox must still count the conversations where they end.
    """
    tenant = messages[0].tenant_id
    async with turn(tenant, _TURN):
        quiet = await _quiet(tenant, messages)
        # What is moved may lead others elsewhere: whoever stands behind it is looked at again.
        first = quiet.index(False) if False in quiet else len(quiet)
        await record_replies(messages[:first], now=deps.now())
        for message in messages[first:]:
            await _settle(deps, message)
    return [True] * first + [False] * (len(messages) - first)


async def settle_answers(deps: Deps, tenant: str, message_id: str) -> None:
    """Put answers to a mail of ours where they belong whose Message-ID is known only now."""
    async with turn(tenant, _TURN):
        answers = await conversations.answers_to(tenant, message_id, outside="")
        settled = [await _settle(deps, answer) for answer in answers]
    ended = {answer.conversation_id for answer in settled}
    await deps.gathered.count_inbox(tenant, ended, now=deps.now())


async def settle_again(deps: Deps, message: InboundMessage) -> InboundMessage:
    """Put a message where it belongs of which more is known now; how it stands then."""
    async with turn(message.tenant_id, _TURN):
        return await _settle(deps, message)


async def _quiet(tenant: str, messages: Sequence[InboundMessage]) -> list[bool]:
    """Tell of which nothing must be moved; with the questions that one of them would take."""
    ids = [one.internet_message_id for one in messages if one.internet_message_id is not None]
    places, elsewhere = await asyncio.gather(
        places_and_others(tenant, [one for one in messages if not one.is_placed]),
        conversations.where_answered(tenant, ids),
    )
    found = iter(places)
    quiet = []
    for message in messages:
        place, others = (None, False) if message.is_placed else next(found)
        own = message.conversation_id
        is_there = not others and (place is None or place.conversation_id == own)
        quiet.append(is_there and elsewhere[message.internet_message_id] <= {own})
    return quiet


async def _settle(deps: Deps, message: InboundMessage) -> InboundMessage:
    """Join it with what it answers and with what answers it, and tell the record it answers.

    Each join leaves one conversation less, so this ends.
    """
    while moves := await _moves(message):
        for mover, place in moves:
            await _join(deps, mover, place)
        message = await InboundMessage.of_tenant(message.tenant_id, str(message.id)) or message
    if message.parent_communication_id is not None:
        await record_reply(message, message.parent_communication_id, now=deps.now())
    return message


async def _moves(message: InboundMessage) -> list[tuple[InboundMessage, Place]]:
    """Find which messages must belong elsewhere for this one's sake; none that a user placed."""
    own = message.conversation_id
    place = None if message.is_placed else await place_of(message)
    if place is not None and place.conversation_id != own:
        return [(message, place)]
    if place is not None and (others := await _open_ones(await conversations.answered_by(message))):
        return [(one, Place.of(message)) for one in others]
    if message.internet_message_id is None:
        return []
    answers = await conversations.answers_to(
        message.tenant_id, message.internet_message_id, outside=own
    )
    if not answers:
        return []
    # One that answers a record of ours too stays where that is.
    loose = [one for one in answers if one.parent_communication_id is None]
    place = Place.of(message)
    is_fixed = place.parent is not None or message.is_placed
    places = [] if is_fixed else [Place.of(one) for one in await _open_ones(answers)]
    if places:
        place = next((one for one in places if one.parent is not None), places[0])
        loose.append(message)
    return [(one, place) for one in loose if one.conversation_id != place.conversation_id]


async def _open_ones(messages: Sequence[InboundMessage]) -> list[InboundMessage]:
    """Leave out those in conversations in which a user had a hand."""
    return [
        one
        for one in messages
        if not await conversation_changes.holds_placed(one.tenant_id, one.conversation_id)
    ]


async def _join(deps: Deps, message: InboundMessage, place: Place) -> None:
    """Let a message become part of another conversation, and tell the record answered there.

    Its whole conversation goes with it, unless a user had a hand in that.
    """
    tenant, left = message.tenant_id, message.conversation_id
    if await conversation_changes.holds_placed(tenant, left):
        await conversations.move_alone(message, place)
    else:
        if place.parent is not None:
            # Before they move, so that a crash in between leaves them to be found again.
            for reply in await conversations.answering_none(tenant, left):
                await record_reply(reply, place.parent, now=deps.now())
        if await conversations.answers_ours(tenant, left):
            await standings.note_move(tenant, left, place.conversation_id, now=deps.now())
        await conversations.merge(tenant, left, place)
