"""The parts of a received message, found without holding more than the message itself.

`email.message_from_bytes` does the same for well-meant mail. For the other kind it fails (measured
on 3.11: RecursionError at 1000 nested parts) or takes time with size times depth (2.8 s for 400 KB
nested 200 deep), so structure is read here, and it reads the values of single fields.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from app.mail.parameters import read_parameters

HEAD_LIMIT = 256 * 1024
# Of a part inside: programs write a few lines.
PART_HEAD_LIMIT = 8 * 1024
MAX_DEPTH = 12
MAX_PARTS = 1000

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\r?\n")
_FIRST_LINE_END = re.compile(rb"\r?\n")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_MEDIA_TYPE = re.compile(r"[^\s/]+/[^\s/]+")
_MAX_BOUNDARY = 200
# RFC 2045, 2183, 2392 and 2557.
_PART_FIELDS = {
    "content-type", "content-transfer-encoding", "content-disposition", "content-id",
    "content-description", "content-location",
}  # fmt: skip
_DELIMITER_TAIL = re.compile(rb"(--)?[ \t]*(?=\r?\n|\Z)")
# A line as it stands between parts: the next one is a field, or empty.
_UNTOLD = re.compile(rb"\n--(-{0,60}[^\s-][^\r\n]{0,199}?)[ \t]*(?=\r?\n(?:\r?\n|[!-9;-~]{1,76}:))")


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

    `raw` has line feeds.
    """

    raw: bytes
    top: Part
    parts: Sequence[Part]


def opened(raw: bytes | Opened) -> Opened:
    """Find the parts of a message, unless they are found already. Never raises; as `leaves`."""
    if isinstance(raw, Opened):
        return raw
    raw = with_line_feeds(raw)
    top = message(raw)
    return Opened(raw, top, list(leaves(raw, top)))


def with_line_feeds(raw: bytes) -> bytes:
    """Give it line feeds where it has none: lines may end in CR alone."""
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


def message(raw: bytes) -> Part:
    """Read the head of a message. Never raises; at most 256 KB of header fields are read."""
    return _part(raw, 0, len(raw), HEAD_LIMIT)


def leaves(raw: bytes, top: Part) -> Iterator[Part]:
    """Yield what is not multipart, in order; messages inside the message are not opened.

    At most 1000 parts, 12 deep; a multipart in which nothing is found is a leaf. Time goes with
    size times depth. Never raises.
    """
    waiting = [(top, 0)]
    seen = 0
    while waiting and seen < MAX_PARTS:
        part, depth = waiting.pop()
        seen += 1
        spans = _spans(raw, part, MAX_PARTS - seen) if depth < MAX_DEPTH else None
        if spans is None:
            yield _untold(part) if depth == 0 else part
            continue
        # RFC 2046 section 5.1.5: what a digest holds are messages.
        is_digest = part.structured("content-type")[0] == "multipart/digest"
        inner = [_inner(raw, start, end, is_digest=is_digest) for start, end in spans]
        waiting += [(one, depth + 1) for one in reversed(inner)]


def _untold(top: Part) -> Part:
    """Take a multipart without parts for text: what stands there may be words."""
    if not top.structured("content-type")[0].startswith("multipart/"):
        return top
    return Part({**top.headers, "content-type": ["text/plain"]}, top.start, top.end)


def _inner(raw: bytes, start: int, end: int, *, is_digest: bool) -> Part:
    """Read a part, and of its head what counts there: the fields that MIME knows."""
    part = _part(raw, start, end, PART_HEAD_LIMIT)
    headers = {name: values[:1] for name, values in part.headers.items() if name in _PART_FIELDS}
    if is_digest:
        headers.setdefault("content-type", ["message/rfc822"])
    return Part(headers, part.start, part.end)


def _spans(raw: bytes, part: Part, most: int) -> list[tuple[int, int]] | None:
    """Find where the parts of a multipart begin and end (RFC 2046 section 5.1.1).

    None for what is none, or is not parted; as it looks where the boundary it tells is not there.
    """
    content_type, parameters = part.structured("content-type")
    if not content_type.startswith("multipart/"):
        return None
    boundary = parameters.get("boundary", "").rstrip().encode("utf-8", "replace")
    found = _parted(raw, part, boundary, most) if 0 < len(boundary) <= _MAX_BOUNDARY else None
    if found is not None:
        return found
    untold = _UNTOLD.search(raw, max(part.start - 1, 0), part.end)
    if untold is None or untold[1].endswith(b"--"):
        return None
    return _parted(raw, part, untold[1], most)


def _parted(raw: bytes, part: Part, boundary: bytes, most: int) -> list[tuple[int, int]] | None:
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
            continue
        if begun is not None:
            # The line break before a delimiter belongs to it.
            carriage_return = raw[found - 1 : found] == b"\r"
            spans.append((begun, max(begun, found - carriage_return)))
        if tail[1] or len(spans) >= most:
            return spans
        begun = _after_line_end(raw, tail.end(), part.end)
    return None if begun is None else [*spans, (begun, part.end)]


def _after_line_end(raw: bytes, position: int, end: int) -> int:
    found = _FIRST_LINE_END.match(raw, position, end)
    return found.end() if found else position


def _part(raw: bytes, start: int, end: int, head_limit: int) -> Part:
    opening = _FIRST_LINE_END.match(raw, start, end)
    if opening:
        return Part({}, opening.end(), end)
    blank = _BLANK_LINE.search(raw, start, end)
    body = blank.end() if blank else end
    head = raw[start : min(body, start + head_limit)]
    fields, length = _fields(head)
    headers: dict[str, list[str]] = {}
    for name, value in fields:
        headers.setdefault(name, []).append(_unicode(value))
    # Where a line is no header field, the body begins there without a blank line.
    return Part(headers, body if length == len(head) else start + length, end)


def _fields(head: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """Split a head into unfolded fields (RFC 5322 section 2.2.3), and tell how far it goes."""
    fields: list[tuple[str, list[bytes]]] = []
    length = 0
    for line in head.split(b"\n"):
        field = _FIELD.match(line)
        if field:
            fields.append((field[1].decode("ascii").lower(), [line[field.end() :].rstrip(b"\r")]))
        elif line[:1] in {b" ", b"\t"} and fields:
            fields[-1][1].append(line.rstrip(b"\r"))
        elif line.strip() and not (length == 0 and line.startswith(b"From ")):
            return [(name, b"".join(lines)) for name, lines in fields], length
        length += len(line) + 1
    return [(name, b"".join(lines)) for name, lines in fields], len(head)


def _unicode(value: bytes) -> str:
    """Read a header's octets as UTF-8 (RFC 6532), else as the Latin they mostly are."""
    try:
        return value.decode("utf-8").strip()
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace").strip()
