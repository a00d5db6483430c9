"""Which parts of a message are its text, and which are files that came with it."""

from app.mail.mime import Part

# Octets of the text, and of the HTML, that are read: as many as a mail of ours may have.
MAX_BODY = 10 * 1024 * 1024

_BODIES = {"text/plain", "text/html"}


def body_kind(part: Part) -> str | None:
    """`text/plain` or `text/html` for a part that is to be read as the message; None for a file."""
    content_type, parameters = part.structured("content-type")
    content_type = content_type or "text/plain"
    if content_type not in _BODIES:
        return None
    disposition, naming = part.structured("content-disposition")
    named = "filename" in naming or "name" in parameters
    return None if disposition == "attachment" or named else content_type
