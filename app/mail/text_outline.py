"""The plain text of mails that are alike but for a few words, laid out once for all of them."""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

from lxml.html import HtmlElement, HTMLParser, document_fromstring

from app.mail.html_scan import MARKUP
from app.mail.templates.filling import Value
from app.mail.text import plain_text

# Marks stand in the place of values: characters that no mail has, which read as a word.
_FIRST_MARK = 0x100000
_MARK = re.compile(r"[\U00100000-\U0010fffd]")
_MARKS_LIMIT = 1000
# What is kept takes four octets for each of its characters, several times.
_KEPT = 8
_KEPT_LENGTH = 128 * 1024
# A tag or a character reference may begin here, and the value may belong to it.
_OPEN_END = re.compile(rf"[<&][^\s<>;]*{_MARK.pattern}")
_SPACES = re.compile(r"\s\s")

Outline = tuple[str, ...]


def plain_text_of(pieces: Sequence[str]) -> str:
    """Give `plain_text` of the pieces together, of which each Value is what a variable brought in.

    The same for the same pieces, whether the layout was kept or not.
    """
    html = "".join(pieces)
    if len(html) > _KEPT_LENGTH or _MARK.search(html):
        return plain_text(html, replacements={})
    marks: dict[str, str] = {}
    for piece in pieces:
        if isinstance(piece, Value) and piece not in marks:
            if not _is_plain(piece) or len(marks) == _MARKS_LIMIT:
                return plain_text(html, replacements={})
            marks[piece] = chr(_FIRST_MARK + len(marks))
    marked = "".join(marks[one] if isinstance(one, Value) else one for one in pieces)
    outline = _outline(marked)
    if outline is None:
        return plain_text(html, replacements={})
    values = list(marks)
    return "".join(
        values[ord(part) - _FIRST_MARK] if _MARK.fullmatch(part) else part for part in outline
    )


def _is_plain(value: str) -> bool:
    """Whether it reads as words whatever stands around it."""
    return (
        value.isprintable()
        and any(map(str.isalnum, value))
        and value == value.strip() == escape(value)
        and not _SPACES.search(value)
    )


@lru_cache(maxsize=_KEPT)
def _outline(marked: str) -> Outline | None:
    """Lay out HTML with marks: text and marks by turns; None where values decide on the layout."""
    inside = any(_MARK.search(tag[0]) for tag in MARKUP.finditer(marked))
    if inside or _OPEN_END.search(marked) or _decided_by_values(marked):
        return None
    text = plain_text(marked, replacements={})
    return tuple(part for part in re.split(f"({_MARK.pattern})", text) if part)


def _decided_by_values(marked: str) -> bool:
    if "<" not in marked:
        return False
    try:
        parser = HTMLParser(encoding="utf-8", huge_tree=True)
        tree: HtmlElement = document_fromstring(marked.encode(), parser=parser)
    except Exception:  # noqa: BLE001 - RecursionError, parser errors, and what broken trees provoke
        return True
    return any(map(_is_decided, tree.iter()))


def _is_decided(element: HtmlElement) -> bool:
    """Tell where the text depends on what a value says: tables, labels of links, attributes."""
    if any(_MARK.search(f"{name}{value}") for name, value in element.attrib.items()):
        return True
    if element.tag == "a":
        return _MARK.search(element.text_content()) is not None
    if element.tag == "table" and next(element.iterdescendants("table"), None) is None:
        # One of several columns may be set as such, by the length of what is in it.
        return any(cell.getnext() is not None for cell in element.iter("td", "th"))
    return False
