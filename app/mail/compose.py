import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO

from app.mail import entities, headers
from app.mail.addresses import Mailbox


@dataclass(frozen=True)
class Attachment:
    """A file of a mail; with a `content_id` an image that the HTML shows as `cid:ID`.

    `digest` is the SHA-256 of the content in hexadecimal, `size` its octets. `content` is loaded
    for the hand-over and not kept with the message.
    """

    filename: str
    media_type: str
    size: int
    digest: str
    content_id: str | None = None
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Message:
    """All that one mail says. There is deliberately no Bcc: it belongs in the envelope alone.

    `date` is aware, `message_id` is `<left@right>`; `headers` are extra fields, as they stand.
    """

    sender: Mailbox
    to: tuple[Mailbox, ...]
    subject: str
    html: str
    text: str
    message_id: str
    date: datetime
    cc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()


def compose(message: Message) -> bytes:
    """Write the message as 7-bit MIME with CRLF lines (RFC 5322, 2045 to 2047).

    It is multipart/alternative; with inline images that stands in a multipart/related, with other
    attachments in a multipart/mixed. The same message gives the same bytes, so a retry sends what
    the first attempt sent. Line breaks in the bodies become CRLF.

    Raises ValueError for a line break, NUL or lone surrogate in a header value, a name, address,
    media type or content id no header can hold, a field we write ourselves among `headers`, a naive
    date; RuntimeError for an attachment whose content was not loaded.
    """
    written = BytesIO()
    head = "\r\n".join([*_fields(message), "MIME-Version: 1.0", ""])
    written.write(head.encode("ascii"))
    written.writelines(_entity(message))
    return written.getvalue()


def _entity(message: Message) -> entities.Entity:
    bodies = (entities.text("plain", message.text), entities.text("html", message.html))
    entity = entities.multipart("alternative", _boundary(message, ""), bodies)
    inline = [a for a in message.attachments if a.content_id is not None]
    if inline:
        parts = [entity, *map(_file, inline)]
        boundary = _boundary(message, "related")
        entity = entities.multipart("related", boundary, parts, root="multipart/alternative")
    if others := [a for a in message.attachments if a.content_id is None]:
        parts = [entity, *map(_file, others)]
        entity = entities.multipart("mixed", _boundary(message, "mixed"), parts)
    return entity


def _boundary(message: Message, level: str) -> str:
    """Make what neither base64 nor quoted-printable can hold."""
    return "=_" + hashlib.sha256(f"{message.message_id}{level}".encode()).hexdigest()[:40]


def _file(attachment: Attachment) -> entities.Entity:
    if len(attachment.content) != attachment.size:
        raise RuntimeError("The content of an attachment was not loaded.")
    return entities.file(
        entities.File(
            attachment.filename,
            attachment.media_type,
            attachment.content_id,
            attachment.content,
        )
    )


def _fields(message: Message) -> Iterator[str]:
    yield headers.address_field("From", [message.sender])
    if message.to:
        yield headers.address_field("To", message.to)
    elif not message.cc:
        yield "To: undisclosed-recipients:;"
    if message.cc:
        yield headers.address_field("Cc", message.cc)
    if message.reply_to:
        yield headers.address_field("Reply-To", [message.reply_to])
    yield headers.text_field("Subject", message.subject)
    yield headers.date_field(message.date)
    yield headers.message_id_field(message.message_id)
    parents = [message.in_reply_to] if message.in_reply_to else []
    for name, ids in (("In-Reply-To", parents), ("References", message.references)):
        field = headers.id_list_field(name, ids)
        if field:
            yield field
    for name, value in message.headers:
        yield headers.extra_field(name, value)
