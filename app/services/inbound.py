"""Receiving: one path for every door, from a message's octets to its place in a conversation.

Mail arrives in any order and several at a time. So whoever is stored looks afterwards, in its
turn, whether what it answers, or what answers it, came meanwhile.
"""

import asyncio
from collections.abc import Collection, Mapping
from functools import partial
from uuid import uuid4

import structlog

from app.context import Caller, Deps
from app.documents import origins
from app.documents.calendar_events import CalendarEvent
from app.documents.catalogues import INBOUND_MESSAGES
from app.documents.communications import Event
from app.documents.gathered_received import Landing
from app.documents.inbound_messages import RAW_INLINE_LIMIT, InboundMessage
from app.documents.origins import HANDED_IN, Origin
from app.documents.vocabulary import EventType
from app.documents.whereabouts import Place
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.mail.kinds import InboundKind
from app.services import follow_ups, provider_events
from app.services.connections import EVERYTHING, ListCommand, Needs, Part, listed
from app.services.receiving import addresses, attachments, identity
from app.services.receiving.reading import LARGE, Mail, read
from app.services.receiving.settling import land, settle
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
    message, landing = await _kept(deps, caller, mail, origin, raw)
    await leaving.leave_by_mail(deps, message)
    if landing is Landing.KNOWN:
        await origins.learn(message, origin)
        await deps.gathered.received.settle(message, partial(settle, deps))
    settled = message
    if landing is not Landing.SETTLED or message.leaving_id is not None:
        settled = await InboundMessage.shown(caller.tenant, str(message.id)) or message
    if mail.report is not None:
        await provider_events.keep_report(deps, message)
    # What begins a conversation finds no mail waiting in it.
    if settled.tells_of_another or landing is not Landing.SETTLED:
        await follow_ups.call_off(deps, settled)
    # Last: what is not counted is finished by a sweep, should nobody deliver it again.
    await deps.gathered.count_inbox(caller.tenant, [settled.conversation_id], now=deps.now())
    return settled


async def _kept(
    deps: Deps, caller: Caller, mail: Mail, origin: Origin, raw: bytes
) -> tuple[InboundMessage, Landing]:
    """Give the message as it is kept, and whether that is by this delivery."""
    key = identity.key_of(mail.parsed.message_id, raw)
    if origin.fetch_error is None and len(raw) <= RAW_INLINE_LIMIT:
        # Most are new, and storing one tells whether it is.
        message = await made(deps, caller, mail, origin, raw, key=key)
        landing = await _landed(deps, message, raw)
        if landing is not Landing.KNOWN:
            return message, landing
    while True:
        known, key = await identity.known(
            caller.tenant,
            origin,
            message_id=mail.parsed.message_id,
            fingerprint=mail.fingerprint,
            raw=raw,
        )
        if known is not None and (known.fetch_error is None or origin.fetch_error is not None):
            return known, Landing.KNOWN
        message = await made(deps, caller, mail, origin, raw, key=key)
        if known is not None:
            # Only what was told of it is there.
            return await known.complete(message, raw) or known, Landing.KNOWN
        landing = await _landed(deps, message, raw)
        if landing is not Landing.KNOWN:
            return message, landing
        # Delivered twice at the same time: the other was first.


async def made(
    deps: Deps, caller: Caller, mail: Mail, origin: Origin, raw: bytes, *, key: str
) -> InboundMessage:
    """Make it, with its files, as the beginning of a conversation of its own."""
    message = _message(deps, caller, mail, origin, key=key)
    # Before the message: what nobody names is removed after a while, what is named never lacks.
    files = await attachments.keep(deps, caller.tenant, raw, mail.files)
    message.give_files(files, omitted=mail.files.omitted)
    message.calendar = None if mail.calendar is None else CalendarEvent.of(mail.calendar)
    return message


async def _landed(deps: Deps, message: InboundMessage, raw: bytes) -> Landing:
    """Store it where it belongs, unless the tenant has it already."""
    stored = await message.outsourced(raw)
    landing = await deps.gathered.received.land(stored, partial(land, deps))
    if landing is Landing.KNOWN:
        await stored.drop_files()
        return landing
    message.raw_id, message.content_id = stored.raw_id, stored.content_id
    Place.of(stored).give(message)
    log.info("inbound.kept", inbound_id=str(message.id))
    return landing


def _message(
    deps: Deps,
    caller: Caller,
    mail: Mail,
    origin: Origin,
    *,
    key: str,
) -> InboundMessage:
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
        # Without one, whatever has its Message-ID is taken for it.
        fingerprint=mail.fingerprint or None,
        parse_fault=" ".join(mail.faults) or None,
        recipient_count=parsed.recipient_count if parsed.has_more_recipients else None,
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
