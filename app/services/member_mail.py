"""The mail of one member of a list: filled in with its variables, tracked by its own id."""

from collections.abc import Mapping
from typing import Any

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.list_members import Addressee
from app.mail.addresses import Mailbox, parse_mailbox
from app.mail.compose import Attachment, Message
from app.mail.stored import dump
from app.mail.text import plain_text
from app.services.filling import Content, filled_in, tracked


def write(deps: Deps, communication: Communication, row: Delivery, member: Addressee) -> None:
    """Put the member's mail into `row`: its message, and where its links lead.

    Raises InvalidInputError that names every variable that is missing.
    """
    values = variables_of(communication, member)
    content = Content(communication.subject, communication.original_body, values)
    subject, body = filled_in(deps.settings, content)
    html, links = tracked(
        deps.settings,
        body,
        row.tracking_id,
        opens=communication.tracking_enabled,
        clicks=communication.link_tracking_enabled,
    )
    sender = parse_mailbox(communication.sender_email)
    message = Message(
        sender=Mailbox(sender.address, communication.sender_name or sender.name),
        to=(Mailbox(member.email, member.name),),
        reply_to=None if communication.reply_to is None else parse_mailbox(communication.reply_to),
        subject=subject,
        html=html,
        # Made before it is tracked: it shows where links really lead.
        text=plain_text(body, replacements={}),
        message_id=row.message_id,
        date=deps.now(),
        attachments=tuple(Attachment(**one.model_dump()) for one in communication.attachments),
    )
    row.message = dump(message)
    own = [link.original_url for link in links]
    known = [link.original_url for link in communication.clicked_links[: len(own)]]
    row.links = None if own == known else own


def variables_of(communication: Communication, member: Addressee) -> Mapping[str, Any]:
    """Give what a mail to `member` is filled in with: its own before the mail's.

    `email` is always there, and `name`, which is empty where nobody gives one.
    """
    named = {} if member.name is None else {"name": member.name}
    return {
        "name": "",
        **(communication.variables or {}),
        **member.variables,
        **named,
        "email": member.email,
    }
