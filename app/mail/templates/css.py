"""CSS put into the elements it is for, because many mail programs drop style elements."""

import re
from collections.abc import Iterator

from app.mail.templates.markup import VOID, Piece, outside_values, pieces
from app.mail.templates.veil import Veil

HTML_LIMIT = 1_000_000
TAGS_LIMIT = 20_000
_MARK = re.compile(r"\{[{%#]")
_BEFORE_ROWS = {
    ("start", "table"), ("end", "caption"), ("end", "colgroup"), ("end", "tbody"), ("end", "thead"),
}  # fmt: skip
_EMPTY = re.compile(r"<style[^>]*>\s*</style>")
_IGNORED = ' data-css-inline="ignore"'


class NotInlinedError(Exception):
    """The HTML stays as it is; `offset` is the place in it that keeps it from being changed."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(reason)
        self.offset = offset


def has_styles(html: str) -> bool:
    if "<style" not in html.lower():
        return False
    return any(piece.kind == "raw" and piece.name == "style" for piece in pieces(html))


def inlined(html: str, veil: Veil, *, extra: str | None = None) -> str:
    """Inline the style elements of veiled HTML, or `extra` instead; what cannot be inlined stays.

    Nothing is loaded from anywhere. Raises NotInlinedError where the marks would not keep their
    places.
    """
    if len(html) > HTML_LIMIT or html.count("<") > TAGS_LIMIT:
        raise NotInlinedError(
            f"the HTML has more than {HTML_LIMIT} characters or {TAGS_LIMIT} tags"
        )
    prepared = "".join(_prepared(html, veil, own=extra is None))
    if extra is not None:
        prepared = prepared.replace("</head>", f"<style>{extra}</style></head>", 1)
    import css_inline  # noqa: PLC0415  # used in processes beside those that import this

    inliner = css_inline.CSSInliner(
        keep_style_tags=True,
        keep_link_tags=True,
        keep_at_rules=True,
        load_remote_stylesheets=False,
        remove_inlined_selectors=True,
    )
    try:
        made = inliner.inline(prepared)
    except (css_inline.InlineError, ValueError) as error:
        raise NotInlinedError(f"the CSS cannot be read: {error}") from error
    _check_places(html, prepared, made, veil)
    return _EMPTY.sub("", made.replace(_IGNORED, ""))


def _prepared(html: str, veil: Veil, *, own: bool) -> Iterator[str]:
    """Marks between tags become comments, which may stand anywhere between tags.

    Style elements that are not the `own` ones to be inlined are left alone.
    """
    given = list(pieces(html))
    for index, piece in enumerate(given):
        text = html[piece.start : piece.end]
        if piece.kind == "text":
            yield "<tbody>" if _begins_rows(given, index) else ""
            yield veil.words.sub(r"<!--\g<0>-->", text)
        elif piece.kind in {"start", "end"} and veil.words.search(outside_values(text)):
            raise NotInlinedError("a tag is made by the template", piece.start)
        elif (
            piece.kind == "start"
            and piece.name == "style"
            and not (own and _is_css(html, given[index + 1], veil))
        ):
            yield f"{text[:-1]}{_IGNORED}>"
        else:
            yield text


def _begins_rows(given: list[Piece], index: int) -> bool:
    """Whether rows follow in a table: marks before them belong into the tbody that is implied."""
    if not 0 < index < len(given) - 1:
        return False
    before, after = given[index - 1], given[index + 1]
    opened = (before.kind, before.name) in _BEFORE_ROWS
    return opened and (after.kind, after.name) == ("start", "tr")


def _is_css(html: str, inside: Piece, veil: Veil) -> bool:
    """Whether a style element has no statements in it: else it is CSS once it is filled in."""
    numbers = veil.numbers(html[inside.start : inside.end])
    return all(veil.marks[number].kind == "variable" for number in numbers)


def _check_places(html: str, prepared: str, made: str, veil: Veil) -> None:
    if _MARK.search(made):
        raise NotInlinedError("character references in it read as a part of the template")
    before, after = list(_places(prepared, veil)), list(_places(made, veil))
    kept = {number for number, _ in before}
    # A value of CSS is where the CSS is now.
    if [number for number, _ in before] != [number for number, _ in after if number in kept]:
        raise NotInlinedError("the marks of the template do not stand in well-formed HTML")
    places = dict(after)
    for chain in veil.chains(sorted(places)):
        if len({places[number] for number in chain}) > 1:
            place = html.index(veil.word(chain[0]))
            raise NotInlinedError("a part of the template opens or closes elements", place)


def _places(html: str, veil: Veil) -> Iterator[tuple[int, int]]:
    """Yield each mark outside of the CSS that is inlined, with the number of what it stands in."""
    open_, ignored = [0], False
    for number, piece in enumerate(pieces(html), 1):
        if piece.kind == "start" and piece.name not in VOID:
            open_.append(number)
        elif piece.kind == "end" and len(open_) > 1:
            open_.pop()
        text = html[piece.start : piece.end]
        between = piece.kind == "text" or text.startswith(f"<!--{veil.prefix}")
        if piece.kind != "raw" or piece.name != "style" or ignored:
            for mark in veil.numbers(text):
                yield mark, open_[-1] if between else -number
        ignored = piece.kind == "start" and text.endswith(f"{_IGNORED}>")
