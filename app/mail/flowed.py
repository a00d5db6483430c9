"""Text whose paragraphs were broken into lines for the way only (RFC 3676)."""

from collections.abc import Iterator, Mapping

_SIGNATURE = "-- "
# Of more lines it is no letter, and stays as it is.
MAX_LINES = 100_000


def unflowed(text: str, parameters: Mapping[str, str]) -> str:
    r"""Join the lines of a text/plain part where its `parameters` say so; lines end in "\n".

    Quoted paragraphs keep one mark before their first line, with a space behind it.
    """
    if parameters.get("format", "").strip().lower() != "flowed" or text.count("\n") > MAX_LINES:
        return text
    without_space = parameters.get("delsp", "").strip().lower() == "yes"
    return "\n".join(_paragraphs(text, without_space=without_space))


def _paragraphs(text: str, *, without_space: bool) -> Iterator[str]:
    open_depth, pieces = 0, list[str]()
    for line in text.split("\n"):
        words = line.lstrip(">")
        depth = len(line) - len(words)
        words = words.removeprefix(" ")
        if pieces and (depth != open_depth or words == _SIGNATURE):
            # A soft break before another depth is a hard one (section 4.5).
            yield _quoted(open_depth, pieces)
            pieces = []
        open_depth = depth
        is_soft = words.endswith(" ") and words != _SIGNATURE
        pieces.append(words[:-1] if is_soft and without_space else words)
        if not is_soft:
            yield _quoted(depth, pieces)
            pieces = []
    if pieces:
        yield _quoted(open_depth, pieces)


def _quoted(depth: int, pieces: list[str]) -> str:
    words = "".join(pieces)
    return f"{'>' * depth}{' ' if depth and words else ''}{words}"
