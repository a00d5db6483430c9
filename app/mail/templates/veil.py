"""Marks of a template hidden from engines that know markup only, and brought back afterwards."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import count

from app.mail.templates.marks import marks

_LIKE_PREFIX = re.compile(r"v([0-9]{1,9})x", re.ASCII | re.IGNORECASE)
_CHAINS = {"if": "endif", "for": "endfor"}


class Veil:
    """`text` is the template with a word in the place of each mark, which occurs nowhere else.

    The word is made of small letters and digits, so that it may stand wherever markup allows text.
    """

    def __init__(self, template: str) -> None:
        self.marks = list(marks(template))
        self._template = template
        taken = {int(number) for number in _LIKE_PREFIX.findall(template)}
        self.prefix = f"v{next(number for number in count() if number not in taken)}x"
        self.words = re.compile(rf"{self.prefix}([0-9]+)x")
        self._comments = re.compile(rf"<!--{self.prefix}([0-9]+)x-->|{self.words.pattern}")
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.text = self._veiled()

    def _veiled(self) -> str:
        pieces, position, length = list[str](), 0, 0
        for number, mark in enumerate(self.marks):
            word = self.word(number)
            pieces += [self._template[position : mark.start], word]
            length += mark.start - position
            self._starts.append(length)
            length += len(word)
            self._ends.append(length)
            position = mark.end
        return "".join([*pieces, self._template[position:]])

    def word(self, number: int) -> str:
        return f"{self.prefix}{number}x"

    def numbers(self, text: str) -> list[int]:
        """The marks that are hidden in a text, in order."""
        return [int(found[1]) for found in self.words.finditer(text)]

    def origin(self, offset: int) -> int:
        """Where in the template an offset of `text` is."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return offset
        if offset < self._ends[index]:
            return self.marks[index].start
        return self.marks[index].end + offset - self._ends[index]

    def lifted(self, text: str) -> str:
        """Bring the marks back, wherever their words or comments of them stand."""
        return self._comments.sub(self._lifted, text)

    def lifted_numbers(self, text: str) -> list[int]:
        """The marks that `lifted` brings back, in the order in which they stand there."""
        return [int(found[1] or found[2]) for found in self._comments.finditer(text)]

    def _lifted(self, found: re.Match[str]) -> str:
        mark = self.marks[int(found[1] or found[2])]
        return self._template[mark.start : mark.end]

    def chains(self, among: Iterable[int]) -> list[list[int]]:
        """The marks of each `if` and `for` that begins among these, which are in order.

        One that does not end among them has no last part.
        """
        done, open_ = list[list[int]](), list[list[int]]()
        for number in among:
            words = self.marks[number].words
            first = words[0].text if self.marks[number].kind == "block" and words else ""
            if first in _CHAINS:
                open_.append([number])
                done.append(open_[-1])
            elif first in {"elif", "else", *_CHAINS.values()} and open_:
                open_[-1].append(number)
                if first.startswith("end"):
                    open_.pop()
        return done
