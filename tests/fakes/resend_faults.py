"""The bad days of a fake Resend."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What comes of a request instead of the usual; `takes` a mail, or knows it, all the same.

    `end` is `answer`, `hang` (never answered) or `drop` (the connection is closed instead). `body`
    stands instead of Resend's JSON.
    """

    status: int = 500
    name: str = "internal_server_error"
    message: str = "An unexpected error occurred."
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    takes: bool = False
    end: str = "answer"


TOO_MANY = Fault(429, "rate_limit_exceeded", "Too many requests", {"retry-after": "1"})
DAILY_QUOTA = Fault(429, "daily_quota_exceeded", "You have reached your daily email sending quota.")
MONTHLY_QUOTA = Fault(429, "monthly_quota_exceeded", "You have reached your monthly quota.")
CONCURRENT = Fault(
    409, "concurrent_idempotent_requests", "Same idempotency key used while original is running."
)
OTHER_PAYLOAD = Fault(
    409,
    "invalid_idempotent_request",
    "Same idempotency key used with a different request payload.",
)
BROKEN = Fault()
HTML = Fault(502, body="<html><body><h1>502 Bad Gateway</h1></body></html>")
NEVER_ANSWERED = Fault(end="hang")
DROPPED = Fault(end="drop")
TAKEN_NOT_ANSWERED = Fault(takes=True, end="hang")
TAKEN_AND_DROPPED = Fault(takes=True, end="drop")
TAKEN_AND_BROKEN = Fault(takes=True)
