"""Text of received mail: octets whose charset may be missing, unknown or a lie."""

import binascii
import codecs
import re

MAX_WORDS = 4000

# What the names are used for in mail (encoding.spec.whatwg.org, section 4.2): supersets, so that
# nothing is lost when the name is right.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
}
# Not for mail; the first two take quadratic time.
_REFUSED = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
# RFC 2047, section 2, with spaces in it, as some write them.
_WORD = re.compile(r"=\?([^?*\s]{1,60})(?:\*[^?\s]{0,60})?\?([bBqQ])\?([^?]*+)\?=")
_HIGH = re.compile(r"[^\x00-\x7f]")
# Characters by which is judged what it is written in.
_JUDGED = 100_000
_DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# What stands among the digits of base64: line ends, mostly.
NOT_BASE64 = bytes(octet for octet in range(256) if octet not in _DIGITS)
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# Where so many characters cannot be read, the charset is a lie; codecs take long for each of them.
_MOST_WRONG = 100_000
_PIECE = 64 * 1024
# All octets mean something, or U+FFFD: so none takes longer than others.
_WESTERN = "".join(bytes([octet]).decode("cp1252", "replace") for octet in range(256))
_CONTROLS = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")


def text_of(octets: bytes, charset: str | None) -> str:
    r"""Decode octets as `charset` says, or as they plainly are where it cannot be right.

    Lines end in "\n"; NULs are dropped, what cannot be read becomes U+FFFD. Never raises.
    """
    if not (_codec(charset) or "").startswith(("utf-16", "utf-32")):
        # Before they become letters, of four octets each perhaps.
        return storable(_decoded(_with_line_feeds(octets), charset).removeprefix("\ufeff"))
    text = _decoded(octets, charset).removeprefix("\ufeff")
    return storable(text.replace("\r\n", "\n").replace("\r", "\n"))


def _with_line_feeds(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def unencoded(octets: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding (RFC 2045 section 6), as far as it is one. Never raises."""
    if encoding == "base64":
        digits = octets.translate(None, NOT_BASE64)
        # One digit over holds no octet: it is what a cut-off message ends with.
        digits = digits[: -1 if len(digits) % 4 == 1 else None]
        return binascii.a2b_base64(digits + b"==")
    if encoding == "quoted-printable":
        return binascii.a2b_qp(octets)
    return octets


def decoded_words(value: str) -> str:
    """Decode the encoded words (RFC 2047) of a header value, of which 4000 characters are read.

    Neighbours in one charset are decoded together: Outlook ends a word amid a letter. Never raises.
    """
    value = value[:MAX_WORDS]
    texts: list[str] = []
    octets, charset, read = b"", "", 0
    for word in _WORD.finditer(value):
        between = value[read : word.start()]
        is_neighbour = read > 0 and not between.strip()
        if not is_neighbour or word[1].lower() != charset:
            texts.append(_decoded(octets, charset))
            octets, charset = b"", word[1].lower()
        if not is_neighbour:
            texts.append(between)
        octets += _word_octets(word)
        read = word.end()
    return storable("".join([*texts, _decoded(octets, charset), value[read:]]))


def _word_octets(word: re.Match[str]) -> bytes:
    octets = word[3].encode("utf-8", "replace")
    if word[2] in "bB":
        return unencoded(octets, "base64")
    return binascii.a2b_qp(octets, header=True)


def storable(text: str) -> str:
    """Drop NULs and replace lone surrogates, which neither MongoDB nor JSON can hold."""
    return _SURROGATES.sub("\ufffd", text.replace("\0", ""))


def on_one_line(text: str) -> str:
    """Turn line breaks, other control characters and runs of spaces into single spaces."""
    return _CONTROLS.sub(" ", text).strip()


def _decoded(octets: bytes, charset: str | None) -> str:
    codec = _codec(charset)
    if codec in {None, "utf-8", "cp1252"}:
        return _western(octets)
    try:
        return octets.decode(codec or "utf-8")
    except (UnicodeError, LookupError, ValueError):
        return _as_it_looks(octets, codec or "utf-8")


def _western(octets: bytes) -> str:
    """Nothing but UTF-8 looks like UTF-8, whatever a western name says; a part of it may be lost.

    A program on its way cut it, within a letter perhaps.
    """
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        pass
    judged = octets[:_JUDGED].decode("utf-8", "replace")
    is_utf8 = sum(1 for _ in _HIGH.finditer(judged)) >= 2 * judged.count("\ufffd")
    return octets.decode("utf-8", "replace") if is_utf8 else _as_western(octets)


def _as_western(octets: bytes) -> str:
    return codecs.charmap_decode(octets, "strict", _WESTERN)[0]


def _as_it_looks(octets: bytes, codec: str) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        end = _readable_end(octets, codec)
        return octets[:end].decode(codec, "replace") + _as_western(octets[end:])
    except (UnicodeError, LookupError, ValueError):
        return _as_western(octets)


def _readable_end(octets: bytes, codec: str) -> int:
    """Tell up to where it may be written in this, with some that cannot be read."""
    decoder = codecs.getincrementaldecoder(codec)("replace")
    wrong = 0
    for end in range(_PIECE, len(octets), _PIECE):
        wrong += decoder.decode(octets[end - _PIECE : end]).count("\ufffd")
        if wrong > _MOST_WRONG:
            return end
    return len(octets)


def _codec(charset: str | None) -> str | None:
    """Find the codec that is meant; None for a name that means nothing."""
    try:
        name = codecs.lookup((charset or "").strip()).name
        # Some are no charsets, and would unpack it. Nothing at all would be read by any.
        bytes(4).decode(name, "replace")
    except (LookupError, ValueError, UnicodeError):
        return None
    return None if name in _REFUSED else _MEANT.get(name, name)
