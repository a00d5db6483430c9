"""Contents of parts of a message, decoded piece by piece: a large one is never whole in memory."""

import binascii
from collections.abc import Iterator

from app.mail.mime import Part
from app.mail.received_text import NOT_BASE64

_PIECE = 1024 * 1024


def encoding_of(part: Part) -> str:
    """The lower-case Content-Transfer-Encoding of a part, without remarks behind it."""
    return part.header("content-transfer-encoding").partition(";")[0].strip().lower()


def pieces(raw: bytes, part: Part) -> Iterator[bytes]:
    """Yield the content of a part in pieces of about a megabyte, as `unencoded` gives it whole.

    Never raises.
    """
    encoding = encoding_of(part)
    if encoding == "base64":
        yield from _of_base64(raw, part.start, part.end)
    elif encoding == "quoted-printable":
        for start, end in _lines(raw, part.start, part.end):
            yield binascii.a2b_qp(raw[start:end])
    else:
        yield from slices(raw, part.start, part.end)


def slices(octets: bytes | memoryview, start: int, end: int) -> Iterator[bytes]:
    """Yield octets as they are, a megabyte at a time."""
    for at in range(start, end, _PIECE):
        yield bytes(octets[at : min(at + _PIECE, end)])


def _of_base64(raw: bytes, start: int, end: int) -> Iterator[bytes]:
    waiting = b""
    for at in range(start, end, _PIECE):
        digits = waiting + raw[at : min(at + _PIECE, end)].translate(None, NOT_BASE64)
        whole = len(digits) // 4 * 4
        waiting = digits[whole:]
        yield binascii.a2b_base64(digits[:whole])
    # One digit over holds no octet: it is what a cut-off message ends with.
    yield binascii.a2b_base64(waiting + b"==") if len(waiting) > 1 else b""


def _lines(raw: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut where a line ends: an escaped line end must stay with its sign."""
    while start < end:
        cut = raw.find(b"\n", min(start + _PIECE, end), end)
        stop = end if cut < 0 else cut + 1
        yield start, stop
        start = stop
