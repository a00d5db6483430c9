"""Marks in the place of values: characters that no mail has, each of which reads as a word."""

import re
from collections.abc import Mapping, Sequence
from html import escape

from app.mail.character_references import unescaped
from app.mail.templates.filling import Value

FIRST = 0x100000
# A mark of the other half stands for what is made of values: an address, or a table.
FIRST_MADE = 0x108000
LIMIT = 1000
MARK = re.compile(r"[\U00100000-\U0010fffd]")
_BETWEEN = re.compile(r"([\U00100000-\U0010fffd])")
_BREAK = "<br>\n"
# Some read them as spaces, others drop them.
_ODD_SPACES = re.compile(r"[\x0b\x0c\x1c-\x1f\x85]")
# What follows may make a character reference of it, or belong to one.
_OPEN_REFERENCE = re.compile(r"&[#\w]*\Z")
# It takes up no room, so that a line of it is an empty one.
_WITHOUT_INK = " \u034f"


def marked(pieces: Sequence[str]) -> tuple[str, list[str]] | None:
    """Put a mark in the place of each value; the values in order. None for too many of them.

    Empty ones and line breaks in them are no values: they decide on the layout.
    """
    text: list[str] = []
    values: list[str] = []
    for piece in pieces:
        if not isinstance(piece, Value):
            text.append(piece)
            continue
        for number, line in enumerate(piece.split(_BREAK)):
            if number:
                text.append(_BREAK)
            if line:
                text.append(chr(FIRST + len(values)))
                values.append(line)
    return None if len(values) > LIMIT else ("".join(text), values)


def decoded(value: str) -> str | None:
    """Read a value that stands in HTML; None for one that has markup, or a part of it, in it."""
    text = unescaped(value)
    return text if escape(text) == value else None


def word_of(text: str, *, keeps_spaces: bool) -> str | None:
    """Tell how a value shows that reads as words whatever stands around it; None for others.

    Where spaces are kept as they are, it may have single ones only.
    """
    word = " ".join(text.split())
    if not word.isprintable() or not word.strip(_WITHOUT_INK) or _ODD_SPACES.search(text):
        return None
    if keeps_spaces and word != text.replace("\xa0", " "):
        return None
    if text[0].isspace() or text[-1].isspace():
        return None
    # It may be read twice, in tables.
    if "&" in word and (unescaped(word) != word or _OPEN_REFERENCE.search(word)):
        return None
    return word


class Pattern:
    """A text with marks, to be filled in again and again."""

    __slots__ = ("_parts",)

    def __init__(self, text: str) -> None:
        # Marks and what stands between them by turns.
        self._parts = _BETWEEN.split(text)

    @property
    def marks(self) -> list[int]:
        return [ord(mark) for mark in self._parts[1::2]]

    def filled(self, words: Mapping[int, str]) -> str:
        """Give the text with these words in the place of the marks."""
        parts = self._parts.copy()
        parts[1::2] = [words[ord(mark)] for mark in parts[1::2]]
        return "".join(parts)
