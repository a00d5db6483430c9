"""Where the author of a template wrote what went wrong while it was filled in."""

from bisect import bisect_right
from collections.abc import Sequence

from app.mail.templates.marks import marks
from app.mail.templates.values import RenderError, place_of

# The file and the line of each mark of a text, in order.
Lines = Sequence[tuple[str, int]]


def worded(error: RenderError, text: str, lines: Lines = ()) -> RenderError:
    """The same error, with its line in the body; other files than that are named.

    Without `lines`, the text is the body as it was written.
    """
    if error.offset is None:
        return error
    return error.placed(_where(text, error.offset, lines))


def _where(text: str, offset: int, lines: Lines) -> str:
    if lines:
        starts = [mark.start for mark in marks(text)]
        number = bisect_right(starts, offset) - 1
        if len(starts) == len(lines) and number >= 0:
            path, line = lines[number]
            line += text.count("\n", starts[number], offset)
            return f"line {line}" if path == "body" else f"{path}, line {line}"
    return f"line {place_of(text, offset)[0]}"
