"""Secrets at rest: AES-256-GCM (NIST SP 800-38D), under keys that can be exchanged.

A sealed secret names the key that sealed it, and opens only at the place it was sealed for: copied
into another row it is worth nothing.
"""

import base64
import binascii
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_OCTETS = 32
# 32 random octets hold fewer different ones than this about once in 10^12 times.
_LEAST_VARIETY = 16
_NONCE_OCTETS = 12
_VERSION = "v1"


class SealError(ValueError):
    """This secret cannot be opened here: its key is gone, or it is not what was sealed."""


def read_keys(text: str) -> tuple[bytes, ...]:
    """Read keys in base64 (either alphabet), separated by commas; the first one seals.

    Raises ValueError for one that is not 32 random octets, without repeating it.
    """
    return tuple(_key(part.strip(), number) for number, part in enumerate(text.split(","), 1))


def seal(keys: tuple[bytes, ...], secret: str, *, place: str) -> str:
    """Encrypt `secret` with the first key, for `place` only: `v1.KEY.DATA` in plain ASCII."""
    head = f"{_VERSION}.{_name(keys[0])}"
    nonce = os.urandom(_NONCE_OCTETS)
    sealed = AESGCM(keys[0]).encrypt(nonce, secret.encode(), f"{head}.{place}".encode())
    return f"{head}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def unseal(keys: tuple[bytes, ...], sealed: str, *, place: str) -> str:
    """Give back what `seal` encrypted for `place` under any of `keys`. Raises SealError."""
    head, _, data = sealed.rpartition(".")
    key = next((key for key in keys if head == f"{_VERSION}.{_name(key)}"), None)
    if key is None:
        raise SealError("the key that sealed it is not among LETTERBOX_SECRET_KEYS")
    try:
        octets = base64.urlsafe_b64decode(data)
        nonce, rest = octets[:_NONCE_OCTETS], octets[_NONCE_OCTETS:]
        return AESGCM(key).decrypt(nonce, rest, f"{head}.{place}".encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise SealError("it is not what was sealed for this place") from error


def is_current(keys: tuple[bytes, ...], sealed: str) -> bool:
    """Whether it was sealed by the key that seals now."""
    return sealed.startswith(f"{_VERSION}.{_name(keys[0])}.")


def derived(key: bytes, purpose: str) -> bytes:
    """Make another key of one, for one purpose only; neither tells of the other."""
    return hmac.digest(key, f"letterbox {purpose}".encode(), "sha256")


def _key(text: str, number: int) -> bytes:
    try:
        key = base64.b64decode(text.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_OCTETS or len(set(key)) < _LEAST_VARIETY:
        raise ValueError(
            f"key {number} must be {KEY_OCTETS} random bytes in base64: "
            "make one with `openssl rand -base64 32`"
        )
    return key


def _name(key: bytes) -> str:
    """Name a key without telling it."""
    return hashlib.sha256(b"letterbox key " + key).hexdigest()[:8]
