import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

from app.mail import mime
from app.mail.address_lists import mailboxes
from app.mail.addresses import Mailbox
from app.mail.bodies import body_kind
from app.mail.flowed import unflowed
from app.mail.mime import Opened, Part
from app.mail.received_text import decoded_words, on_one_line, text_of, unencoded
from app.mail.transfer import encoding_of
from app.mail.winmail import envelopes

MAX_REFERENCES = 100

# As long as a line may be (RFC 5322 section 2.1.1).
_BRACKETED = re.compile(r"<([^<>\s]{1,996})>")
_BARE = re.compile(r"[^<>\s]{1,400}@[^<>\s]{1,400}")
_DELIVERED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to")
_MAX_DELIVERED = 20
_BLANKS = re.compile(r"\s+")
_MAX_DATE = 100
# A clock that says less was never set.
_FIRST_YEAR = 1970


@dataclass(frozen=True)
class ParsedMessage:
    """What a received message says. Ids are `<left@right>`; times are aware UTC, or None.

    `sender` is the author, whoever sent it for them standing in; `received` is what the server
    that took it last wrote on top. `delivered_to` are addresses of
    envelopes on its way. Bodies are None when there is no such part.
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

    @property
    def answered(self) -> tuple[str, ...]:
        """The messages it answers, nearest first: In-Reply-To, then References from the right.

        RFC 5322 section 3.6.4.
        """
        return tuple(dict.fromkeys((*self.in_reply_to, *reversed(self.references))))


def parse(raw: bytes | Opened) -> ParsedMessage:
    """Read a message (RFC 5322, MIME) leniently: any octets at all give an answer.

    Bodies are the inline text/plain and text/html parts, each kind joined in its order (Apple Mail
    writes several around attachments). Charsets that are missing or cannot be right are guessed.
    Never raises. Time goes with the size of the message, memory is a few times that.
    """
    mail = mime.opened(raw)
    top = mail.top
    texts, htmls = _bodies(mail)
    subject = top.headers.get("subject")
    return ParsedMessage(
        sender=_sender(top),
        to=_with_domain(top, "to"),
        cc=_with_domain(top, "cc"),
        delivered_to=_delivered_to(top),
        subject=None if subject is None else on_one_line(decoded_words(subject[0])),
        date=_moment(top.header("date")),
        received=_moment(top.header("received").rpartition(";")[2]),
        message_id=next(iter(_ids(top, "message-id")), None),
        in_reply_to=_ids(top, "in-reply-to"),
        references=_ids(top, "references"),
        text="\n".join(texts) if texts else None,
        html="\n".join(htmls) if htmls else None,
    )


def reply_to(head: bytes) -> tuple[Mailbox, ...]:
    """Read where the author of a message wants answers, of its octets or the first of them.

    RFC 5322 section 3.6.2; none means: to the author. Never raises.
    """
    return _with_domain(mime.message(mime.with_line_feeds(head)), "reply-to")


def _sender(top: Part) -> Mailbox | None:
    for name in ("from", "sender", "return-path"):
        found = mailboxes(top.header(name))
        if found:
            return found[0]
    return None


def _with_domain(top: Part, name: str) -> tuple[Mailbox, ...]:
    # "undisclosed recipients" is a remark, not somebody.
    value = ",".join(top.headers.get(name, []))
    return tuple(mailbox for mailbox in mailboxes(value) if "@" in mailbox.address)


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
        ids = tuple(f"<{found}>" for found in _BARE.findall(value)[:1])
    return ids if len(ids) <= MAX_REFERENCES else (ids[0], *ids[1 - MAX_REFERENCES :])


def _moment(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value[:_MAX_DATE].partition("(")[0])
        # "-0000" and no zone at all both mean that the zone is not known (RFC 5322 section 3.3).
        zoned = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return zoned if zoned.year >= _FIRST_YEAR else None


def _bodies(mail: Opened) -> tuple[list[str], list[str]]:
    found: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for part in mail.parts:
        kind = body_kind(part)
        if kind is not None:
            octets = unencoded(mail.raw[part.start : part.end], encoding_of(part))
            parameters = part.structured("content-type")[1]
            text = text_of(octets, parameters.get("charset"))
            found[kind].append(unflowed(text, parameters) if kind == "text/plain" else text)
    if not any(text.strip() for texts in found.values() for text in texts):
        for envelope in envelopes(mail).values():
            for kind, said in ("text/plain", envelope.text), ("text/html", envelope.html):
                if said is not None:
                    found[kind] = [said]
    return found["text/plain"], found["text/html"]
