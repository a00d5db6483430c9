import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

from app.mail import mime
from app.mail.address_lists import mailboxes
from app.mail.addresses import Mailbox
from app.mail.bodies import MAX_BODY, body_kind
from app.mail.flowed import unflowed
from app.mail.mime import Opened, Part
from app.mail.received_text import decoded_words, on_one_line, text_of
from app.mail.transfer import pieces
from app.mail.winmail import envelopes

MAX_REFERENCES = 100
# Of To and of Cc each: what is kept, and what is counted.
MAX_RECIPIENTS = 1000
MAX_COUNTED = 50_000

# As long as a line may be (RFC 5322 section 2.1.1). No answer could name one with a NUL in it.
_BRACKETED = re.compile(r"<([^<>\s\0]{1,996})>")
_BARE = re.compile(r"[^<>\s\0]{1,400}@[^<>\s\0]{1,400}")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_MAX_DELIVERED = 20
# Characters in which an id is looked for that stands there without brackets.
_MAX_BARE = 4000
_BLANKS = re.compile(r"\s+")
_MAX_DATE = 100
# A clock that says less was never set.
_FIRST_YEAR = 1970


@dataclass(frozen=True)
class ParsedMessage:
    """What a received message says. Ids are `<left@right>`; times are aware UTC, or None.

    `sender` is the author, whoever sent it for them standing in; `received` is what the server
    that took it last wrote on top. `delivered_to` are addresses of
    envelopes on its way. Bodies are None when there is no such part; where `is_cut`, one of them
    is longer. `recipient_count` counts all in To and Cc, of which the first 1000 each are here.
    """

    sender: Mailbox | None
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    delivered_to: tuple[str, ...]
    subject: str | None
    date: datetime | None
    received: datetime | None
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str | None
    html: str | None
    recipient_count: int = 0
    is_cut: bool = False

    @property
    def has_more_recipients(self) -> bool:
        return self.recipient_count > len(self.to) + len(self.cc)

    @property
    def answered(self) -> tuple[str, ...]:
        """The messages it answers, nearest first: In-Reply-To, then References from the right.

        RFC 5322 section 3.6.4.
        """
        return tuple(dict.fromkeys((*self.in_reply_to, *reversed(self.references))))


# Of a message of which nothing can be said.
UNREAD = ParsedMessage(
    sender=None, to=(), cc=(), delivered_to=(), subject=None, date=None, received=None,
    message_id=None, in_reply_to=(), references=(), text=None, html=None,
)  # fmt: skip


def parse(raw: bytes | Opened) -> ParsedMessage:
    """Read a message (RFC 5322, MIME) leniently: any octets at all give an answer.

    Bodies are the inline text/plain and text/html parts, each kind joined in its order (Apple Mail
    writes several around attachments). Charsets that are missing or cannot be right are guessed.
    Never raises. Time goes with the size of the message, memory is a few times that.
    """
    mail = mime.opened(raw)
    top = mail.top
    text, html = _bodies(mail)
    to, cc = _recipients(top, "to"), _recipients(top, "cc")
    subject = top.headers.get("subject")
    return ParsedMessage(
        sender=_sender(top),
        to=tuple(to[:MAX_RECIPIENTS]),
        cc=tuple(cc[:MAX_RECIPIENTS]),
        delivered_to=_delivered_to(top),
        subject=None if subject is None else on_one_line(decoded_words(subject[0])),
        date=_moment(top.header("date")),
        received=_moment(top.header("received").rpartition(";")[2]),
        message_id=next(iter(_ids(top, "message-id")), None),
        in_reply_to=_ids(top, "in-reply-to"),
        references=_ids(top, "references"),
        text=text.whole,
        html=html.whole,
        recipient_count=len(to) + len(cc),
        is_cut=text.is_cut or html.is_cut,
    )


def reply_to(head: bytes) -> tuple[Mailbox, ...]:
    """Read where the author of a message wants answers, of its octets or the first of them.

    RFC 5322 section 3.6.2; none means: to the author. Never raises.
    """
    found = _recipients(mime.message(mime.with_line_feeds(head)), "reply-to")
    return tuple(found[:MAX_RECIPIENTS])


def _sender(top: Part) -> Mailbox | None:
    for name in ("from", "sender", "return-path"):
        found = mailboxes(top.header(name))
        if found:
            return found[0]
    return None


def _recipients(top: Part, name: str) -> Sequence[Mailbox]:
    # "undisclosed recipients" is a remark, not somebody.
    value = ",".join(top.headers.get(name, []))
    found = mailboxes(value, most=MAX_COUNTED)
    return [mailbox for mailbox in found if "@" in mailbox.address]


def _delivered_to(top: Part) -> tuple[str, ...]:
    """What mail servers on the way wrote down of the envelope, at most 20 addresses."""
    values = (value for name in _DELIVERED for value in top.headers.get(name, []))
    found = (mailbox.address for value in values for mailbox in mailboxes(value))
    return tuple(dict.fromkeys(islice(found, _MAX_DELIVERED)))


def _ids(top: Part, name: str) -> tuple[str, ...]:
    """Read the ids of a field, at most its first and its last 99: the parent stands last."""
    value = " ".join(top.headers.get(name, []))
    if "=?" in value:
        # Python's own generator encodes long ids; as a word of a line they are no ids.
        value = _BLANKS.sub("", decoded_words(value))
    ids = tuple(f"<{found}>" for found in _BRACKETED.findall(value))
    if not ids and name != "references":
        ids = tuple(f"<{found}>" for found in _BARE.findall(value[:_MAX_BARE])[:1])
    return ids if len(ids) <= MAX_REFERENCES else (ids[0], *ids[1 - MAX_REFERENCES :])


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value[:_MAX_DATE].partition("(")[0])
        # "-0000" and no zone at all both mean that the zone is not known (RFC 5322 section 3.3).
        zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return zoned if zoned.year >= _FIRST_YEAR else None


class _Bodies:
    """The texts of one kind, with room for so many octets more."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._room = MAX_BODY
        self.is_cut = False

    def add(self, mail: Opened, part: Part, kind: str) -> None:
        if self._room <= 0:
            self.is_cut = True
            return
        parameters = part.structured("content-type")[1]
        octets = bytearray()
        for piece in pieces(mail.raw, part):
            octets += piece
            if len(octets) > self._room:
                self.is_cut = True
                break
        text = text_of(bytes(octets[: self._room]), parameters.get("charset"))
        self._room -= len(octets)
        self.texts.append(unflowed(text, parameters) if kind == "text/plain" else text)

    @property
    def whole(self) -> str | None:
        return "\n".join(self.texts) if self.texts else None


def _bodies(mail: Opened) -> tuple[_Bodies, _Bodies]:
    found = {"text/plain": _Bodies(), "text/html": _Bodies()}
    for part in mail.parts:
        kind = body_kind(part)
        if kind is not None:
            found[kind].add(mail, part, kind)
    if not any(text.strip() for one in found.values() for text in one.texts):
        for envelope in envelopes(mail).values():
            for kind, said in ("text/plain", envelope.text), ("text/html", envelope.html):
                if said is not None:
                    found[kind].texts = [said]
                    found[kind].is_cut = envelope.is_cut
    return found["text/plain"], found["text/html"]
