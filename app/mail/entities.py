"""The MIME entities that a mail is built from (RFC 2045 and 2046), each as the octets it is."""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_AS_IS = bytes(octet for octet in range(32, 127) if octet != ord("=")) + b"\r\n\t"
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,127}"
_MEDIA_TYPE = re.compile(rf'{_NAME}/{_NAME}(?:; charset="?[A-Za-z0-9._+:-]{{1,40}}"?)?')
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,200}")
# The parts of these must not be encoded (RFC 2045, section 6.4).
_COMPOSITE = re.compile(r"(?:message|multipart)/", re.IGNORECASE)
_FORBIDDEN = re.compile(r"[\r\n\0\ud800-\udfff]")
_QUOTABLE = re.compile(r"(?! )(?!.*  )[A-Za-z0-9!#$&()+,;=@\[\]^_`{}~. -]{1,50}(?<! )")
# attribute-char of RFC 2231, section 7.
_UNENCODED = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&+-.^_`{|}~"
)
_SEGMENT = 50
# Whole lines of base64 at a time.
_CHUNK = 57 * 16384

Entity = Iterator[bytes]


class File(NamedTuple):
    """What a part carries as a file; `content_id` without angle brackets, None when not inline."""

    filename: str
    media_type: str
    content_id: str | None
    content: bytes


def multipart(subtype: str, boundary: str, entities: Iterable[Entity], *, root: str = "") -> Entity:
    """Yield entities as one; `root` is the media type of the first one (RFC 2387)."""
    type_ = f'\r\n type="{root}";' if root else ""
    yield f'Content-Type: multipart/{subtype};{type_}\r\n boundary="{boundary}"\r\n\r\n'.encode()
    opening = f"--{boundary}\r\n".encode()
    for entity in entities:
        yield opening
        yield from entity
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def text(subtype: str, body: str) -> Entity:
    """Yield a text part in quoted-printable, or in base64 where that is the shorter."""
    canonical = body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    octets = canonical.encode(errors="replace")
    escaped = len(octets.translate(None, delete=_AS_IS))
    is_readable = escaped * 6 <= len(octets)
    encoding = "quoted-printable" if is_readable else "base64"
    yield (
        f'Content-Type: text/{subtype}; charset="utf-8"\r\n'
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode()
    if is_readable:
        yield _quoted_printable(octets)
    else:
        yield from _base64(octets)


def file(part: File) -> Entity:
    """Yield a file in base64.

    Its name stands in Content-Disposition (RFC 2183, by RFC 2231 where it is long or not plain),
    and in plain letters in Content-Type for readers that know only that. Raises ValueError for a
    name, media type or content id that no header can hold.
    """
    if _FORBIDDEN.search(part.filename):
        raise ValueError("A file name contains a line break, a NUL or half a character.")
    if not _MEDIA_TYPE.fullmatch(part.media_type):
        raise ValueError("A media type must look like type/subtype.")
    octets = "application/octet-stream"
    media_type = octets if _COMPOSITE.match(part.media_type) else part.media_type
    disposition = "attachment"
    head = [f'Content-Type: {media_type};\r\n name="{plain_name(part.filename)}"']
    head.append("Content-Transfer-Encoding: base64")
    if part.content_id is not None:
        if not _CONTENT_ID.fullmatch(part.content_id):
            raise ValueError("A content id may hold only visible ASCII characters.")
        head.append(f"Content-ID: <{part.content_id}>")
        disposition = "inline"
    parameters = ";\r\n ".join(_filename(part.filename))
    head.append(f"Content-Disposition: {disposition};\r\n {parameters}")
    yield "\r\n".join([*head, "", ""]).encode("ascii")
    yield from _base64(part.content)


def plain_name(filename: str) -> str:
    """Write a file name in plain letters: no accents, `_` for other signs; its extension stays."""
    decomposed = unicodedata.normalize("NFKD", filename)
    bare = "".join(sign for sign in decomposed if not unicodedata.combining(sign))
    plain = re.sub(r"[^A-Za-z0-9!#$&()+,;=@^_`{}~. -]", "_", bare)
    if len(plain) <= _SEGMENT:
        return plain
    stem, dot, extension = plain.rpartition(".")
    end = f"{dot}{extension[:12]}" if stem else ""
    return plain[: _SEGMENT - len(end)] + end


def _filename(filename: str) -> Iterator[str]:
    """Yield the parameters that spell the name (RFC 2231, sections 3 and 4)."""
    if _QUOTABLE.fullmatch(filename):
        yield f'filename="{filename}"'
        return
    segments = list(_segments(filename))
    if len(segments) == 1:
        yield f"filename*=utf-8''{segments[0]}"
        return
    for number, segment in enumerate(segments):
        charset = "utf-8''" if number == 0 else ""
        yield f"filename*{number}*={charset}{segment}"


def _segments(value: str) -> Iterator[str]:
    """Yield a value percent-encoded, in lines of whole characters."""
    segment = ""
    for character in value:
        encoded = "".join(
            chr(octet) if octet in _UNENCODED else f"%{octet:02X}" for octet in character.encode()
        )
        if len(segment) + len(encoded) > _SEGMENT:
            yield segment
            segment = ""
        segment += encoded
    yield segment


def _quoted_printable(octets: bytes) -> bytes:
    encoded = binascii.b2a_qp(octets, istext=True)
    # It breaks long lines in the style of the text's own first line end, which may not exist.
    return encoded if b"\n" in octets else encoded.replace(b"\n", b"\r\n")


def _base64(octets: bytes) -> Iterator[bytes]:
    """Yield lines of base64, the last one without its line end."""
    view = memoryview(octets)
    for start in range(0, len(octets), _CHUNK):
        encoded = base64.encodebytes(view[start : start + _CHUNK]).replace(b"\n", b"\r\n")
        is_last = start + _CHUNK >= len(octets)
        yield encoded.removesuffix(b"\r\n") if is_last else encoded
