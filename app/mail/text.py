import re
from collections.abc import Mapping

from app.mail.character_references import unescaped
from app.mail.text_layout import laid_out

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_MARKUP_START = re.compile(r"<[A-Za-z/!?]")
_URL = re.compile(r"https?://[^\s<>\"]++", re.IGNORECASE)
_URL_TAIL = ".,;:!?'*_)]}"
# What preheaders are padded with: marks without width or ink.
_INVISIBLE_LINE = re.compile(
    r"^[ \t\u00ad\u034f\u061c\u200b-\u200f\u2007\u2060\ufeff]+$", re.MULTILINE
)
_BLANK_LINES = re.compile(r"\n{4,}")


def plain_text(html: str, *, replacements: Mapping[str, str]) -> str:
    r"""Make the text/plain alternative of an HTML body (RFC 2046 section 5.1.4).

    Links read `label (url)`, images their alt in brackets; scripts, styles and hidden elements are
    dropped. A URL that is a key of `replacements` (a tracking URL) is shown as its value. A body
    without markup keeps its line breaks. Lines end in "\n" and are not wrapped; the result ends
    with a newline unless it is empty. Never raises: HTML too deep, broken or big for a layout is
    reduced to its text line by line.
    """
    clean = cleaned(html)
    text = laid_out(clean, replacements) if has_markup(clean) else unescaped(clean)
    return tidied(_URL.sub(lambda found: _original(found[0], replacements), text))


def cleaned(html: str) -> str:
    """Drop what no parser should see."""
    return _UNSAFE.sub("", html.replace("\f", " "))


def has_markup(html: str) -> bool:
    return _MARKUP_START.search(html) is not None


def _original(url: str, replacements: Mapping[str, str]) -> str:
    """Look up a whole URL but for closing punctuation, so that /1 is never part of /10."""
    bare = url.rstrip(_URL_TAIL)
    if url in replacements:
        return replacements[url]
    return replacements.get(bare, bare) + url[len(bare) :]


def tidied(text: str) -> str:
    """Make what was laid out the lines that are sent."""
    lines = _UNSAFE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).replace("\xa0", " ")
    visible = _INVISIBLE_LINE.sub("", lines).split("\n")
    joined = "\n".join(line.rstrip() for line in visible).strip("\n")
    return _BLANK_LINES.sub("\n\n\n", joined) + "\n" if joined else ""
