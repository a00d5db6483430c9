"""The mail of one member of a list: filled in with its variables, tracked by its own id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.list_members import Addressee
from app.errors import InvalidInputError
from app.mail.addresses import Mailbox, parse_mailbox
from app.mail.compose import Attachment, Message
from app.mail.outline.texts import plain_text_of
from app.mail.stored import dump
from app.services.envelopes import answers_to
from app.services.filling import Content, pieces_of, text_of, tracked, with_ways_out
from app.services.templates.filled import Texts
from app.services.unsubscribing.ways import fields_of, way_of_member

log = structlog.get_logger()

# Bodies that take long to fill in; and what is written of them is not kept in memory.
LARGE_BODY = 64 * 1024
NO_MEMBER = "is no member of the list any more"


@dataclass(frozen=True)
class Pattern:
    """What the mails to all members have in common; `links` is where those of the record lead."""

    content: Content
    sender: Mailbox
    record: Communication
    attachments: tuple[Attachment, ...]
    links: list[str]
    opens: bool
    clicks: bool
    texts: Texts | None = None

    @classmethod
    def of(cls, communication: Communication, texts: Texts | None = None) -> "Pattern":
        """Make it of a record; `texts` are those of its template."""
        sender = parse_mailbox(communication.sender_email)
        return cls(
            content=Content(
                communication.subject,
                communication.original_body,
                communication.variables or {},
                locale=communication.locale,
            ),
            sender=Mailbox(sender.address, communication.sender_name or sender.name),
            record=communication,
            attachments=tuple(Attachment(**one.model_dump()) for one in communication.attachments),
            links=[link.original_url for link in communication.clicked_links],
            opens=communication.tracking_enabled,
            clicks=communication.link_tracking_enabled,
            texts=texts,
        )


def write(deps: Deps, pattern: Pattern, row: Delivery, member: Addressee) -> Message:
    """Put the member's mail into `row`: its message, which is given too, and where its links lead.

    Raises InvalidInputError that names every variable that is missing, or not what it must be.
    """
    way = way_of_member(deps.settings, pattern.record, row.id)
    content = replace(pattern.content, variables=variables_of(pattern, member))
    content = with_ways_out(content, way)
    if pattern.texts is not None:
        content = pattern.texts.content_for(content, written=True)
        row.locale = content.locale
    subject, pieces = pieces_of(deps.settings, content)
    html, links = tracked(
        deps.settings,
        "".join(pieces),
        row.tracking_id,
        opens=pattern.opens,
        clicks=pattern.clicks,
    )
    message = Message(
        sender=pattern.sender,
        to=(Mailbox(member.email, member.name),),
        reply_to=answers_to(deps.settings, pattern.record, row.id),
        subject=subject,
        html=html,
        # Made before it is tracked: it shows where links really lead.
        text=text_of(deps.settings, content) or plain_text_of(pieces),
        message_id=row.message_id,
        date=deps.now(),
        headers=fields_of(deps.settings, pattern.record, way),
        attachments=pattern.attachments,
    )
    row.message = dump(message)
    own = [link.original_url for link in links]
    row.links = None if own == pattern.links[: len(own)] else own
    return message


def variables_of(pattern: Pattern, member: Addressee) -> Mapping[str, Any]:
    """Give what a mail to `member` is filled in with: its own before the mail's.

    `email` is always there, and `name`, which is empty where nobody gives one.
    """
    named = {} if member.name is None else {"name": member.name}
    return {
        "name": "",
        **(pattern.content.variables or {}),
        **member.variables,
        **named,
        "email": member.email,
    }


@dataclass(frozen=True)
class Written:
    """Mails that were filled in, by their deliveries, and which could not be, each with why."""

    messages: dict[PydanticObjectId, Message]
    faults: list[tuple[Delivery, str]]


def write_all(
    deps: Deps,
    pattern: Pattern,
    rows: Sequence[Delivery],
    members: Mapping[PydanticObjectId, Addressee],
) -> Written:
    """Do what `write` does for the mails to some members; large ones stand in the rows only."""
    written = Written({}, [])
    for row in rows:
        member = None if row.member_id is None else members.get(row.member_id)
        if member is None:
            written.faults.append((row, NO_MEMBER))
            continue
        try:
            message = write(deps, pattern, row, member)
            if len(message.html) <= LARGE_BODY:
                written.messages[row.id] = message
        except InvalidInputError as error:
            written.faults.append((row, error.detail))
        except Exception:
            log.exception("batch.unprepared", delivery_id=str(row.id))
            written.faults.append((row, "This mail could not be prepared for sending."))
    return written
