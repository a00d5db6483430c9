"""The places where a template says something, as whole marks: `{{ }}`, `{% %}`, `{# #}`."""

from collections.abc import Iterator
from typing import NamedTuple

from app.mail.templates.lexing import Word, words

_ENDS = {
    "variable_begin": "variable_end",
    "block_begin": "block_end",
    "comment_begin": "comment_end",
    "raw_begin": "raw_end",
}


class Mark(NamedTuple):
    """The mark at `text[start:end]`; `kind` is variable, block, comment or raw.

    `words` are those inside it, without spaces.
    """

    start: int
    end: int
    kind: str
    words: tuple[Word, ...]


def marks(text: str) -> Iterator[Mark]:
    """Yield the marks of a normalised text in order; one that never ends is none.

    Raises TemplateSyntaxError as `lexing.words`.
    """
    inner: list[Word] = []
    begin: Word | None = None
    for word in words(text):
        if begin is None:
            begin = word if word.kind in _ENDS else None
        elif word.kind == _ENDS[begin.kind]:
            kind = begin.kind.removesuffix("_begin")
            yield Mark(begin.start, word.start + len(word.text), kind, tuple(inner))
            begin, inner = None, []
        elif word.kind != "whitespace":
            inner.append(word)
