"""What an API key looks like: `lb_`, 43 random letters and digits, 6 more as their checksum.

43 of 62 characters are 256 random bits. The form is for those who meet a key where it should not
be: secret scanners find it by `lb_[0-9A-Za-z]{49}` and are sure of it by the checksum (CRC-32 of
the random part, base 62, as in GitHub's tokens), and a key that was cut off or mistyped is told
from one that is unknown, without asking the store.
"""

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "lb_"
SHOWN = len(PREFIX) + 6
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _CHECKSUM = 43, 6
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_CHECKSUM}}})")


def new_secret() -> str:
    """Make a key that nobody has seen."""
    random = "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM))
    return f"{PREFIX}{random}{_checksum(random)}"


def is_whole(secret: str) -> bool:
    """Tell whether it has the form of a key, and the right checksum; nothing is secret in that."""
    form = _FORM.fullmatch(secret)
    return form is not None and _checksum(form[1]) == form[2]


def hash_of(secret: str) -> str:
    """Give what is stored of a key: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(random: str) -> str:
    rest, digits = zlib.crc32(random.encode()), ""
    for _ in range(_CHECKSUM):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
