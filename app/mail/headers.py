"""Header fields as ASCII lines, written here because the standard library's folding cannot be had.

`email.policy.SMTP` turns message ids over 77 characters into encoded words and so breaks
threads; with a wide `max_line_length` it writes encoded words beyond the 75 of RFC 2047.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache
from itertools import groupby

from app.mail.addresses import Mailbox

MAX_LINE = 998
# Characters of the ids of one field.
MAX_IDS = 8000
FOLD_AT = 76
OWN_FIELDS = frozenset(
    {"bcc", "cc", "date", "from", "in-reply-to", "message-id", "mime-version", "references"}
    | {"reply-to", "resent-bcc", "subject", "to"}
)

_FORBIDDEN = re.compile(r"[\r\n\0\ud800-\udfff]")
_NAME = re.compile(r"[!-9;-~]{1,76}")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,970}>")
_PRINTABLE = re.compile(r"[ -~]+")
_WRITABLE = re.compile(r"[\t -~]*")
_WORD = re.compile(r"(?!.*=\?)[!-~]{1,900}")
_ATOM = re.compile(r"(?!.*=\?)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,70}")
_SINGLE_SPACE = re.compile(r"(?<=\S) (?=\S)")


def extra_field(name: str, value: str) -> str:
    """Write a field beside those that we write ourselves; raises ValueError for one of these."""
    if name.lower() in OWN_FIELDS or name.lower().startswith("content-"):
        raise ValueError(f"{name} is not free to set.")
    return raw_field(name, value)


def text_field(name: str, value: str) -> str:
    """Write an unstructured field such as Subject; what is not plain becomes encoded words."""
    return _field(name, _words(_checked(name, value), plain=_WORD, room=_room(name)))


def raw_field(name: str, value: str) -> str:
    """Write a caller's own field: ASCII text stands as it is, folded at single spaces."""
    if not _NAME.fullmatch(name):
        raise ValueError("A header name may hold only visible ASCII characters and no colon.")
    if _WRITABLE.fullmatch(value):
        return _field(name, _SINGLE_SPACE.split(_checked(name, value).strip(" ")))
    return text_field(name, value)


def address_field(name: str, mailboxes: Sequence[Mailbox]) -> str:
    """Write From, To, Cc or Reply-To (RFC 5322 section 3.4), folded between words and mailboxes."""
    tokens: list[str] = []
    for mailbox in mailboxes:
        tokens += _mailbox(name, mailbox)
        tokens[-1] += ","
    return _field(name, [*tokens[:-1], tokens[-1].removesuffix(",")])


def message_id_field(value: str) -> str:
    """Write our own Message-ID; raises ValueError unless it is `<left@right>`."""
    if not _MESSAGE_ID.fullmatch(_checked("Message-ID", value)) or "@" not in value:
        raise ValueError("Message-ID must look like <left@right>.")
    return _field("Message-ID", [value])


def id_list_field(name: str, values: Iterable[str]) -> str | None:
    """Write In-Reply-To or References (RFC 5322 section 3.6.4), or nothing when no id is left.

    Ids come from other people's mail: angle brackets are added where missing, and an id that no
    header can hold (spaces, not ASCII, endless) is left out rather than failing the reply. What
    would pass 998 characters keeps its first and its last 20 ids, what would still pass 8000 the
    first and as many of the last as fit.
    """
    bare = (_checked(name, value).strip().removeprefix("<").removesuffix(">") for value in values)
    ids = [f"<{value}>" for value in bare]
    ids = [value for value in ids if _MESSAGE_ID.fullmatch(value)]
    if len(name) + 2 + len(" ".join(ids)) > MAX_LINE:
        ids = ids if len(ids) <= 21 else [ids[0], *ids[-20:]]  # noqa: PLR2004 - first plus last 20
    while len(ids) > 2 and len(" ".join(ids)) > MAX_IDS:  # noqa: PLR2004 - the first and the last
        del ids[1]
    return _field(name, ids) if ids else None


def date_field(moment: datetime) -> str:
    """Write Date in the moment's own zone (RFC 5322 section 3.3); it must be aware."""
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError("Date must have a time zone.")
    return _date(moment.replace(microsecond=0), offset)


@lru_cache(maxsize=64)
def _date(second: datetime, offset: timedelta) -> str:  # noqa: ARG001 - of equal moments it differs
    return _field("Date", [format_datetime(second)])


def _checked(name: str, value: str) -> str:
    if _FORBIDDEN.search(value):
        raise ValueError(f"{name} contains a line break, a NUL or half a character.")
    return value


@lru_cache(maxsize=256)
def _mailbox(field: str, mailbox: Mailbox) -> Sequence[str]:
    if not _ADDRESS.fullmatch(_checked(field, mailbox.address)):
        raise ValueError(f"{field} holds something that is not an address.")
    name = _checked(field, mailbox.name or "")
    if not name:
        return [mailbox.address]
    return [*_phrase(name, room=_room(field)), f"<{mailbox.address}>"]


def _phrase(text: str, *, room: int) -> list[str]:
    words = _words(text, plain=_ATOM, room=room)
    quoted = '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'
    if words != text.split(" ") and _PRINTABLE.fullmatch(text) and "=?" not in text:
        return [quoted] if len(quoted) <= FOLD_AT - 2 else words
    return words


def _words(text: str, *, plain: re.Pattern[str], room: int) -> list[str]:
    """Split text into words to be joined by one space, encoding only the runs that need it.

    Plain words between encoded ones keep names readable, and exact even in Python's own parser,
    which in 3.11 shows a space between two neighbouring encoded words of a name.
    """
    if not text:
        return [""]
    words = text.split(" ")
    if words != text.split():
        return list(_encoded_words(text, room=room))
    tokens: list[str] = []
    for is_plain, group in groupby(words, key=lambda word: plain.fullmatch(word) is not None):
        run = list(group)
        tokens += run if is_plain else _encoded_words(" ".join(run), room=room)
    return tokens


def _encoded_words(text: str, *, room: int) -> Iterator[str]:
    """Yield RFC 2047 encoded words of at most `room` UTF-8 octets, each of whole characters."""
    chunk = b""
    for character in text:
        octets = character.encode()
        if len(chunk) + len(octets) > room:
            yield f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="
            chunk = b""
        chunk += octets
    yield f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="


def _room(name: str) -> int:
    """Octets that fit an encoded word on the first line of this field (RFC 2047 section 2)."""
    return max(12, min(45, (FOLD_AT - len(name) - 2 - len("=?utf-8?b??=")) // 4 * 3))


def _field(name: str, words: Iterable[str]) -> str:
    """Join words into folded lines (RFC 5322 section 2.2.3) without the final CRLF."""
    lines = [f"{name}:"]
    for index, word in enumerate(words):
        if index and len(lines[-1]) + 1 + len(word) > FOLD_AT:
            lines.append("")
        lines[-1] += f" {word}"
    if max(map(len, lines)) > MAX_LINE:
        raise ValueError(f"{name} holds a word too long for one line.")
    return "\r\n".join(lines)
