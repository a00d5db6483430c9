"""A mail in Graph's own form (learn.microsoft.com/graph/api/resources/message)."""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.mail.addresses import Mailbox
from app.mail.compose import Attachment, compose
from app.providers.base import OutgoingMessage

# Exchange takes no others, and no more (errors InvalidInternetMessageHeader and ...Collection).
_FREE_HEADER = re.compile(r"[Xx]-[!-9;-~]+")
HEADERS_LIMIT = 5
# MAPI's In-Reply-To and References (PidTagInReplyToId, PidTagInternetReferences). That Exchange
# writes them into the headers of what it sends is reported, but promised nowhere.
_IN_REPLY_TO = "String 0x1042"
_REFERENCES = "String 0x1039"


def mime(outgoing: OutgoingMessage) -> bytes | None:
    """Write a new draft as MIME, but for the attachments, in base64; None where JSON will do.

    Only so does Exchange take headers that do not begin with `X-`, such as List-Unsubscribe. It
    reads from it who gets the mail, so nobody may get it unseen, or not get it.
    """
    message = outgoing.message
    named = {mailbox.address.lower() for mailbox in (*message.to, *message.cc)}
    receiving = {address.lower() for address in outgoing.recipients}
    is_free = all(_FREE_HEADER.fullmatch(name) for name, _ in message.headers)
    if is_free or named != receiving:
        return None
    return base64.b64encode(compose(replace(message, attachments=())))


def draft(outgoing: OutgoingMessage) -> dict[str, Any]:
    """Write a new draft: all but the attachments.

    There is no envelope beside the message: who stands in To or Cc but gets it no more is left
    out of them, and who gets it and stands in neither is Bcc. Exchange makes the text part from
    the HTML. Of our own headers it takes the first five that begin with `X-`.
    """
    message = outgoing.message
    free = [
        {"name": name, "value": value}
        for name, value in message.headers
        if _FREE_HEADER.fullmatch(name)
    ]
    properties = []
    if message.in_reply_to:
        properties = [
            {"id": _IN_REPLY_TO, "value": message.in_reply_to},
            {"id": _REFERENCES, "value": " ".join(message.references or (message.in_reply_to,))},
        ]
    made = {
        **changes(outgoing),
        "internetMessageHeaders": free[:HEADERS_LIMIT],
        "singleValueExtendedProperties": properties,
    }
    return {name: value for name, value in made.items() if value != []}


def changes(outgoing: OutgoingMessage) -> dict[str, Any]:
    """Write what makes this mail of a draft that Exchange began as a reply.

    `internetMessageId` may be set as long as it is a draft. Headers may not: Exchange has set
    those of a reply itself.
    """
    message = outgoing.message
    receiving = {address.lower() for address in outgoing.recipients}
    to = [mailbox for mailbox in message.to if mailbox.address.lower() in receiving]
    named = {mailbox.address.lower() for mailbox in to}
    cc = [
        mailbox
        for mailbox in message.cc
        if mailbox.address.lower() in receiving and mailbox.address.lower() not in named
    ]
    named |= {mailbox.address.lower() for mailbox in cc}
    bcc = [Mailbox(address) for address in outgoing.recipients if address.lower() not in named]
    return {
        "internetMessageId": message.message_id,
        "subject": message.subject,
        "body": {"contentType": "html", "content": message.html},
        "from": _recipient(message.sender),
        "toRecipients": _recipients(to),
        "ccRecipients": _recipients(cc),
        "bccRecipients": _recipients(bcc),
        "replyTo": [] if message.reply_to is None else [_recipient(message.reply_to)],
    }


def file_attachment(attachment: Attachment) -> dict[str, Any]:
    """Write a small file with its content."""
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "contentBytes": base64.b64encode(attachment.content).decode(),
        **_described(attachment),
    }


def upload(attachment: Attachment) -> dict[str, Any]:
    """Announce a large file, whose content is uploaded in parts."""
    item = {"attachmentType": "file", "size": len(attachment.content), **_described(attachment)}
    return {"AttachmentItem": item}


def _described(attachment: Attachment) -> Mapping[str, Any]:
    described: dict[str, Any] = {
        "name": attachment.filename,
        "contentType": attachment.media_type,
        "isInline": attachment.content_id is not None,
    }
    if attachment.content_id is not None:
        described["contentId"] = attachment.content_id
    return described


def _recipients(mailboxes: Iterable[Mailbox]) -> list[dict[str, Any]]:
    return [_recipient(mailbox) for mailbox in mailboxes]


def _recipient(mailbox: Mailbox) -> dict[str, Any]:
    address = {"address": mailbox.address}
    return {"emailAddress": {**address, "name": mailbox.name} if mailbox.name else address}
