"""The text of received HTML, with what it quotes marked as in text: behind `>`."""

import re
from collections.abc import Iterable, Iterator

from app.mail.html_scan import MARKUP, Mark, attribute_text, attributes
from app.mail.text import plain_text

# Characters that no mail has stand where a quotation begins and ends.
_OPEN, _CLOSE = "\U0010fff0", "\U0010fff1"
_MARKS = str.maketrans("", "", _OPEN + _CLOSE)
_MARK = re.compile(f"([{_OPEN}{_CLOSE}])")
_TAG = re.compile(r"<(/?)blockquote(?=[\s/>])", re.IGNORECASE)
# Nobody answers more answers; of more marks the text would be longer than the HTML.
_DEEPEST = 50
_NAMES = frozenset({"type", "class"})
# Others only set a paragraph in.
_QUOTING = re.compile(r"\b(?:gmail|protonmail|yahoo)_quote", re.IGNORECASE)


def quoted_text(html: str) -> str:
    """Give `plain_text` of HTML, where lines of an answered mail begin with `>`.

    Those are in `blockquote` elements of type `cite`, or of the classes of well-known programs.
    """
    if "<blockquote" not in html.lower():
        return plain_text(html, replacements={})
    return _prefixed(plain_text(_marked(html.translate(_MARKS)), replacements={}))


def _marked(html: str) -> str:
    quoting: list[bool] = []

    def mark(markup: re.Match[str]) -> str:
        tag = _TAG.match(markup[0])
        if tag is None:
            return markup[0]
        if not tag[1]:
            quoting.append(_is_quotation(markup[0]))
            return f"{markup[0]}<div>{_OPEN}</div>" if quoting[-1] else markup[0]
        is_one = bool(quoting) and quoting.pop()
        return f"<div>{_CLOSE}</div>{markup[0]}" if is_one else markup[0]

    return MARKUP.sub(mark, html)


def _is_quotation(tag: str) -> bool:
    found = attributes(tag, Mark("blockquote", 0, len(tag)), names=_NAMES)
    values = {name: attribute_text(tag[one.start : one.end]) for name, one in found.items()}
    is_cite = values.get("type", "").strip().lower() == "cite"
    return is_cite or _QUOTING.search(values.get("class", "")) is not None


def _prefixed(text: str) -> str:
    lines = "\n".join(_lines(text.split("\n"))).strip("\n")
    return f"{lines}\n" if lines else ""


def _lines(lines: Iterable[str]) -> Iterator[str]:
    """Give the lines with their `>`, without blank ones at the edges of quotations."""
    depth = blanks = least = 0
    begun = False
    for line in lines:
        for part in _MARK.split(line):
            if part == _CLOSE:
                depth, blanks, least, begun = max(0, depth - 1), 0, min(1, blanks + least), False
            elif part == _OPEN or part.strip():
                yield from [">" * min(depth, _DEEPEST)] * max(blanks, least)
                depth, blanks, least, begun = depth + (part == _OPEN), 0, 0, part == _OPEN
                if not begun:
                    yield f"{'>' * min(depth, _DEEPEST)} {part}" if depth else part
        if not line and not begun:
            blanks += 1
