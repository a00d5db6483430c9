"""HTML looked at for what a template's author would want to know, and for where its marks stand."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_RAW = {"script", "style", "textarea", "title"}
VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
}  # fmt: skip
_TAG = re.compile(
    r"<!--(?:[^-]++|-(?!->))*+(?:-->|\Z)"
    r"|<(?P<end>/?)(?P<name>[a-z][^\s/>]*+)"
    r"(?P<attributes>(?:[^>\"']|\"[^\"]*+\"|'[^']*+')*+)(?:>|\Z)"
    r"|<[!?][^>]*+(?:>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_VALUES = re.compile(r"=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>]++)")
_ALT = re.compile(r"(?:^|\s)alt(?=[\s=/]|\Z)", re.IGNORECASE)


class Piece(NamedTuple):
    """What stands at `html[start:end]`; `kind` is start, end, comment, raw or text.

    `name` is that of the tag, or of the element that raw text stands in, in small letters.
    """

    kind: str
    name: str
    start: int
    end: int


def pieces(html: str) -> Iterator[Piece]:
    """Yield all of HTML in order, as its tags are written."""
    position = 0
    while found := _TAG.search(html, position):
        if found.start() > position:
            yield Piece("text", "", position, found.start())
        name = (found["name"] or "").lower()
        kind = "comment" if not name else "end" if found["end"] else "start"
        yield Piece(kind, name, found.start(), found.end())
        position = found.end()
        if kind == "start" and name in _RAW:
            closing = re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE).search(html, position)
            end = len(html) if closing is None else closing.start()
            yield Piece("raw", name, position, end)
            position = end
    if position < len(html):
        yield Piece("text", "", position, len(html))


def outside_values(tag: str) -> str:
    """A tag without the values of its attributes."""
    return _VALUES.sub("=", tag)


def lacks_alt(html: str, piece: Piece) -> bool:
    """Whether it is a picture without words for it."""
    if piece.kind != "start" or piece.name != "img":
        return False
    return _ALT.search(outside_values(html[piece.start + 4 : piece.end].rstrip(">"))) is None
