"""What two messages with the same Message-ID must share to be the same message."""

import hashlib

from app.mail.parse import ParsedMessage


def fingerprint(parsed: ParsedMessage) -> str:
    """Give 64 hexadecimal digits for who wrote what, about what, and when.

    Ids are repeated by mistake, and could be by whoever wants a mail of somebody else not to
    arrive. Spaces and line ends do not count, nor does how it is encoded: servers on the way change
    them.
    """
    sender = "" if parsed.sender is None else parsed.sender.address.lower()
    date = "" if parsed.date is None else parsed.date.isoformat()
    said = parsed.html if parsed.text is None else parsed.text
    words = [sender, date, " ".join((parsed.subject or "").split()), " ".join((said or "").split())]
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode("utf-8", "replace") + b"\0")
    return digest.hexdigest()
