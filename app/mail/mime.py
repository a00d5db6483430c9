"""The parts of a received message, found without holding more than the message itself.

`email.message_from_bytes` does the same for well-meant mail. For the other kind it fails (measured
on 3.11: RecursionError at 1000 nested parts) or takes time with size times depth (2.8 s for 400 KB
nested 200 deep), so structure is read here, and it reads the values of single fields.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.policy import default
from functools import lru_cache
from typing import Any

HEAD_LIMIT = 256 * 1024
MAX_DEPTH = 12
MAX_PARTS = 1000

_BLANK_LINE = re.compile(rb"\r\n\r\n|\n\r?\n")
_FIRST_LINE_END = re.compile(rb"\r?\n")
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_MAX_STRUCTURED = 2000
_MAX_BOUNDARY = 200


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

    def structured(self, name: str) -> tuple[str, dict[str, str]]:
        """The lower-case value of Content-Type or Content-Disposition, and its parameters."""
        value, parameters = _structured(name, self.header(name)[:_MAX_STRUCTURED])
        return value, dict(parameters)


# The same few stand in most mail, and each is asked for several times.
@lru_cache(maxsize=500)
def _structured(name: str, value: str) -> tuple[str, Mapping[str, str]]:
    try:
        parsed: Any = default.header_factory(name, value)
        token = parsed.content_type if name == "content-type" else parsed.content_disposition
        return (token or "").lower(), dict(parsed.params)
    except Exception:  # noqa: BLE001 - the library raises many kinds for broken values
        return value.partition(";")[0].strip().lower(), {}


def with_line_feeds(raw: bytes) -> bytes:
    """Give it line feeds where it has none: lines may end in CR alone."""
    return raw if b"\n" in raw else raw.replace(b"\r", b"\n")


def message(raw: bytes) -> Part:
    """Read the head of a message. Never raises; at most 256 KB of header fields are read."""
    return _part(raw, 0, len(raw))


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
        spans = list(_spans(raw, part, MAX_PARTS - seen)) if depth < MAX_DEPTH else []
        if spans:
            inner = [_part(raw, start, end) for start, end in spans]
            waiting += [(one, depth + 1) for one in reversed(inner)]
        else:
            yield part


def _spans(raw: bytes, part: Part, most: int) -> Iterator[tuple[int, int]]:
    """Find where the parts of a multipart begin and end (RFC 2046 section 5.1.1)."""
    content_type, parameters = part.structured("content-type")
    boundary = parameters.get("boundary", "").rstrip()
    if not content_type.startswith("multipart/") or not 0 < len(boundary) <= _MAX_BOUNDARY:
        return
    octets = boundary.encode("utf-8", "replace")
    delimiter = re.compile(rb"\n--" + re.escape(octets) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    begun: int | None = None
    # The line break before the first delimiter may be the one that ends the head.
    for found in delimiter.finditer(raw, max(part.start - 1, 0), part.end):
        if begun is not None:
            # The line break before a delimiter belongs to it.
            carriage_return = raw[found.start() - 1 : found.start()] == b"\r"
            yield begun, max(begun, found.start() - carriage_return)
            most -= 1
        begun = None if found[1] or most <= 0 else _after_line_end(raw, found.end(), part.end)
        if begun is None:
            return
    if begun is not None:
        yield begun, part.end


def _after_line_end(raw: bytes, position: int, end: int) -> int:
    found = _FIRST_LINE_END.match(raw, position, end)
    return found.end() if found else position


def _part(raw: bytes, start: int, end: int) -> Part:
    opening = _FIRST_LINE_END.match(raw, start, end)
    if opening:
        return Part({}, opening.end(), end)
    blank = _BLANK_LINE.search(raw, start, end)
    body = blank.end() if blank else end
    head = raw[start : min(body, start + HEAD_LIMIT)]
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
