"""Where in HTML its marks stand, and what the values in their places may be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import chain
from typing import TYPE_CHECKING

from app.mail.html_scan import MARKUP, without_quoted
from app.mail.outline.marks import MARK

if TYPE_CHECKING:
    from lxml.html import HtmlElement

# A tag or a character reference may begin here, and the value may belong to it.
_OPEN = re.compile(rf"<[^\s<>]*{MARK.pattern}|&[#\w]*{MARK.pattern}")
# A value that ends in hyphens would end the comment.
_MAY_END_COMMENT = re.compile(rf"{MARK.pattern}-*!?>|-{MARK.pattern}")
# In these a browser shows references as they are written.
_UNREAD = ("xmp", "plaintext", "listing")


class Place(Enum):
    """SHOWN: in the text. TARGET: where a link leads. STYLE and UNSEEN: anywhere else."""

    SHOWN = auto()
    TARGET = auto()
    STYLE = auto()
    UNSEEN = auto()


@dataclass
class Places:
    """`of` is where each mark stands. `keeps_spaces` is whether spaces may show as written."""

    of: dict[int, Place] = field(default_factory=dict)
    keeps_spaces: bool = False


def places_without_markup(text: str) -> Places | None:
    if _OPEN.search(text):
        return None
    return Places({ord(mark): Place.SHOWN for mark in MARK.findall(text)}, keeps_spaces=True)


def places_in(html: str, tree: HtmlElement) -> Places | None:
    """Find the place of each mark; None where values would decide on what is markup.

    `tree` is what an engine made of the HTML: the tags must stand there as they are written.
    """
    hidden, quoted = set[int](), set[int]()
    if _OPEN.search(html) or not all(
        _read(tag[0], hidden, quoted) for tag in MARKUP.finditer(html)
    ):
        return None
    found = Places(dict.fromkeys(hidden, Place.UNSEEN))
    attributes = set[int]()
    for element in tree.iter():
        for name, value in element.attrib.items():
            if MARK.search(name):
                return None
            place = _place_of(element.tag, name)
            numbers = set(_numbers(value))
            attributes |= numbers
            found.of.update(dict.fromkeys(numbers, place))
        found.keeps_spaces = found.keeps_spaces or _keeps_spaces(element)
        shown = list(chain(_numbers(element.text or ""), _numbers(element.tail or "")))
        if _OPEN.search(element.text or "") or _OPEN.search(element.tail or ""):
            return None
        found.of.update(dict.fromkeys(shown, Place.SHOWN))
    unread = any(MARK.search(one.text_content()) for one in tree.iter(*_UNREAD))
    everywhere = set(_numbers(html))
    return None if unread or attributes != quoted or found.of.keys() != everywhere else found


def _read(tag: str, hidden: set[int], quoted: set[int]) -> bool:
    """Sort the marks of a tag or comment; False where one is a part of the markup itself."""
    if not (numbers := set(_numbers(tag))):
        return True
    if tag.startswith("<!--"):
        hidden |= numbers
        return _MAY_END_COMMENT.search(tag) is None
    quoted |= numbers
    return tag[1].isalpha() and MARK.search(without_quoted(tag)) is None


def _numbers(text: str) -> Iterator[int]:
    return map(ord, MARK.findall(text))


def _place_of(tag: object, attribute: str) -> Place:
    match tag, attribute:
        case "a", "href":
            return Place.TARGET
        case "img", "alt":
            return Place.SHOWN
        case _, "style":
            return Place.STYLE
    return Place.UNSEEN


def _keeps_spaces(element: HtmlElement) -> bool:
    style = element.get("style", "").lower()
    return element.tag == "pre" or element.tag in _UNREAD or "white-space" in style
