"""What Svix sends beside a webhook's body, for Resend."""

import base64
import hmac
from datetime import datetime

from tests.fakes.clock import Clock

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def signed(
    body: bytes, *, id_: str = "msg_1", at: datetime | None = None, secret: str = SECRET
) -> dict[str, str]:
    """The headers of a webhook; by default signed when the tests' clock begins."""
    timestamp = str(int((at or Clock().now()).timestamp()))
    return {
        "svix-id": id_,
        "svix-timestamp": timestamp,
        "svix-signature": signature(body, id_, timestamp, secret),
    }


def signature(body: bytes, id_: str, timestamp: str, secret: str = SECRET) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"{id_}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
