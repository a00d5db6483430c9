import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from urllib.parse import unquote

from app.mail.html_scan import Attribute, Mark, attribute_text, attributes, marks, visible_text

# Longer redirects break in proxies (nginx buffers 8 KB of headers): better untracked than dead.
MAX_URL_LENGTH = 8000

_NAMES = frozenset({"href", "rel", "data-letterbox-track"})
_WEB_URL = re.compile(r"https?://.", re.IGNORECASE)
_AFTER_HOST = re.compile(r"[^:]*://[^/\\?#]*")
_OPT_OUT = re.compile(
    r"(?:(?<![^\W\d_])|(?<=[a-z])(?=[A-Z]))"
    r"(?i:unsubscribe|unsub|opt[-_\s\u2010\u2011]?out|afmelden|uitschrijven)"
    r"(?:(?![^\W\d_])|(?<=[a-z])(?=[A-Z]))"
)
# What the URL standard (4.1) strips from both ends, and what it drops anywhere.
_URL_EDGES = "".join(map(chr, range(0x21)))
_URL_BREAKS = str.maketrans({"\t": None, "\n": None, "\r": None, "\0": "\ufffd"})
_UNQUOTED = str.maketrans(
    {character: f"&#{ord(character)};" for character in "\t\n\f\r =`"},
)


@dataclass(frozen=True)
class TrackedBody:
    """Rewritten HTML; `links[index]` is the original URL behind `link_url(index)`."""

    html: str
    links: tuple[str, ...]


def track(
    html: str,
    *,
    link_url: Callable[[int], str] | None,
    pixel_url: str | None,
    untouched: tuple[str, ...] = (),
) -> TrackedBody:
    """Route the web links of an HTML body through `link_url(index)` and add an opens pixel.

    The index counts tracked links from 0 in order of appearance. Unsubscribe links (by URL, text
    or rel), `data-letterbox-track="off"`, URLs that begin with one of `untouched`, URLs beyond 8000
    characters and anything but http(s) stay. All other bytes stay as they are. The pixel goes
    before the last `</body>`, else the last `</html>`, else at the end of the content. Linear in
    the size of the input; raises only what `link_url` raises.
    """
    places: dict[str, int] = {}
    edits: list[tuple[int, int, str]] = []
    links: list[str] = []
    for url, value in _links(html, _noted(marks(html), places)):
        if link_url is not None and not url.startswith(untouched):
            new = _attribute_value(link_url(len(links)), quote=value.quote)
            edits.append((value.start, value.end, new))
            links.append(url)
    if pixel_url is not None:
        place = places.get("/body", places.get("/html", places[""]))
        edits.append((place, place, _pixel(pixel_url)))
    return TrackedBody(html=_edited(html, sorted(edits)), links=tuple(links))


def _noted(found: Iterable[Mark], places: dict[str, int]) -> Iterator[Mark]:
    """Pass marks on, keeping where the last one of each name started."""
    for mark in found:
        places[mark.name] = mark.start
        yield mark


def _links(html: str, found: Iterable[Mark]) -> Iterator[tuple[str, Attribute]]:
    """Yield the trackable links in order; an anchor's text ends where the next anchor starts."""
    waiting: list[Mark] = []
    for mark in found:
        if mark.name in {"a", "/a", ""}:
            for start_tag in waiting:
                text_end = mark.start if start_tag is waiting[0] else start_tag.end
                yield from _trackable(html, start_tag, text_end=text_end)
            waiting = [mark] if mark.name == "a" else []
        elif mark.name == "area" and waiting:
            waiting.append(mark)
        elif mark.name == "area":
            yield from _trackable(html, mark, text_end=mark.end)


def _trackable(html: str, mark: Mark, *, text_end: int) -> Iterator[tuple[str, Attribute]]:
    spans = attributes(html, mark, names=_NAMES)
    href = spans.get("href")
    if href is None:
        return
    values = {name: attribute_text(html[span.start : span.end]) for name, span in spans.items()}
    url = values["href"].strip(_URL_EDGES).translate(_URL_BREAKS)
    if (
        len(url) <= MAX_URL_LENGTH
        and _WEB_URL.match(url)
        and values.get("data-letterbox-track", "").strip().lower() != "off"
        and "unsubscribe" not in values.get("rel", "").lower()
        and not _OPT_OUT.search(unquote(_AFTER_HOST.sub("", url, count=1)))
        and not _OPT_OUT.search(visible_text(html[mark.end : text_end]))
    ):
        yield url, href


def _attribute_value(text: str, *, quote: str) -> str:
    escaped = escape(text)
    if quote:
        return escaped
    return escaped.translate(_UNQUOTED) or '""'


def _pixel(url: str) -> str:
    return f'<img src="{escape(url)}" width="1" height="1" alt="" style="display:none">'


def _edited(html: str, edits: Iterable[tuple[int, int, str]]) -> str:
    pieces: list[str] = []
    done = 0
    for start, end, text in edits:
        pieces += (html[done:start], text)
        done = end
    return "".join([*pieces, html[done:]])
