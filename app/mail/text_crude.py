import re

from app.mail.character_references import unescaped
from app.mail.html_scan import MARKUP, Mark, attribute_text, attributes

_HREF = frozenset({"href"})
_TARGET = re.compile(r"\s*+https?://", re.IGNORECASE)
_END = r"(?=[\s/>])"
_UNSEEN = re.compile(
    rf"<(?P<name>script|style|title|noembed|noframes|iframe){_END}(?:[^<]++|<(?!/(?P=name)))*+",
    re.IGNORECASE | re.ASCII,
)
_BREAK = re.compile(
    rf"</?(?:br|p|div|tr|td|th|table|li|ul|ol|h[1-6]|hr|pre|blockquote|center){_END}",
    re.IGNORECASE | re.ASCII,
)
_ANCHOR = re.compile(rf"<(/?)a{_END}", re.IGNORECASE | re.ASCII)


def stripped(html: str) -> str:
    """Reduce HTML to its text, a line for each block, web links behind their labels.

    Crude, but linear and good for any input.
    """
    target = ""

    def replacement(markup: re.Match[str]) -> str:
        nonlocal target
        tag = markup[0]
        if _BREAK.match(tag):
            return "\n"
        anchor = _ANCHOR.match(tag)
        if not anchor:
            return ""
        shown, target = f" ({target})" if target else "", _target(tag) if not anchor[1] else ""
        return shown

    return unescaped(MARKUP.sub(replacement, _UNSEEN.sub("", html)))


def _target(tag: str) -> str:
    """Return the web URL of an anchor, encoded for the decoding that follows, or nothing."""
    href = attributes(tag, Mark("a", 0, len(tag)), names=_HREF).get("href")
    url = attribute_text(tag[href.start : href.end]) if href else ""
    return url.strip().replace("&", "&amp;") if _TARGET.match(url) else ""
