"""Who a webhook comes from: signatures by a secret that both sides know."""

import base64
import binascii
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

# Older or younger requests count as replayed (Standard Webhooks).
TOLERANCE = timedelta(minutes=5)
_ID = re.compile(r"[!-~]{1,256}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_MAX_SIGNATURES = 20


@dataclass(frozen=True)
class Signed:
    """What Svix writes beside a body: `timestamp` in seconds, signatures as `v1,BASE64 ...`."""

    id: str
    timestamp: str
    signatures: str


def is_genuine(secret: str, signed: Signed, body: bytes, *, now: datetime) -> bool:
    """Check a body, as it came, by Standard Webhooks (symmetric, v1). Never raises.

    The HMAC covers id, time and body. One good signature will do: while a secret is exchanged,
    requests are signed by the old one too.
    """
    if not _ID.fullmatch(signed.id) or not _TIMESTAMP.fullmatch(signed.timestamp):
        return False
    if abs(now.timestamp() - int(signed.timestamp)) > TOLERANCE.total_seconds():
        return False
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    told = f"{signed.id}.{signed.timestamp}.".encode() + body
    # Compared as written: what is no base64 among them spoils nothing.
    expected = base64.b64encode(hmac.digest(key, told, "sha256"))
    signatures = signed.signatures.split(" ", _MAX_SIGNATURES)[:_MAX_SIGNATURES]
    matches = [
        hmac.compare_digest(signature.removeprefix("v1,").encode(), expected)
        for signature in signatures
        if signature.startswith("v1,")
    ]
    return bool(key) and any(matches)
