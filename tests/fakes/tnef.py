"""Envelopes as Outlook writes them (MS-OXTNEF), and rich text as it packs it (MS-OXRTFCP)."""

import base64
import struct
from collections.abc import Iterable

Property = tuple[int, int, bytes]

IS_MESSAGE = bytes.fromhex("0703020000000000c000000000000046")
IS_OLE = bytes.fromhex("0b00000000000000c000000000000046")
STRING, UNICODE, BINARY, OBJECT, LONG = 0x1E, 0x1F, 0x102, 0x0D, 0x03
LONG_NAME, DATA, MEDIA_TYPE, CONTENT_ID = 0x3707, 0x3701, 0x370E, 0x3712
BODY, RTF, HTML, HTML_CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE


def attribute(id_: int, data: bytes, *, level: int = 1, type_: int = 6) -> bytes:
    head = struct.pack("<BHHI", level, id_, type_, len(data))
    return head + data + struct.pack("<H", sum(data) % 65536)


def padded(octets: bytes) -> bytes:
    return octets + b"\0" * (-len(octets) % 4)


def sized(octets: bytes) -> bytes:
    return struct.pack("<I", len(octets)) + padded(octets)


def one(octets: bytes) -> bytes:
    """A value that tells its length, the only one of its property."""
    return struct.pack("<I", 1) + sized(octets)


def text(id_: int, words: str) -> Property:
    return id_, UNICODE, one(words.encode("utf-16-le") + b"\0\0")


def properties(given: Iterable[Property]) -> bytes:
    """Write properties behind one with a number, two with names, and one of many values."""
    guid = bytes(16)
    before = [
        struct.pack("<HH", LONG, 0x0017) + struct.pack("<I", 1),
        struct.pack("<HH", 0x0B, 0x8001) + guid + struct.pack("<II", 0, 0x8503) + bytes(4),
        struct.pack("<HH", UNICODE, 0x8002)
        + guid
        + struct.pack("<I", 1)
        + sized("Keywords".encode("utf-16-le"))
        + one("Bills".encode("utf-16-le")),
        struct.pack("<HHI", 0x1000 | STRING, 0x0F03, 2) + sized(b"one\0") + sized(b"three\0"),
        struct.pack("<HHI", 0x1000 | LONG, 0x0F04, 3) + bytes(12),
        struct.pack("<HH", 0x40, 0x0039) + bytes(8),
    ]
    rows = [*before, *(struct.pack("<HH", type_, id_) + value for id_, type_, value in given)]
    return struct.pack("<I", len(rows)) + b"".join(rows)


def file(
    title: bytes | None, content: bytes | None, given: Iterable[Property] | None = None
) -> bytes:
    """An attachment: its name of eight letters, its content, and what is said of it besides."""
    parts = [attribute(0x9002, bytes(14), level=2)]
    if title is not None:
        parts.append(attribute(0x8010, title + b"\0", level=2, type_=1))
    if content is not None:
        parts.append(attribute(0x800F, content, level=2))
    if given is not None:
        parts.append(attribute(0x9005, properties(given), level=2))
    return b"".join(parts)


def envelope(
    *files: bytes,
    body: bytes | None = None,
    said: Iterable[Property] = (),
    codepage: int = 1252,
) -> bytes:
    """A whole envelope; `body` is its plain text, `said` are properties of the message."""
    parts = [
        struct.pack("<IH", 0x223E9F78, 0x0122),
        attribute(0x9006, struct.pack("<I", 0x10000), type_=8),
        attribute(0x9007, struct.pack("<II", codepage, 0)),
        attribute(0x8008, b"IPM.Microsoft Mail.Note\0", type_=7),
    ]
    if body is not None:
        parts.append(attribute(0x800C, body + b"\0", type_=2))
    parts.append(attribute(0x9003, properties(said)))
    return b"".join([*parts, *files])


def message(inner: bytes) -> list[Property]:
    """What an attachment says that is a message itself."""
    return [(DATA, OBJECT, one(IS_MESSAGE + inner))]


def packed_rtf(runs: Iterable[bytes | tuple[int, int]]) -> bytes:
    """Pack signs, and references to what was said before: how far back, and how much."""
    at, body, waiting = 207, bytearray(), []
    tokens: list[bytes | tuple[int, int]] = []
    for run in runs:
        tokens += [bytes([sign]) for sign in run] if isinstance(run, bytes) else [run]
    for token in [*tokens, (0, 2)]:
        if isinstance(token, bytes):
            waiting.append((0, token))
            at += 1
        else:
            back, length = token
            waiting.append((1, struct.pack(">H", ((at - back) % 4096) << 4 | (length - 2))))
            at += length if back else 0
    for begin in range(0, len(waiting), 8):
        eight = waiting[begin : begin + 8]
        body.append(sum(flag << bit for bit, (flag, _) in enumerate(eight)))
        body += b"".join(octets for _, octets in eight)
    return struct.pack("<II4sI", len(body) + 12, at - 207, b"LZFu", 0) + bytes(body)


def mail(winmail: bytes, *, words: str | None = "See the files.") -> bytes:
    """A mail with an envelope as Exchange sends it, beside its plain text."""
    plain = (
        ""
        if words is None
        else f'--_000_\r\nContent-Type: text/plain; charset="us-ascii"\r\n\r\n{words}\r\n'
    )
    encoded = base64.encodebytes(winmail).decode()
    return (
        "From: Jan <jan@customer.test>\r\nMessage-ID: <tnef@customer.test>\r\n"
        'Content-Type: multipart/mixed; boundary="_000_"\r\n\r\n'
        f"{plain}--_000_\r\n"
        'Content-Disposition: attachment; filename="winmail.dat"\r\n'
        'Content-Type: application/ms-tnef; name="winmail.dat"\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--_000_--\r\n"
    ).encode()
