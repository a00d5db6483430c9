"""Mail as people look at it: as one exchange, or as the history of a CRM entity."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.context import Caller
from app.documents import conversations as documents
from app.documents import timelines
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.timelines import Entry, Timeline
from app.documents.vocabulary import Direction
from app.errors import FieldError, InvalidInputError
from app.services.connections import EVERYTHING, Needs, Part, PartCommand, part_by
from app.services.records import record_of


@dataclass(frozen=True)
class Thread:
    """Both directions of a conversation, each oldest first."""

    inbound: Sequence[InboundMessage]
    outbound: Sequence[Communication]


@dataclass(frozen=True)
class TimelineEntry:
    """One mail of an entity. `status` is that of its own kind; `opened` is false for INBOUND."""

    mail: Entry
    id: str
    direction: Direction
    date: datetime
    status: str
    subject: str | None
    from_email: str | None
    from_name: str | None
    recipients: Sequence[str]
    cc: Sequence[str]
    body_html: str | None
    body_text: str | None
    opened: bool
    conversation_id: str | None


async def thread(caller: Caller, id_: str) -> Thread:
    """Give the conversation of a communication; of each direction its latest 2000.

    Raises NotFoundError for unknown ids and other tenants' alike.
    """
    conversation = (await record_of(caller, id_)).conversation_id
    outbound = await documents.outbound_of(caller.tenant, conversation)
    inbound = await documents.inbound_of(caller.tenant, conversation)
    return Thread(
        inbound=sorted(inbound, key=lambda message: (message.received_at, message.id)),
        outbound=sorted(outbound, key=lambda record: (_date(record), record.id)),
    )


async def timeline(caller: Caller, entity_type: str, entity_id: str) -> Sequence[TimelineEntry]:
    """Give all mail of a CRM entity, newest first; of each direction its latest 2000.

    Outbound mail is HTML and shows no `bodyText`. Raises InvalidInputError for what is blank.
    """
    entity_type, entity_id = _entity(entity_type, entity_id)
    outbound = await documents.outbound_about(caller.tenant, entity_type, entity_id)
    inbound = await documents.inbound_about(caller.tenant, entity_type, entity_id)
    entries = [*map(_sent, outbound), *map(_received, inbound)]
    return sorted(entries, key=lambda entry: (entry.date, entry.id), reverse=True)


async def timeline_part(
    caller: Caller,
    entity_type: str,
    entity_id: str,
    command: PartCommand,
    needs: Needs = EVERYTHING,
) -> Part[TimelineEntry]:
    """Give a part of all mail of a CRM entity, newest first, otherwise as `timeline`.

    Raises InvalidInputError as `part_of` does, too.
    """
    timeline = Timeline(*_entity(entity_type, entity_id), without=needs.without)
    part: Part[Entry] = await part_by(timelines, caller, timeline, command, wanted=needs.nodes)
    edges = [edge.showing(_entry(edge.node)) for edge in part.edges]
    return Part(edges, part.has_next, part.has_previous, part.count)


def _entity(entity_type: str, entity_id: str) -> tuple[str, str]:
    # As with a mail, blanks around are no part of it.
    entity_type, entity_id = entity_type.strip(), entity_id.strip()
    given = {"entityType": entity_type, "entityId": entity_id}
    blank = [FieldError(name, "is required") for name, value in given.items() if not value]
    if blank:
        raise InvalidInputError.of(*blank)
    return entity_type, entity_id


def _entry(record: Entry) -> TimelineEntry:
    return _sent(record) if isinstance(record, Communication) else _received(record)


def _date(record: Communication) -> datetime:
    """When it went out, or is to, or was accepted."""
    return record.sent_at or record.scheduled_at or record.created


def _sent(record: Communication) -> TimelineEntry:
    return TimelineEntry(
        mail=record,
        id=str(record.id),
        direction=Direction.OUTBOUND,
        date=_date(record),
        status=record.status,
        subject=record.subject,
        from_email=record.sender_email,
        from_name=record.sender_name,
        recipients=record.recipients,
        cc=record.cc,
        body_html=record.body,
        body_text=None,
        opened=record.opened,
        conversation_id=record.conversation_id,
    )


def _received(message: InboundMessage) -> TimelineEntry:
    return TimelineEntry(
        mail=message,
        id=str(message.id),
        direction=Direction.INBOUND,
        date=message.received_at,
        status=message.status,
        subject=message.subject,
        from_email=message.from_email,
        from_name=message.from_name,
        recipients=message.recipients,
        cc=message.cc,
        body_html=message.body_html,
        body_text=message.body_text,
        opened=False,
        conversation_id=message.conversation_id,
    )
