import re
from collections.abc import Mapping

from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from app.mail import text_crude, text_tree
from app.mail.character_references import unescaped

# Inscriptis copies the line built so far for each element: beyond this product it takes seconds.
MAX_ELEMENTS = 50_000
MAX_WORK = 2_000_000_000
CSS = CSS_PROFILES["strict"]

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
    text = _laid_out(clean, replacements) if has_markup(clean) else unescaped(clean)
    return tidied(_URL.sub(lambda found: _original(found[0], replacements), text))


def cleaned(html: str) -> str:
    """Drop what no parser should see."""
    return _UNSAFE.sub("", html.replace("\f", " "))


def has_markup(html: str) -> bool:
    return _MARKUP_START.search(html) is not None


def _laid_out(html: str, replacements: Mapping[str, str]) -> str:
    if html.count("<") > MAX_ELEMENTS:
        return text_crude.stripped(html)

    def target(url: str, label: str) -> str | None:
        return text_tree.target_of(replacements.get(url, url), label)

    try:
        tree = tree_of(html)
        if html.count("<") * len(tree.text_content()) > MAX_WORK:
            return text_crude.stripped(html)
        text_tree.prepare(tree, target=target, is_data=text_tree.are_data)
        text: str = Inscriptis(tree, ParserConfig(css=CSS)).get_text()
    except Exception:  # noqa: BLE001 - RecursionError, parser errors, and what broken trees provoke
        return text_crude.stripped(html)
    return text


def tree_of(html: str) -> HtmlElement:
    """Parse clean HTML; raises what lxml does."""
    parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    return document_fromstring(html.encode(), parser=parser)


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
