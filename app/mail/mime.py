"""The parts of a received message, found without holding more than the message itself.

`email.message_from_bytes` does the same for well-meant mail. For the other kind it fails (measured
on 3.11: RecursionError at 1000 nested parts) or takes time with size times depth (2.8 s for 400 KB
nested 200 deep), so structure is read here, and it reads the values of single fields.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.mail.parameters import read_parameters

# Room for ten thousand recipients.
HEAD_LIMIT = 1024 * 1024
# Of more names of fields, and more fields of one name, the first are read.
MAX_NAMES = 2000
MAX_OF_ONE_NAME = 200
# Of a part inside: programs write a few lines.
PART_HEAD_LIMIT = 8 * 1024
MAX_DEPTH = 12
MAX_PARTS = 1000
# Lines that begin as a boundary does and are none.
MAX_FALSE = 100_000

_FIRST_LINE_END = re.compile(rb"\r?\n")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
# All lines from the first that are fields or parts of one.
_HEAD = re.compile(rb"(?:(?:[!-9;-~]++[ \t]*+:|[ \t])[^\n]*+(?:\n|\Z))*+")
_PART_FIELD = re.compile(
    rb"^(content-[a-z-]{1,30})[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE | re.MULTILINE
)
_FOLD = re.compile(rb"\r?\n|\r\Z")
_MEDIA_TYPE = re.compile(r"[^\s/]+/[^\s/]+")
_MAX_BOUNDARY = 200
# RFC 2045, 2183, 2392 and 2557.
_PART_FIELDS = {
    "content-type", "content-transfer-encoding", "content-disposition", "content-id",
    "content-description", "content-location",
}  # fmt: skip
_DELIMITER_TAIL = re.compile(rb"(--)?[ \t]*(?=\r?\n|\Z)")
# A line as it stands between parts: the next one is a field, or empty.
_UNTOLD = re.compile(rb"\n--(?=-{0,60}[^\s-])([^\r\n]{1,200}+)(?=\r?\n(?:\r?\n|[!-9;-~]{1,76}:))")


@dataclass(frozen=True)
class Part:
    """One entity of a message (RFC 2045 section 2.4): header values by lower-case name, unfolded.

    Its content is `raw[start:end]`, encoded as it came.
    """

    headers: Mapping[str, list[str]]
    start: int
    end: int

    def header(self, name: str) -> str:
        """The first field of this name, "" when there is none."""
        return self.headers.get(name, [""])[0]

    def structured(self, name: str) -> tuple[str, Mapping[str, str]]:
        """The lower-case value of Content-Type or Content-Disposition, and its parameters."""
        value, parameters = read_parameters(self.header(name))
        if name == "content-type" and value and not _MEDIA_TYPE.fullmatch(value):
            # RFC 2045 section 5.2
            value = "text/plain"
        return value, parameters


@dataclass(frozen=True)
class Opened:
    """A message in its parts: `top` has its head, `parts` are what is not multipart, in order.

    `raw` has line feeds. One that is not whole has more or deeper parts, or more header fields,
    than are looked at.
    """

    raw: bytes
    top: Part
    parts: Sequence[Part]
    is_whole: bool


@dataclass
class _Search:
    """How many more parts may be found, and lines be taken for boundaries that are none."""

    parts: int = MAX_PARTS
    false: int = MAX_FALSE

    @property
    def is_over(self) -> bool:
        return self.parts <= 0 or self.false <= 0


def opened(raw: bytes | Opened) -> Opened:
    """Find the parts of a message, unless they are found already. Never raises."""
    if isinstance(raw, Opened):
        return raw
    raw = with_line_feeds(raw)
    top = message(raw)
    parts, is_whole = _leaves(raw, top)
    return Opened(raw, top, parts, is_whole and top.start <= HEAD_LIMIT)


def unopened(raw: bytes) -> Opened:
    """Take a message for one without parts or fields."""
    return Opened(raw, Part({}, 0, len(raw)), [], is_whole=True)


def with_line_feeds(raw: bytes) -> bytes:
    """Give it line feeds where it has none: lines may end in CR alone."""
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


def message(raw: bytes) -> Part:
    """Read the head of a message. Never raises; at most 1 MB of header fields are read."""
    return _part(raw, 0, len(raw))


def _leaves(raw: bytes, top: Part) -> tuple[list[Part], bool]:
    """Find what is not multipart, in order, and whether that is all there is.

    Messages inside the message are not opened. At most 1000 parts, 12 deep; a multipart in which
    nothing is found is a leaf. Time goes with size times depth.
    """
    found: list[Part] = []
    waiting = [(top, 0)]
    search, is_whole = _Search(), True
    while waiting and search.parts > 0:
        part, depth = waiting.pop()
        search.parts -= 1
        spans = _spans(raw, part, search) if depth < MAX_DEPTH else None
        if spans is None:
            found.append(_untold(part) if depth == 0 else part)
            is_whole = is_whole and (depth < MAX_DEPTH or not _is_multipart(part))
            continue
        # RFC 2046 section 5.1.5: what a digest holds are messages.
        is_digest = part.structured("content-type")[0] == "multipart/digest"
        inner = [_inner(raw, start, end, is_digest=is_digest) for start, end in spans]
        waiting += [(one, depth + 1) for one in reversed(inner)]
    return found, is_whole and not search.is_over


def _is_multipart(part: Part) -> bool:
    return part.structured("content-type")[0].startswith("multipart/")


def _untold(top: Part) -> Part:
    """Take a multipart without parts for text: what stands there may be words."""
    if not _is_multipart(top):
        return top
    return Part({**top.headers, "content-type": ["text/plain"]}, top.start, top.end)


def _inner(raw: bytes, start: int, end: int, *, is_digest: bool) -> Part:
    """Read a part, and of its head what counts there: the fields that MIME knows."""
    body, limit = _head_end(raw, start, end, PART_HEAD_LIMIT)
    extent = _HEAD.match(raw, start, limit)
    assert extent is not None  # noqa: S101 - it matches nothing at all, too
    headers: dict[str, list[str]] = {}
    for name, value in _PART_FIELD.findall(raw, start, extent.end()):
        key = name.decode("ascii").lower()
        if key in _PART_FIELDS:
            headers.setdefault(key, [_unicode(_FOLD.sub(b"", value))])
    if is_digest:
        headers.setdefault("content-type", ["message/rfc822"])
    return Part(headers, body if extent.end() >= limit - 2 else extent.end(), end)


def _spans(raw: bytes, part: Part, search: _Search) -> list[tuple[int, int]] | None:
    """Find where the parts of a multipart begin and end (RFC 2046 section 5.1.1).

    None for what is none, or is not parted; as it looks where the boundary it tells is not there.
    """
    content_type, parameters = part.structured("content-type")
    if not content_type.startswith("multipart/"):
        return None
    boundary = parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
    found = _parted(raw, part, boundary, search) if 0 < len(boundary) <= _MAX_BOUNDARY else None
    if found is not None:
        return found
    untold = _UNTOLD.search(raw, max(part.start - 1, 0), part.end)
    guessed = b"" if untold is None else untold[1].rstrip()
    is_one = guessed and not guessed.endswith(b"--")
    return _parted(raw, part, guessed, search) if is_one else None


def _parted(
    raw: bytes, part: Part, boundary: bytes, search: _Search
) -> list[tuple[int, int]] | None:
    """Part it at this boundary; None where the boundary does not occur."""
    delimiter = b"\n--" + boundary
    spans: list[tuple[int, int]] = []
    begun: int | None = None
    # The line break before the first delimiter may be the one that ends the head.
    position = max(part.start - 1, 0)
    while (found := raw.find(delimiter, position, part.end)) >= 0:
        position = found + len(delimiter)
        tail = _DELIMITER_TAIL.match(raw, position, part.end)
        if tail is None:
            search.false -= 1
            if search.false <= 0:
                break
            continue
        if begun is not None:
            # The line break before a delimiter belongs to it.
            carriage_return = raw[found - 1 : found] == b"\r"
            spans.append((begun, max(begun, found - carriage_return)))
        if tail[1] or len(spans) >= search.parts:
            return spans
        begun = _after_line_end(raw, tail.end(), part.end)
    return None if begun is None else [*spans, (begun, part.end)]


def _after_line_end(raw: bytes, position: int, end: int) -> int:
    found = _FIRST_LINE_END.match(raw, position, end)
    return found.end() if found else position


def _part(raw: bytes, start: int, end: int) -> Part:
    body, limit = _head_end(raw, start, end, HEAD_LIMIT)
    head = raw[start:limit]
    headers, length = _fields(head)
    # Where a line is no header field, the body begins there without a blank line.
    return Part(headers, body if length == len(head) else start + length, end)


def _head_end(raw: bytes, start: int, end: int, limit: int) -> tuple[int, int]:
    """Find where the body begins, and to where the head is read: the end of a line."""
    opening = _FIRST_LINE_END.match(raw, start, end)
    if opening:
        return opening.end(), start
    blank = raw.find(b"\n\n", start, end)
    other = raw.find(b"\n\r\n", start, end if blank < 0 else blank)
    body = other + 3 if other >= 0 else blank + 2 if blank >= 0 else end
    if body - start <= limit:
        return body, body
    return body, max(raw.rfind(b"\n", start, start + limit) + 1, start)


def _fields(head: bytes) -> tuple[dict[str, list[str]], int]:
    """Read a head's unfolded fields (RFC 5322 section 2.2.3), and tell how far it goes."""
    headers: dict[str, list[str]] = {}
    pieces: list[bytes] = []
    name, length = "", 0
    for line in head.split(b"\n"):
        if field := _FIELD.match(line):
            _add(headers, name, pieces)
            name, pieces = field[1].decode("ascii").lower(), [line[field.end() :].rstrip(b"\r")]
        elif line[:1] in {b" ", b"\t"} and pieces:
            pieces.append(line.rstrip(b"\r"))
        elif line.strip() and not (length == 0 and line.startswith(b"From ")):
            _add(headers, name, pieces)
            return headers, length
        length += len(line) + 1
    _add(headers, name, pieces)
    return headers, len(head)


def _add(headers: dict[str, list[str]], name: str, pieces: list[bytes]) -> None:
    if pieces and (name in headers or len(headers) < MAX_NAMES):
        values = headers.setdefault(name, [])
        if len(values) < MAX_OF_ONE_NAME:
            values.append(_unicode(b"".join(pieces)))


def _unicode(value: bytes) -> str:
    """Read a header's octets as UTF-8 (RFC 6532), else as the Latin they mostly are; no NULs."""
    value = value.replace(b"\0", b"")
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace").strip()
