"""A mail as the body of Resend's `POST /emails`.

The same mail to the same recipients gives the same octets, after an update of Letterbox too: Resend
refuses a known idempotency key that comes with another body, and a retry would be lost.
"""

import base64
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from app.mail import headers
from app.mail.addresses import Mailbox
from app.mail.compose import Attachment, Message

# Names the delivery on every event that Resend reports about the mail.
DELIVERY_TAG = "letterbox_delivery"
_TAG_LIMIT = 256
_NO_TAG = re.compile(r"[^A-Za-z0-9_-]")
# Anything else is quoted: the service reads `Name <address>` by RFC 5322.
_PLAIN_NAME = re.compile(r"[\w!#$%&'*+/=?^`{|}~ -]+")


def request_body(message: Message, recipients: Sequence[str], *, delivery: str) -> bytes:
    """Write the mail as JSON for these recipients; contents of attachments must be loaded.

    Our own Message-ID and date are not in it: Resend makes its own.

    Raises ValueError for what no mail can hold: line breaks in a header, an address that is none.
    """
    to, cc, bcc = _placed(message, recipients)
    fields: dict[str, Any] = {
        "from": _mailbox("From", message.sender),
        "to": [_mailbox("To", mailbox) for mailbox in to],
        "cc": [_mailbox("Cc", mailbox) for mailbox in cc],
        "bcc": [_mailbox("Bcc", mailbox) for mailbox in bcc],
        "reply_to": [_mailbox("Reply-To", message.reply_to)] if message.reply_to else [],
        "subject": _subject(message.subject),
        "html": message.html,
        "text": message.text,
        "headers": dict(_headers(message)),
        "attachments": [_attachment(attachment) for attachment in message.attachments],
        "tags": [{"name": DELIVERY_TAG, "value": tag_value(delivery)}],
    }
    said = {name: value for name, value in fields.items() if value not in ([], {})}
    # Half a character (a lone surrogate) becomes a question mark, as in a mail we write ourselves.
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def tag_value(text: str) -> str:
    """Write `text` in the letters that a tag may hold, at most 256."""
    return _NO_TAG.sub("_", text)[:_TAG_LIMIT]


def _placed(
    message: Message, recipients: Sequence[str]
) -> tuple[Sequence[Mailbox], Sequence[Mailbox], Sequence[Mailbox]]:
    """Put each recipient in To, Cc or Bcc, where the message has it; those it has nowhere are Bcc.

    Resend delivers to whoever stands there, so nobody else does, and it demands a To: without one
    the Cc moves there, or a single blind recipient. Several are blind to each other only in Bcc;
    then the mail is addressed to its sender, who gets it too.
    """
    left = {address.lower(): address for address in recipients}
    to = [mailbox for mailbox in message.to if left.pop(mailbox.address.lower(), None)]
    cc = [mailbox for mailbox in message.cc if left.pop(mailbox.address.lower(), None)]
    bcc = [Mailbox(address) for address in left.values()]
    if to:
        return to, cc, bcc
    if cc:
        return cc, [], bcc
    if len(bcc) == 1:
        return bcc, [], []
    if not bcc:
        raise ValueError("The mail has no recipient.")
    return [message.sender], [], bcc


def _mailbox(field: str, mailbox: Mailbox) -> str:
    headers.address_field(field, [mailbox])
    if not mailbox.name:
        return mailbox.address
    if _PLAIN_NAME.fullmatch(mailbox.name):
        return f"{mailbox.name} <{mailbox.address}>"
    quoted = re.sub(r'(["\\])', r"\\\1", mailbox.name)
    return f'"{quoted}" <{mailbox.address}>'


def _subject(subject: str) -> str:
    headers.text_field("Subject", subject)
    return subject


def _headers(message: Message) -> Iterator[tuple[str, str]]:
    for name, value in message.headers:
        yield name, _unfolded(headers.extra_field(name, value))
    parents = [message.in_reply_to] if message.in_reply_to else []
    for name, ids in (("In-Reply-To", parents), ("References", message.references)):
        field = headers.id_list_field(name, ids)
        if field:
            yield name, _unfolded(field)


def _unfolded(field: str) -> str:
    """The value of a header field as one line."""
    return field.replace("\r\n", "").partition(": ")[2]


def _attachment(attachment: Attachment) -> dict[str, str]:
    if len(attachment.content) != attachment.size:
        raise RuntimeError("The content of an attachment was not loaded.")
    fields = {
        "content": base64.b64encode(attachment.content).decode(),
        "filename": attachment.filename,
        "content_type": attachment.media_type,
    }
    if attachment.content_id is not None:
        fields["content_id"] = attachment.content_id.strip("<>")
    return fields
