"""Bring an HTML tree into the form whose layout reads well as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
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


def prepare(
    tree: HtmlElement,
    *,
    target: Callable[[str, str], str | None],
    is_data: Callable[[list[HtmlElement]], bool],
) -> None:
    """Change the tree in place: drop the hidden, spell out images and links, undo layout tables.

    `target` is what is written behind a link, told its URL and its label; `is_data` whether a
    table without another in it is set in columns, told its cells.
    """
    for element in list(tree.iter()):
        _clean(element)
    for anchor in list(tree.iter("a")):
        _spell_out(anchor, target)
    kept = {
        part
        for table in tree.iter("table")
        if (cells := _cells_in_columns(table)) and is_data(cells)
        for part in table.iter()
    }
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


def _spell_out(anchor: HtmlElement, target: Callable[[str, str], str | None]) -> None:
    """Write the link's target behind its label, unless the label says it already."""
    url = anchor.attrib.pop("href", "").strip()
    label = " ".join(anchor.text_content().split())
    shown = target(url, label)
    if not shown:
        return
    addition = f" ({shown})" if label else f" {shown}"
    if len(anchor):
        anchor[-1].tail = (anchor[-1].tail or "") + addition
    else:
        anchor.text = (anchor.text or "") + addition


def target_of(url: str, label: str) -> str | None:
    """Tell what is written behind a link: where it leads, unless its label says so."""
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


def _cells_in_columns(table: HtmlElement) -> list[HtmlElement]:
    """The cells of a table with several columns and without a table in it; none of others."""
    if next(table.iterdescendants("table"), None) is not None:
        return []
    cells = list(table.iter("td", "th"))
    return cells if any(cell.getnext() is not None for cell in cells) else []


def are_data(cells: list[HtmlElement]) -> bool:
    """Tell a table of short values, to be set in columns, from one that only places things."""
    return all(has_few_elements(cell) and is_short(cell.text_content()) for cell in cells)


def has_few_elements(cell: HtmlElement) -> bool:
    return sum(1 for _ in cell.iterdescendants()) <= _MAX_CELL_ELEMENTS


def is_short(text: str) -> bool:
    return len(text.strip()) <= _MAX_CELL_LENGTH
