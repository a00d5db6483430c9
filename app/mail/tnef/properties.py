"""Properties as Outlook writes them into its envelopes (MS-OXTNEF, section 2.1.3.4)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from app.mail.received_text import on_one_line, storable, text_of

# Type and id of a property.
_TAG = struct.Struct("<HH")
# Types, and how many octets those have that do not tell (MS-OXCDATA, section 2.11.1).
STRING, UNICODE, BINARY, OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_MANY = 0x1000
_SIZES = {
    0x01: 0, 0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8,
    0x40: 8, 0x48: 16,
}  # fmt: skip
_NAMED = 0x8000
_GUID = 16
_LONGEST_LINE = 4000
_CODECS = {1200: "utf-16-le", 20127: "ascii", 20866: "koi8-r", 21866: "koi8-u", 65001: "utf-8"}
_CODECS |= {28590 + part: f"iso-8859-{part}" for part in range(1, 16)}
_CODECS |= {50220: "iso-2022-jp", 51932: "euc-jp", 51949: "euc-kr", 54936: "gb18030"}


@dataclass
class Budget:
    """How much work may still be done for one envelope and all that is in it."""

    values: int = 50_000
    rtf: int = 512 * 1024


@dataclass(frozen=True)
class Value:
    """The first value of a property, as octets of the envelope."""

    type_: int
    octets: memoryview

    def text(self, codec: str, most: int) -> str:
        """Read so many octets of it as text, in this codec where it has no other."""
        octets = bytes(self.octets[:most])
        if self.type_ == UNICODE:
            text = storable(octets.decode("utf-16-le", "replace").partition("\0")[0])
            return text.replace("\r\n", "\n").replace("\r", "\n")
        return text_of(octets.partition(b"\0")[0], codec)

    def line(self, codec: str) -> str:
        return on_one_line(self.text(codec, _LONGEST_LINE))

    def number(self) -> int:
        return _number(self.octets, 0)


Properties = Mapping[int, Value]


def codec_of(codepage: int) -> str:
    """Name the codec of a Windows code page; one that does not exist means nothing to `text_of`."""
    return _CODECS.get(codepage, f"cp{codepage}")


def read_properties(view: memoryview, budget: Budget) -> Properties:
    """Read a list of properties by their ids, up to where it is broken. Never raises."""
    found: dict[int, Value] = {}
    at = 4
    for _ in range(_number(view, 0)):
        if len(view) - at < _TAG.size or budget.values <= 0:
            break
        budget.values -= 1
        type_, id_ = _TAG.unpack_from(view, at)
        at = _after_name(view, at + _TAG.size) if id_ >= _NAMED else at + _TAG.size
        begin, end, at = _value(view, at, type_, budget)
        if end > len(view):
            break
        found.setdefault(id_, Value(type_, view[begin:end]))
    return found


def _after_name(view: memoryview, at: int) -> int:
    """A named property has its name before its value: a number, or words."""
    kind, length = _number(view, at + _GUID), _number(view, at + _GUID + 4)
    return at + _GUID + 8 + (_padded(length) if kind == 1 else 0)


def _value(view: memoryview, at: int, type_: int, budget: Budget) -> tuple[int, int, int]:
    """Find the first value of a property: where it begins and ends, and where the next one is.

    A type that is not known ends beyond all: nothing can be read behind it.
    """
    base = type_ & ~_MANY
    size = _SIZES.get(base)
    if size is not None and not type_ & _MANY:
        return at, at + size, at + size
    count = _number(view, at)
    at += 4
    if count == 0:
        return at, at, at
    if size is not None:
        return at, at + size, at + count * size
    if base not in {STRING, UNICODE, BINARY, OBJECT}:
        return at, len(view) + 1, at
    first = at + 4, at + 4 + _number(view, at)
    for _ in range(count):
        if at >= len(view) or budget.values <= 0:
            break
        budget.values -= 1
        at += 4 + _padded(_number(view, at))
    return *first, at


def _number(view: memoryview, at: int) -> int:
    return int.from_bytes(view[at : at + 4], "little")


def _padded(length: int) -> int:
    return (length + 3) // 4 * 4
