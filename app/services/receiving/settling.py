"""Putting received mail where it belongs, whatever came meanwhile: in the tenant's turn.

Who comes together is looked at together. Of most it shows that they stand where they belong: only
the others are moved, one after the other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from app.context import Deps
from app.documents import conversation_changes, conversations, standings
from app.documents.base import StoreUnavailableError
from app.documents.gathered_received import Landing
from app.documents.inbound_messages import InboundMessage
from app.documents.places import give_places, place_of, places_and_others
from app.documents.replies import record_replies, record_reply
from app.documents.turns import turn
from app.documents.whereabouts import Place

_TURN = "inbound"


async def land(deps: Deps, messages: Sequence[InboundMessage]) -> list[Landing | Exception]:
    """Store messages of one tenant where they belong, and join with them what answers them.

    All that was received before is looked at in the same turn, so nothing need be looked at again.
    Mail of ours, which is stored outside of it, looks for its answers in a turn afterwards.
    """
    tenant = messages[0].tenant_id
    async with turn(tenant, _TURN) as held:
        quiet = await _tried(partial(_placed, tenant), messages)
        stored = await _stored(messages, quiet)
        new = [one for one, is_new in zip(messages, stored, strict=True) if is_new is True]
        flags = [flag is True for flag, is_new in zip(quiet, stored, strict=True) if is_new is True]
        if len(new) < len(messages):
            # They may have been put beside one that is not there.
            flags = await _quiet(tenant, new)
        unmoved = await _settled(deps, new, flags)
    if new and not held.to_its_end:
        # Others may have stored what belongs to these meanwhile.
        unmoved = await settle(deps, new)
    landings = (Landing.SETTLED if flag else Landing.MOVED for flag in unmoved)
    return [next(landings) if one is True else one or Landing.KNOWN for one in stored]


async def _tried(
    ask: Callable[[Sequence[InboundMessage]], Awaitable[Sequence[bool]]],
    messages: Sequence[InboundMessage],
) -> list[bool | Exception]:
    """Ask about all together; where that fails about each alone, for the sake of the others."""
    try:
        return [*await ask(messages)]
    except StoreUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - it is raised where it was asked
        if len(messages) == 1:
            return [error]
        return [flag for one in messages for flag in await _tried(ask, [one])]


async def _stored(
    messages: Sequence[InboundMessage], quiet: Sequence[bool | Exception]
) -> list[bool | Exception]:
    """Store those of which a place is known; the fault of the others stays theirs."""
    known = [one for one, flag in zip(messages, quiet, strict=True) if isinstance(flag, bool)]
    stored = iter(await InboundMessage.store_once(known) if known else [])
    return [next(stored) if isinstance(flag, bool) else flag for flag in quiet]


async def _placed(tenant: str, messages: Sequence[InboundMessage]) -> list[bool]:
    """Give them their places; whether that is all, for each, once they are stored."""
    more, elsewhere = await asyncio.gather(
        give_places(tenant, messages), conversations.where_answered(tenant, _ids(messages))
    )
    for one in messages:
        for id_ in one.answered:
            elsewhere[id_].add(one.conversation_id)
    return [
        not is_more and elsewhere[one.internet_message_id] <= {one.conversation_id}
        for one, is_more in zip(messages, more, strict=True)
    ]


async def settle(deps: Deps, messages: Sequence[InboundMessage]) -> list[bool]:
    """Join messages of one tenant with what they answer and what answers them.

    Tells of each whether it stands where it stood, and so do those that answer it. The records
    that are answered are told; the inbox must still count the conversations where they end.
    """
    tenant = messages[0].tenant_id
    async with turn(tenant, _TURN):
        return await _settled(deps, messages, await _quiet(tenant, messages))


async def _settled(
    deps: Deps, messages: Sequence[InboundMessage], quiet: Sequence[bool]
) -> list[bool]:
    """Move those that are not quiet; what is moved may lead others elsewhere."""
    moved = set[int]()
    rest = [*range(len(messages))]
    while not all(quiet):
        for number, is_quiet in zip(rest, quiet, strict=True):
            if not is_quiet:
                await _settle(deps, messages[number])
                moved.add(number)
        rest = [number for number in rest if number not in moved]
        quiet = await _quiet(messages[0].tenant_id, [messages[number] for number in rest])
    await record_replies([messages[number] for number in rest], now=deps.now())
    return [number not in moved for number in range(len(messages))]


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


def _ids(messages: Sequence[InboundMessage]) -> list[str]:
    return [one.internet_message_id for one in messages if one.internet_message_id is not None]


async def _quiet(tenant: str, messages: Sequence[InboundMessage]) -> list[bool]:
    """Tell of which nothing must be moved; with the questions that one of them would take."""
    places, elsewhere = await asyncio.gather(
        places_and_others(tenant, [one for one in messages if not one.is_placed]),
        conversations.where_answered(tenant, _ids(messages)),
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
