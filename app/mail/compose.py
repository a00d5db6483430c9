import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from app.mail import headers
from app.mail.addresses import Mailbox

_OWN_FIELDS = frozenset(
    {"bcc", "cc", "date", "from", "in-reply-to", "message-id", "mime-version", "references"}
    | {"reply-to", "resent-bcc", "subject", "to"}
)
_AS_IS = bytes(octet for octet in range(32, 127) if octet != ord("=")) + b"\r\n\t"


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
    """Write the message as 7-bit multipart/alternative with CRLF lines (RFC 5322, 2045 to 2047).

    The same message gives the same bytes, so a retry sends what the first attempt sent. Line
    breaks in the bodies become CRLF. Raises ValueError for a line break, NUL or lone surrogate in
    a header value, a name or address no header can hold, a field we write ourselves among
    `headers`, a naive date.
    """
    boundary = "=_" + hashlib.sha256(message.message_id.encode()).hexdigest()[:40]
    head = [
        *_fields(message),
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"',
        "",
        "",
    ]
    opening = f"--{boundary}\r\n".encode()
    return b"".join(
        [
            "\r\n".join(head).encode("ascii"),
            opening,
            *_part("plain", message.text),
            b"\r\n",
            opening,
            *_part("html", message.html),
            f"\r\n--{boundary}--\r\n".encode(),
        ]
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
        if name.lower() in _OWN_FIELDS or name.lower().startswith("content-"):
            raise ValueError(f"{name} is not free to set.")
        yield headers.raw_field(name, value)


def _part(subtype: str, body: str) -> Iterator[bytes]:
    """Yield one text part in quoted-printable, or in base64 where that is the shorter."""
    canonical = body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    octets = canonical.encode(errors="replace")
    escaped = len(octets.translate(None, delete=_AS_IS))
    is_readable = escaped * 6 <= len(octets)
    encoding = "quoted-printable" if is_readable else "base64"
    yield (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode()
    yield _quoted_printable(octets) if is_readable else _base64(octets)


def _quoted_printable(octets: bytes) -> bytes:
    encoded = binascii.b2a_qp(octets, istext=True)
    # It breaks long lines in the style of the text's own first line end, which may not exist.
    return encoded if b"\n" in octets else encoded.replace(b"\n", b"\r\n")


def _base64(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
