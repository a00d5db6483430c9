"""What two messages with the same Message-ID must share to be the same message."""

import hashlib
from collections.abc import Iterator

from app.mail.parse import ParsedMessage

# Characters that are looked at together.
_PIECE = 64 * 1024


def fingerprint(parsed: ParsedMessage) -> str:
    """Give 64 hexadecimal digits for who wrote what, about what, and when.

    Ids are repeated by mistake, and could be by whoever wants a mail of somebody else not to
    arrive. Spaces and line ends do not count, nor does how it is encoded: servers on the way change
    them.
    """
    sender = "" if parsed.sender is None else parsed.sender.address.lower()
    date = "" if parsed.date is None else parsed.date.isoformat()
    said = parsed.html if parsed.text is None else parsed.text
    digest = hashlib.sha256()
    for word in (sender, date, " ".join((parsed.subject or "").split())):
        digest.update(word.encode("utf-8", "replace") + b"\0")
    for piece in _pieces(said or ""):
        digest.update(piece.encode("utf-8", "replace"))
    digest.update(b"\0")
    return digest.hexdigest()


def _pieces(text: str) -> Iterator[str]:
    """Yield a text piece by piece, with one space for each run of them, and none around it."""
    is_begun = is_apart = False
    for start in range(0, len(text), _PIECE):
        piece = text[start : start + _PIECE]
        words = " ".join(piece.split())
        if not words:
            is_apart = True
            continue
        if is_begun and (is_apart or piece[0].isspace()):
            yield " "
        yield words
        is_begun, is_apart = True, piece[-1].isspace()
