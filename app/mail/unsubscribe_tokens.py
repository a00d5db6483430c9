"""Tokens that name the delivery whose recipient wants no more such mail (RFC 8058, section 3.1).

They stand in the address of a page and in `unsubscribe+TOKEN@domain`. So they are 45 letters and
digits of one case (mail systems change it), and the local part of that address stays below the 64
octets of RFC 5321 (4.5.3.1.1). Links in old mail must work for years: what a token means may not
change, only be added to.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

_LOCAL = "unsubscribe+"
_ID, _MAC = 12, 16
_TOKEN = re.compile(r"[a-z2-7]{45}", re.IGNORECASE)
_ADDRESS = re.compile(r"unsubscribe\+([a-z2-7]{45})@([^@\s]+)", re.IGNORECASE)
_PADDING = "==="


@dataclass(frozen=True)
class UnsubscribeToken:
    """The delivery that a token names, in hexadecimal; only `is_genuine` tells if it is so."""

    mail_id: str
    signature: bytes

    @property
    def text(self) -> str:
        """The token as it is written."""
        return _written(bytes.fromhex(self.mail_id) + self.signature)


def unsubscribe_token(key: bytes, *, tenant: str, mail_id: str) -> str:
    """Write the token of a delivery (24 hexadecimal digits) of a tenant."""
    id_ = bytes.fromhex(mail_id)
    return _written(id_ + _signature(key, tenant, id_))


def unsubscribe_address(token: str, *, domain: str) -> str:
    """Write the address to which an empty mail does what the page does."""
    return f"{_LOCAL}{token}@{domain}"


def read_unsubscribe_token(text: str) -> UnsubscribeToken | None:
    """Read a token in any case; None for every other text. Never raises."""
    if not _TOKEN.fullmatch(text):
        return None
    try:
        octets = base64.b32decode(text.upper() + _PADDING)
    except binascii.Error:
        return None
    token = UnsubscribeToken(octets[:_ID].hex(), octets[_ID:])
    # The last digit holds a bit more than the octets do: only one of its spellings is ours.
    return token if token.text == text.lower() else None


def read_unsubscribe_address(address: str, *, domain: str) -> UnsubscribeToken | None:
    """Read the token of such an address at this domain, in any case. Never raises."""
    found = _ADDRESS.fullmatch(address)
    if found is None or found[2].lower() != domain:
        return None
    return read_unsubscribe_token(found[1])


def is_genuine(keys: Iterable[bytes], token: UnsubscribeToken, *, tenant: str) -> bool:
    """Whether a token was written for this tenant under one of the keys; in constant time."""
    id_ = bytes.fromhex(token.mail_id)
    matches = [hmac.compare_digest(token.signature, _signature(key, tenant, id_)) for key in keys]
    return any(matches)


def _written(octets: bytes) -> str:
    return base64.b32encode(octets).decode().rstrip("=").lower()


def _signature(key: bytes, tenant: str, id_: bytes) -> bytes:
    return hmac.digest(key, id_ + tenant.encode(), hashlib.sha256)[:_MAC]
