"""HTML laid out as text, by libraries that are loaded when the first is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from app.mail import text_crude, text_tree

if TYPE_CHECKING:
    from inscriptis.model.html_document_state import HtmlDocumentState
    from lxml.html import HtmlElement

# Inscriptis copies the line built so far for each element: beyond this product it takes seconds.
MAX_ELEMENTS = 50_000
MAX_WORK = 2_000_000_000


def laid_out(html: str, replacements: Mapping[str, str]) -> str:
    """Give the text of clean HTML, each URL that is a key of `replacements` as its value.

    What is too deep, broken or big for a layout is reduced to its text. Never raises.
    """
    if html.count("<") > MAX_ELEMENTS:
        return text_crude.stripped(html)

    def target(url: str, label: str) -> str | None:
        return text_tree.target_of(replacements.get(url, url), label)

    try:
        tree = tree_of(html)
        if html.count("<") * len(tree.text_content()) > MAX_WORK:
            return text_crude.stripped(html)
        text_tree.prepare(tree, target=target, is_data=text_tree.are_data)
        return text_of(tree)
    except Exception:  # noqa: BLE001 - RecursionError, parser errors, and what broken trees provoke
        return text_crude.stripped(html)


def tree_of(html: str) -> HtmlElement:
    """Parse clean HTML; raises what lxml does."""
    from lxml.html import HTMLParser, document_fromstring  # noqa: PLC0415  # large

    parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    return document_fromstring(html.encode(), parser=parser)


def text_of(
    tree: HtmlElement, *, end_table: Callable[[HtmlDocumentState], None] | None = None
) -> str:
    """Lay a prepared tree out; `end_table` is called at each `</table>`. Raises anything."""
    from inscriptis.css_profiles import CSS_PROFILES  # noqa: PLC0415  # as lxml
    from inscriptis.html_engine import Inscriptis  # noqa: PLC0415
    from inscriptis.model.config import ParserConfig  # noqa: PLC0415
    from inscriptis.model.tag import CustomHtmlTagHandlerMapping  # noqa: PLC0415

    ends = {} if end_table is None else {"table": end_table}
    config = ParserConfig(
        css=CSS_PROFILES["strict"],
        custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping({}, ends),
    )
    text: str = Inscriptis(tree, config).get_text()
    return text
