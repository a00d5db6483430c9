"""Receiving: one path for every door, from a message's octets to its place in a conversation.

Mail arrives in any order and several at a time. So whoever is stored looks afterwards, in its
turn, whether what it answers, or what answers it, came meanwhile.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from uuid import uuid4

import structlog

from app.context import Caller, Deps
from app.documents import conversation_changes, conversations, origins, standings
from app.documents.catalogues import INBOUND_MESSAGES
from app.documents.communications import Event
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import HANDED_IN, Origin
from app.documents.places import Place, place_of
from app.documents.replies import record_reply
from app.documents.turns import turn
from app.documents.vocabulary import EventType
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.mail.kinds import InboundKind
from app.services import follow_ups, provider_events
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.receiving import addresses, attachments, identity
from app.services.receiving.reading import LARGE, Mail, read
from app.services.unsubscribing import leaving

log = structlog.get_logger()


async def ingest(
    deps: Deps, caller: Caller, raw: bytes, *, origin: Origin = HANDED_IN
) -> InboundMessage:
    """Keep a received message (RFC 5322 octets) and put it where it belongs.

    It is one message however often it is delivered: by its provider's id, by its Message-ID and
    what it says, by its octets when it has no id; what comes again gives the one that is kept,
    which learns that it came by this way too, and what it lacked. Whatever it is that came, it is
    kept; what answers nothing we know begins a conversation of its own.

    Every step can be done again: a delivery that was cut off is completed by the next.

    Raises InvalidInputError for no octets, PayloadTooLargeError for too many.
    """
    limit = deps.settings.inbound_limit
    if not raw:
        raise InvalidInputError.of(FieldError("raw", "must not be empty"))
    if len(raw) > limit:
        fault = FieldError("raw", f"must be at most {limit} octets")
        raise PayloadTooLargeError(f"{fault.path}: {fault.message}", fields=[fault])
    mail = await asyncio.to_thread(read, raw) if len(raw) > LARGE else read(raw)
    message = await _kept(deps, caller, mail, origin, raw)
    await leaving.leave_by_mail(deps, message)
    await origins.learn(message, origin)
    async with turn(caller.tenant, "inbound"):
        await _settle(deps, message)
        settled = await InboundMessage.shown(caller.tenant, str(message.id)) or message
    await deps.gathered.count_inbox(caller.tenant, [settled.conversation_id], now=deps.now())
    if mail.report is not None:
        await provider_events.keep_report(deps, message)
    await follow_ups.call_off(deps, settled)
    return settled


async def _kept(
    deps: Deps, caller: Caller, mail: Mail, origin: Origin, raw: bytes
) -> InboundMessage:
    """Give the message as it is kept, by this delivery or an earlier one."""
    while True:
        known, key = await identity.known(
            caller.tenant,
            origin,
            message_id=mail.parsed.message_id,
            fingerprint=mail.fingerprint,
            raw=raw,
        )
        if known is not None and (known.fetch_error is None or origin.fetch_error is not None):
            return known
        message = _message(deps, caller, mail, origin, key=key)
        # Before the message: what nobody names is removed after a while, what is named never lacks.
        files = await attachments.keep(deps, caller.tenant, raw, mail.files)
        message.give_files(files, omitted=mail.files.omitted)
        place = await place_of(message)
        if place is not None:
            place.give(message)
        if known is not None:
            # Only what was told of it is there.
            return await known.complete(message, raw) or known
        if await message.store(raw):
            log.info("inbound.kept", inbound_id=str(message.id), matched=place is not None)
            return message
        # Delivered twice at the same time: the other was first.


def _message(
    deps: Deps,
    caller: Caller,
    mail: Mail,
    origin: Origin,
    *,
    key: str,
) -> InboundMessage:
    """Make it as the beginning of a conversation of its own."""
    parsed, now = mail.parsed, deps.now()
    sender = parsed.sender
    named = (
        *origin.recipients,
        *parsed.delivered_to,
        *(mailbox.address for mailbox in (*parsed.to, *parsed.cc)),
    )
    left = leaving.mail_in(deps.settings, caller.tenant, named)
    # The provider, or the tenant's own server, told it; but no mail was received in the future.
    received = min(origin.taken_at or parsed.received or now, now)
    return InboundMessage(
        tenant_id=caller.tenant,
        key=key,
        subject=parsed.subject,
        from_email="" if sender is None else sender.address,
        from_name=None if sender is None else sender.name,
        recipients=[mailbox.address for mailbox in parsed.to],
        cc=[mailbox.address for mailbox in parsed.cc],
        body_html=parsed.html,
        body_text=parsed.text,
        conversation_id=uuid4().hex,
        internet_message_id=parsed.message_id,
        in_reply_to=next(iter(parsed.in_reply_to), None),
        answered=mail.answered,
        answered_delivery_id=addresses.delivery_in(deps.settings, caller.tenant, named),
        leaving_id=left,
        fingerprint=mail.fingerprint,
        # A report of it is none.
        kind=mail.kind if left is None or mail.report is not None else InboundKind.UNSUBSCRIBE,
        date=parsed.date,
        received_at=received,
        events=[Event(type=EventType.CREATE, date=now, author_id=caller.user)],
        created=now,
        created_by=caller.user,
        updated=now,
        updated_by=caller.user,
        **origins.told(origin),
    )


async def messages_of(
    caller: Caller, command: ListCommand, needs: Needs = EVERYTHING
) -> Part[InboundMessage]:
    """Give a part of the caller's messages, the latest first unless an order is named."""
    return await listed(caller, INBOUND_MESSAGES, command, needs)


