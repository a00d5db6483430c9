"""Addresses for answers that tell which mail is answered: `reply+TOKEN@domain`.

Threads survive what Message-IDs do not: systems that drop In-Reply-To, people who begin a new mail
to an old address, tickets that answer for somebody. The token is 36 letters and digits of one case
(mail systems change it), so the local part stays below the 64 octets of RFC 5321 (4.5.3.1.1).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

_LOCAL = "reply+"
_ID, _MAC = 12, 10
_ADDRESS = re.compile(r"reply\+([a-z2-7]{36})@([^@\s]+)", re.IGNORECASE)
# Of 36 digits of 5 bits each, the last 4 bits hold nothing.
_PADDING = "===="


@dataclass(frozen=True)
class ReplyToken:
    """The delivery that an address names, in hexadecimal; only `is_genuine` tells if it is so."""

    delivery_id: str
    signature: bytes


def reply_address(key: bytes, *, tenant: str, delivery_id: str, domain: str) -> str:
    """Write the address for answers to a delivery (24 hexadecimal digits) of a tenant."""
    id_ = bytes.fromhex(delivery_id)
    digits = base64.b32encode(id_ + _signature(key, tenant, id_)).decode()
    return f"{_LOCAL}{digits.rstrip('=').lower()}@{domain}"


def read_reply_address(address: str, *, domain: str) -> ReplyToken | None:
    """Read such an address at this domain, in any case; None for every other. Never raises."""
    found = _ADDRESS.fullmatch(address)
    if found is None or found[2].lower() != domain:
        return None
    try:
        octets = base64.b32decode(found[1].upper() + _PADDING)
    except binascii.Error:
        return None
    return ReplyToken(octets[:_ID].hex(), octets[_ID:])


def is_genuine(keys: Iterable[bytes], token: ReplyToken, *, tenant: str) -> bool:
    """Whether a token was written for this tenant under one of the keys; in constant time."""
    id_ = bytes.fromhex(token.delivery_id)
    matches = [hmac.compare_digest(token.signature, _signature(key, tenant, id_)) for key in keys]
    return any(matches)


def _signature(key: bytes, tenant: str, id_: bytes) -> bytes:
    return hmac.digest(key, id_ + tenant.encode(), hashlib.sha256)[:_MAC]
