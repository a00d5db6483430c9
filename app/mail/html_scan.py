"""Where the few tags that matter stand in HTML, by the tokenizer of the HTML standard (13.2.5).

Everything else is stepped over inside one regular expression: its repeats are possessive and their
alternatives start differently, so each character is looked at a bounded number of times, whatever
the input. A construct that never closes ends the scan, because a browser sees no tag after it.
"""

import re
from collections.abc import Iterator
from functools import cache
from html.entities import html5
from typing import NamedTuple

from app.mail.character_references import unescaped

_WS = r"\t\n\f\r "
_NAME_END = rf"(?=[{_WS}/>])"
_ATTRIBUTES = (
    rf"(?:[{_WS}/]++|[^{_WS}/>][^{_WS}/>=]*+"
    rf"(?:[{_WS}]*+=[{_WS}]*+"
    rf"(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^{_WS}>\"'][^{_WS}>]*+)?+)?+)*+"
)
_RAW_TEXT = ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
_MARKS = "|".join(["a", "area", "/a", "/body", "/html", "plaintext", *_RAW_TEXT])
_COMMENT = r"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+--!?>)"
_BOGUS_COMMENT = r"<(?:/(?![a-z])|\?|!(?!--|(?-i:\[CDATA\[)))[^>]*+>"
_ANY_TAG = rf"/?[a-z][^{_WS}/>]*+{_ATTRIBUTES}"
_OTHER_TAG = rf"<(?!(?:{_MARKS}){_NAME_END}){_ANY_TAG}>"
_TEXT = r"[^<]++|<(?![a-z/!?])"
_FLAGS = re.ASCII | re.IGNORECASE

_NEXT_MARK = re.compile(
    rf"(?:{_TEXT}|{_OTHER_TAG}|{_COMMENT}|{_BOGUS_COMMENT})*+"
    rf"(?:<(?P<name>{_MARKS}){_NAME_END}{_ATTRIBUTES}>)?",
    _FLAGS,
)
_ATTRIBUTE = re.compile(
    rf"(?P<name>[^{_WS}/>][^{_WS}/>=]*+)"
    rf"(?:[{_WS}]*+=[{_WS}]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^{_WS}>\"'][^{_WS}>]*+))?)?"
)
# The groups of the above for values in quotes of both kinds.
_QUOTED = {2, 3}
_TAG_NAME = re.compile(rf"<[^{_WS}/>]*+")
# One tag or comment. The end of the text closes it too: looking ahead in vain would be quadratic.
MARKUP = re.compile(
    rf"<!--(?:-?>|(?:[^-]++|-(?!-!?>))*+(?:--!?>|\Z))|<{_ANY_TAG}(?:>|\Z)|<[!?/][^>]*+(?:>|\Z)",
    _FLAGS,
)
_SCRIPT_PART = re.compile(rf"<!--|-->|</?script{_NAME_END}", _FLAGS)
_REFERENCE = re.compile(r"&(?:#(?:x[0-9a-f]++|[0-9]++);?|[a-z][a-z0-9]*+(?P<end>;|(?==))?)", _FLAGS)


class Mark(NamedTuple):
    """A tag at `html[start:end]`; `name` is lower case, with a leading slash for end tags.

    The last mark of a scan has the name "": there ends what a browser shows as content.
    """

    name: str
    start: int
    end: int


class Attribute(NamedTuple):
    """The value at `html[start:end]` as written, and its quote: `"`, `'` or "" (none)."""

    start: int
    end: int
    quote: str


def marks(html: str) -> Iterator[Mark]:
    """Yield a, area, /a, /body and /html tags in order, then one mark for the end of the content.

    Comments, raw text elements and CDATA sections are stepped over. Linear in the input.
    """
    position, last_cdata_end = 0, html.rfind("]]>")
    while position >= 0:
        found = _NEXT_MARK.match(html, position)
        assert found is not None  # noqa: S101 - both parts of the pattern may be empty
        name = (found["name"] or "").lower()
        start = found.start("name") - 1 if name else found.end()
        position = found.end()
        if name in _RAW_TEXT:
            position = _raw_text_end(html, position, name=name)
        elif not name or name == "plaintext":
            position = _cdata_end(html, position, last=last_cdata_end)
        else:
            yield Mark(name, start, position)
    yield Mark("", start, len(html))


def attributes(html: str, mark: Mark, *, names: frozenset[str]) -> dict[str, Attribute]:
    """Return the named attributes of a start tag; of duplicates the first counts (13.2.5.33)."""
    result: dict[str, Attribute] = {}
    if mark.end - mark.start == len(mark.name) + 2:
        return result
    for found in _ATTRIBUTE.finditer(html, mark.start + 1 + len(mark.name), mark.end - 1):
        name = found["name"].lower()
        if name in names and name not in result:
            group = found.lastindex or 1
            end = found.end() if group == 1 else found.end(group)
            start = end if group == 1 else found.start(group)
            result[name] = Attribute(start, end, ("", "", '"', "'", "")[group])
    return result


def attribute_text(raw: str) -> str:
    """Decode the character references of an attribute value.

    Unlike html.unescape, it keeps `&copy=1` and `&section=2` of a query, as a browser does.
    """
    return _REFERENCE.sub(_decoded, raw) if "&" in raw else raw


def without_quoted(tag: str) -> str:
    """Give a start tag without the values of its attributes that stand in quotes."""
    name = _TAG_NAME.match(tag)
    rest = tag if name is None else tag[name.end() :]
    return _ATTRIBUTE.sub(lambda one: one["name"] if one.lastindex in _QUOTED else one[0], rest)


def visible_text(html: str) -> str:
    """Strip tags and comments and decode character references; meant for a few inline elements."""
    return unescaped(MARKUP.sub("", html))


def _decoded(reference: re.Match[str]) -> str:
    text = reference[0]
    if text[1] == "#":
        return unescaped(text)
    if reference["end"] == "":
        return text
    return html5.get(text[1:], text)


def _raw_text_end(html: str, position: int, *, name: str) -> int:
    """Return where the end tag of a raw text element starts, or -1 when there is none."""
    if name == "script":
        return _script_end(html, position)
    found = _end_tag(name).search(html, position)
    return found.start() if found else -1


def _cdata_end(html: str, position: int, *, last: int) -> int:
    """Return where the CDATA section at `position` ends, or -1 when there is none to step over.

    Without any `]]>` to come (the `last` one is known, to stay linear) it is a bogus comment.
    """
    if not html.startswith("<![CDATA[", position):
        return -1
    closing = "]]>" if position < last else ">"
    end = html.find(closing, position)
    return end + len(closing) if end >= 0 else -1


@cache
def _end_tag(name: str) -> re.Pattern[str]:
    return re.compile(rf"</{name}{_NAME_END}", _FLAGS)


def _script_end(html: str, position: int) -> int:
    """Follow the "escaped" states: in `<!-- <script>` the next `</script>` does not close."""
    escaped = nested = False
    while found := _SCRIPT_PART.search(html, position):
        part = found[0].lower()
        position = found.end()
        if part == "<!--":
            escaped = True
            position -= 2
        elif part == "-->":
            escaped = nested = False
        elif part == "<script":
            nested = escaped
        elif nested:
            nested = False
        else:
            return found.start()
    return -1
