"""What of strangers' HTML may stand in a page of somebody else's, whatever browsers make of it."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import nh3

# As few as these are worked on at once; more can be made to take hours (html5ever#788).
_FEW_TAGS = 1000
_SHORT = 64 * 1024
# A browser that meets one of these needs nobody to answer the mail's author.
SCHEMES = {"http", "https", "mailto", "tel", "cid", "data"}

_TAGS = {
    *("a", "abbr", "address", "article", "aside", "b", "bdi", "bdo", "big", "blockquote", "br"),
    *("caption", "center", "cite", "code", "col", "colgroup", "dd", "del", "dfn", "div", "dl"),
    *("dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5", "h6"),
    *("header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre"),
    *("q", "s", "samp", "section", "small", "span", "strike", "strong", "sub", "sup", "table"),
    *("tbody", "td", "tfoot", "th", "thead", "time", "tr", "tt", "u", "ul", "var", "wbr"),
}
# Gone with what is in them: it is for programs, or shown by none.
_WHOLE = {
    *("applet", "audio", "canvas", "embed", "frameset", "head", "iframe", "math", "noembed"),
    *("noframes", "object", "script", "select", "style", "svg", "template", "title", "video"),
}
_BOX = {"align", "bgcolor", "height", "valign", "width"}
_ATTRIBUTES = {
    "*": {"dir", "lang", "style", "title"},
    "a": {"href"},
    "col": {*_BOX, "span"},
    "colgroup": {*_BOX, "span"},
    "div": {"align", "bgcolor"},
    "font": {"color", "face", "size"},
    "hr": {"align", "color", "noshade", "size", "width"},
    "img": {"align", "alt", "border", "height", "hspace", "src", "vspace", "width"},
    "li": {"type", "value"},
    "ol": {"reversed", "start", "type"},
    "p": {"align"},
    "table": {*_BOX, "border", "cellpadding", "cellspacing", "frame", "rules", "summary"},
    "tbody": _BOX,
    "td": {*_BOX, "colspan", "nowrap", "rowspan"},
    "tfoot": _BOX,
    "th": {*_BOX, "colspan", "nowrap", "rowspan", "scope"},
    "thead": _BOX,
    "tr": _BOX,
    "ul": {"type"},
    **{f"h{level}": {"align"} for level in range(1, 7)},
}
_STYLES = {
    *("background", "background-color", "border", "border-collapse", "border-radius"),
    *("border-spacing", "caption-side", "clear", "color", "direction", "display", "empty-cells"),
    *("float", "font", "font-family", "font-size", "font-style", "font-variant", "font-weight"),
    *("height", "letter-spacing", "line-height", "list-style", "list-style-type", "margin"),
    *("max-height", "max-width", "min-height", "min-width", "opacity", "overflow"),
    *("overflow-wrap", "padding", "table-layout", "text-align", "text-decoration"),
    *("text-decoration-color", "text-decoration-line", "text-indent", "text-transform"),
    *("unicode-bidi", "vertical-align", "visibility", "white-space", "width", "word-break"),
    *("word-spacing", "word-wrap"),
    *(f"{kind}-{side}" for kind in ("border", "margin", "padding")
      for side in ("top", "right", "bottom", "left")),
    *(f"border-{side}{part}" for part in ("color", "style", "width")
      for side in ("", "top-", "right-", "bottom-", "left-")),
}  # fmt: skip


_BODY = re.compile(r"<body(?=[\s/])", re.IGNORECASE)
_COLOURED = re.compile(r"[\s\"'/](?:style|bgcolor)\s*=", re.IGNORECASE)
_LONGEST_BODY = 2000


def _absolute(url: str) -> str | None:
    """Take what leaves the scheme out for the web; there is no page that others are relative to."""
    return f"https:{url}" if url.startswith("//") else None


@cache
def _cleaner() -> "nh3.Cleaner":
    import nh3  # noqa: PLC0415  # a process that shows no HTML does without

    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_WHOLE,
        attributes=_ATTRIBUTES,
        tag_attribute_values={
            "blockquote": {"type": {"cite"}},
            "table": {"role": {"presentation", "none"}},
        },
        url_schemes=SCHEMES,
        url_relative=_absolute,
        link_rel=None,
        filter_style_properties=_STYLES,
    )


def is_small(html: str) -> bool:
    """Whether `cleaned` ends within a tenth of a second, whoever wrote it."""
    return len(html) <= _SHORT and html.count("<") <= _FEW_TAGS and not _has_style_sheet(html)


def cleaned(html: str) -> str:
    """Keep the tags, attributes and properties of styles that a mail is made of, and nothing else.

    Style sheets in it are written into its elements. The values of styles and of `src` are still as
    they came. Every attribute of the result is written `name="value"`, and no value has `<`, `>` or
    `"` in it. May take hours, or all memory, or end the process, for HTML that is not small.
    """
    whole = html.encode(errors="replace").decode()
    if _has_style_sheet(whole):
        whole = _inlined(whole)
    return _cleaner().clean(_with_ground(whole))


def _has_style_sheet(html: str) -> bool:
    return "<style" in html.lower()


def _inlined(html: str) -> str:
    """Write what style sheets say into the elements, loading nothing.

    What cannot be read is dropped with the rest of the sheet.
    """
    import css_inline  # noqa: PLC0415  # used in processes beside those that import this

    inliner = css_inline.CSSInliner(
        keep_style_tags=False, keep_link_tags=False, load_remote_stylesheets=False
    )
    try:
        inlined: str = inliner.inline(html)
    except (css_inline.InlineError, ValueError):
        return html
    return inlined


def _with_ground(html: str) -> str:
    """Have an element in the place of a body that has a colour or a font of its own."""
    body = _BODY.search(html)
    if body is None:
        return html
    end = html.find(">", body.end(), body.end() + _LONGEST_BODY)
    if end < 0 or not _COLOURED.search(html, body.end(), end):
        return html
    return f"{html[: body.start()]}<div{html[body.end() :]}"
