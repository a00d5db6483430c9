"""Bring an HTML tree into the form whose layout reads well as plain text."""

import re
from collections.abc import Mapping
from urllib.parse import unquote

from lxml.html import HtmlElement

_DROPPED = {
    *("script", "style", "title", "template", "head", "svg", "math", "object", "audio", "video"),
    *("iframe", "noembed", "noframes", "select", "textarea", "input"),
}
_BLOCKS = {"center", "section", "dl", "dt", "dd", "form", "fieldset", "details", "summary"}
_TABLE_PARTS = ("table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th")
_HIDDEN = re.compile(r"display:none|visibility:hidden")
_FLAT = re.compile(r"max-height:0(?:px)?(?:;|!|$)")
_KEEPS_LINES = re.compile(r"white-space:(?:pre|break-spaces)")
_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCHEME = re.compile(r"(https?|mailto|tel|sms):", re.IGNORECASE)
_MAX_CELL_LENGTH = 100
_MAX_CELL_ELEMENTS = 10


def prepare(tree: HtmlElement, replacements: Mapping[str, str]) -> None:
    """Change the tree in place: drop the hidden, spell out images and links, undo layout tables.

    `replacements` maps tracking URLs to the URLs to show.
    """
    for element in list(tree.iter()):
        _clean(element)
    for anchor in list(tree.iter("a")):
        _spell_out(anchor, replacements)
    kept = {part for table in tree.iter("table") if _is_data(table) for part in table.iter()}
    for part in list(tree.iter(*_TABLE_PARTS)):
        if part not in kept:
            part.tag = "div"
    for element in tree.iter():
        # Inscriptis decodes character references once more, which lxml has done already.
        element.text = element.text and element.text.replace("&", "&amp;")
        element.tail = element.tail and element.tail.replace("&", "&amp;")


def _clean(element: HtmlElement) -> None:
    attributes = dict(element.attrib)
    style = "".join(attributes.get("style", "").lower().split())
    if element.tag in _DROPPED or "hidden" in attributes or _is_hidden(style):
        _empty(element)
    elif element.tag == "img":
        alt = " ".join(_UNWRITABLE.sub("", attributes.get("alt", "")).split())
        _empty(element)
        element.text = f"[{alt}]" if alt else None
    elif element.tag == "hr":
        element.tag, element.text = "p", "-" * 40
    elif element.tag in _BLOCKS:
        element.tag = "div"
    href = attributes.get("href") if element.tag == "a" else None
    # Styles such as margin-top:9999em would be laid out to the letter.
    element.attrib.clear()
    if href:
        element.set("href", _UNWRITABLE.sub("", href))
    if _KEEPS_LINES.search(style):
        element.set("style", "white-space: pre")


def _is_hidden(style: str) -> bool:
    is_flat = _FLAT.search(style) is not None and "overflow:hidden" in style
    return is_flat or _HIDDEN.search(style) is not None


def _empty(element: HtmlElement) -> None:
    tail = element.tail
    element.clear()
    element.tag, element.tail = "span", tail


def _spell_out(anchor: HtmlElement, replacements: Mapping[str, str]) -> None:
    """Write the link's target behind its label, unless the label says it already."""
    url = anchor.attrib.pop("href", "").strip()
    url = replacements.get(url, url)
    label = " ".join(anchor.text_content().split())
    target = _target(url, label)
    if not target:
        return
    addition = f" ({target})" if label else f" {target}"
    if len(anchor):
        anchor[-1].tail = (anchor[-1].tail or "") + addition
    else:
        anchor.text = (anchor.text or "") + addition


def _target(url: str, label: str) -> str | None:
    scheme = _SCHEME.match(url)
    if not scheme:
        return None
    rest = url[scheme.end() :]
    if scheme[1].lower().startswith("http"):
        return None if rest.strip("/") in label else url
    rest = _UNWRITABLE.sub("", unquote(rest.partition("?")[0]))
    if scheme[1].lower() == "mailto":
        return None if rest in label else rest
    return None if _digits(rest) in _digits(label) else rest


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def _is_data(table: HtmlElement) -> bool:
    """Tell a table of short values, to be set in columns, from one that only places things."""
    if next(table.iterdescendants("table"), None) is not None:
        return False
    cells = list(table.iter("td", "th"))
    has_columns = any(cell.getnext() is not None for cell in cells)
    return has_columns and all(map(_is_short, cells))


def _is_short(cell: HtmlElement) -> bool:
    elements = sum(1 for _ in cell.iterdescendants())
    return elements <= _MAX_CELL_ELEMENTS and len(cell.text_content().strip()) <= _MAX_CELL_LENGTH
