"""Rich text as Outlook packs it (MS-OXRTFCP)."""

import struct

# Of more, eight times that would have to be unpacked, sign by sign.
MOST_OCTETS = 512 * 1024

_HEAD = struct.Struct("<II4sI")
_PACKED, _PLAIN = b"LZFu", b"MELA"
_WINDOW = 4096
# What every text is taken to begin after (section 2.1.2.1).
_BEFORE = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def unpacked_rtf(octets: bytes | memoryview) -> bytes | None:
    """Unpack rich text, as far as it is whole; None for what is none, or has above 512 KB packed.

    Never raises; gives at most nine times the octets.
    """
    if not _HEAD.size < len(octets) <= MOST_OCTETS:
        return None
    _size, length, kind, _crc = _HEAD.unpack_from(octets)
    body = bytes(octets[_HEAD.size :])
    if kind == _PLAIN:
        return body[:length]
    return _unpacked(body)[:length] if kind == _PACKED else None


def _unpacked(body: bytes) -> bytes:
    """Undo the packing (section 2.2.2): a flag for each of eight that follow, sign or reference."""
    out = bytearray(_BEFORE)
    at = 0
    while at < len(body):
        flags, at = body[at], at + 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += body[at : at + 1]
                at += 1
                continue
            reference = int.from_bytes(body[at : at + 2], "big")
            back = (len(out) - (reference >> 4)) % _WINDOW
            at += 2
            if back == 0 or at > len(body) or back > len(out):
                return bytes(out[len(_BEFORE) :])
            length, begin = (reference & 0xF) + 2, len(out) - back
            # It may go on into what it writes itself.
            out += (out[begin : begin + length] * length)[:length]
    return bytes(out[len(_BEFORE) :])