async def messages_with_ids(
    caller: Caller, ids: Collection[str], *, without: Collection[str]
) -> Mapping[str, InboundMessage | Exception]:
    """Give the caller's messages by their ids, whole but for the stored fields `without`.

    One whose body is lost is an error in place of itself.
    """
    found = await InboundMessage.with_ids(caller.tenant, ids, without=without)
    return await InboundMessage.load_contents(found)


async def settle_answers(deps: Deps, tenant: str, message_id: str) -> None:
    """Put answers to a mail of ours where they belong whose Message-ID is known only now."""
    async with turn(tenant, "inbound"):
        for answer in await conversations.answers_to(tenant, message_id, outside=""):
            await _settle(deps, answer)


async def _settle(deps: Deps, message: InboundMessage) -> None:
    """Join it with what it answers and with what answers it, and tell the record it answers.

    Each join leaves one conversation less, so this ends.
    """
    while moves := await _moves(message):
        for mover, place in moves:
            await _join(deps, mover, place)
        message = await InboundMessage.of_tenant(message.tenant_id, str(message.id)) or message
    if message.parent_communication_id is not None:
        await record_reply(message, message.parent_communication_id, now=deps.now())


async def _moves(message: InboundMessage) -> list[tuple[InboundMessage, Place]]:
    """Find which messages must belong elsewhere for this one's sake; none that a user placed."""
    own = message.conversation_id
    place = None if message.is_placed else await place_of(message)
    if place is not None and place.conversation_id != own:
        return [(message, place)]
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
    places = [] if place.parent is not None or message.is_placed else await _open(answers)
    if places:
        place = next((one for one in places if one.parent is not None), places[0])
        loose.append(message)
    return [(one, place) for one in loose if one.conversation_id != place.conversation_id]


async def _open(answers: Sequence[InboundMessage]) -> list[Place]:
    """Where these stand, but for conversations in which a user had a hand."""
    return [
        Place.of(answer)
        for answer in answers
        if not await conversation_changes.holds_placed(answer.tenant_id, answer.conversation_id)
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
    await deps.gathered.count_inbox(tenant, [left, place.conversation_id], now=deps.now())
