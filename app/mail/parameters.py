"""Content-Type and Content-Disposition as they come: a value, and its parameters.

Read here because the standard library takes a fifth of a millisecond for each, and raises errors of
many kinds for broken ones.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from app.mail.received_text import decoded_words, text_of

# What is longer is not read.
MAX_LENGTH = 2000

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"?|([^;]*+))', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_COMMENT = re.compile(r"(?:^|\s)\([^()]*\)\s*$")
# RFC 2231: `name*`, `name*0` or `name*0*`.
_EXTENDED = re.compile(r"([^*]+)\*(?:(\d{1,3})(\*?))?")


@lru_cache(maxsize=1024)
def read_parameters(value: str) -> tuple[str, Mapping[str, str]]:
    """Give the value in lower case, and its parameters by their lower-case names (RFC 2045, 5.1).

    Long and encoded ones are put together (RFC 2231), encoded words are decoded, which stand here
    against the rules. Of several with one name the first counts. Never raises.
    """
    value = value[:MAX_LENGTH]
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        text = _QUOTED_PAIR.sub(r"\1", quoted) or _COMMENT.sub("", bare).strip()
        extended = _EXTENDED.fullmatch(name)
        if extended is None:
            plain.setdefault(name.lower(), decoded_words(text) if "=?" in text else text)
        else:
            is_encoded = extended[2] is None or extended[3] == "*"
            number = int(extended[2] or 0)
            pieces.setdefault(extended[1].lower(), {}).setdefault(number, (is_encoded, text))
    token = _COMMENT.sub("", value.partition(";")[0]).strip().lower()
    return token, plain | {name: _joined(found) for name, found in pieces.items()}


def _joined(pieces: Mapping[int, tuple[bool, str]]) -> str:
    """Put a value together (RFC 2231 section 3), up to the first piece that is missing."""
    octets, charset = b"", ""
    for number in range(len(pieces)):
        if number not in pieces:
            break
        is_encoded, text = pieces[number]
        if is_encoded and number == 0 and text.count("'") > 1:
            charset, _, text = text.split("'", 2)
        octets += unquote_to_bytes(text) if is_encoded else text.encode("utf-8", "replace")
    text = text_of(octets, charset)
    return decoded_words(text) if "=?" in text else text
