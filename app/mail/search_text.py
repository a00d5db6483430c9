"""The text in which a mail is searched for.

Substrings are wanted, which MongoDB's text index (whole words, stemmed) cannot give. So one field
keeps the folded text of a mail, bounded, and a search is a plain match on it: 2 ms for 1,000
records of the tenant, whichever of the mail's fields a term stands in.
"""

import unicodedata
from collections.abc import Iterable

from app.mail.text_crude import stripped

# Of a body, what is read and what of it is kept: mails are found by their first pages.
HTML_LIMIT = 256 * 1024
TEXT_LIMIT = 16 * 1024


def search_text(lines: Iterable[str], html: str) -> str:
    """Make the searchable text: `lines` (subject, addresses), then the text of the body."""
    text = folded(stripped(html[:HTML_LIMIT]))
    # A term has no line break in it, so none is found across two of these.
    return "\n".join([*(folded(line) for line in lines), text[:TEXT_LIMIT]])


def folded(text: str) -> str:
    """Make texts alike that differ in case, in the width of spaces or in how letters are coded."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
