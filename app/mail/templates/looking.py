"""What an author of HTML may have overlooked, told as warnings."""

from collections.abc import Callable

from app.mail.templates.markup import lacks_alt, pieces
from app.mail.templates.veil import Veil

# Told an offset in the veiled text, and what is wrong there.
Report = Callable[[int, str], None]

_CLOSED = {
    "a", "b", "blockquote", "center", "div", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "i",
    "ol", "span", "strong", "table", "u", "ul",
}  # fmt: skip


# Of more tags nobody wrote each.
TAGS_LIMIT = 50_000


def look(veil: Veil, warn: Report) -> None:
    """Warn of pictures without words and of elements that are never closed."""
    if veil.text.count("<") > TAGS_LIMIT:
        warn(0, f"has more than {TAGS_LIMIT} tags, which are not looked through")
        return
    open_: dict[str, list[int]] = {}
    found: list[tuple[int, str]] = []
    for piece in pieces(veil.text):
        if lacks_alt(veil.text, piece):
            found.append((piece.start, "img has no alt, which is read where it is not shown"))
        if piece.name not in _CLOSED:
            continue
        if piece.kind == "start":
            open_.setdefault(piece.name, []).append(piece.start)
        elif piece.kind == "end" and open_.get(piece.name):
            open_[piece.name].pop()
    found += [
        (place, f"<{name}> is not closed") for name, places in open_.items() for place in places
    ]
    for place, message in sorted(found):
        warn(place, message)
