"""The bad days of a fake Microsoft Graph."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What comes of a request instead of the usual; `takes` the request all the same.

    It befalls requests whose `METHOD /path?query` holds `on`. `end` is `answer`, `hang` (never
    answered) or `drop` (the connection is closed instead). `body` stands instead of Graph's JSON.
    """

    status: int = 500
    code: str = "ErrorInternalServerError"
    message: str = "An internal server error occurred. The operation failed."
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    takes: bool = False
    end: str = "answer"
    on: str = ""


CONCURRENCY = Fault(
    429,
    "ApplicationThrottled",
    "Application is over its MailboxConcurrency limit.",
    {"Retry-After": "3"},
)
BUSY = Fault(
    503, "ErrorServerBusy", "The server cannot service this request.", {"Retry-After": "7"}
)
BROKEN = Fault()
HTML = Fault(502, body="<html><body><h1>502 Bad Gateway</h1></body></html>")
NEVER_ANSWERED = Fault(end="hang")
DROPPED = Fault(end="drop")
SEND_NEVER_ANSWERED = Fault(takes=True, end="hang", on="/send")
SENT_AND_DROPPED = Fault(takes=True, end="drop", on="/send")
SENT_AND_BROKEN = Fault(takes=True, on="/send")
NOT_SENT_AND_DROPPED = Fault(end="drop", on="/send")
TOO_LARGE = Fault(413, "RequestEntityTooLarge", "The request is larger than the server allows.")
BAD_MIME = Fault(
    400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content."
)
NO_TOKEN = Fault(401, "InvalidAuthenticationToken", "Access token is empty.")
BAD_TOKEN = Fault(
    401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired."
)
MISSING = Fault(404, "ErrorItemNotFound", "The specified object was not found in the store.")
NO_USER = Fault(404, "ErrorInvalidUser", "The requested user is invalid.")
NO_MAILBOX = Fault(
    404,
    "MailboxNotEnabledForRESTAPI",
    "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
)
NO_SUBSCRIPTION = Fault(404, "ResourceNotFound", "The object was not found.")
DUPLICATE = Fault(
    409, "Conflict", "A subscription with these properties exists. Unable to create duplicates."
)
NOT_VALIDATED = Fault(
    400,
    "ValidationError",
    "Subscription validation request failed. Notification endpoint must respond with 200 OK to"
    " validation request.",
)
TOO_LONG = Fault(
    400,
    "ExtensionError",
    "Subscription expiration can only be 10080 minutes in the future.",
)
NOT_GRANTED = Fault(403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
LOST_STATE = Fault(410, "syncStateNotFound", "The sync state generation is not found.")
SEND_AS_DENIED = Fault(
    403,
    "ErrorSendAsDenied",
    "The user account which was used to submit this request does not have the right to send mail"
    " on behalf of the specified sending account., Cannot submit message.",
)
NO_RECIPIENTS = Fault(
    400,
    "ErrorInvalidRecipients",
    "At least one recipient isn't valid., A message can't be sent"
    " because it contains no recipients.",
)
HEADER_NAME = Fault(
    400,
    "InvalidInternetMessageHeader",
    "The internet message header name should start with 'x-' or 'X-'.",
)
HEADER_COUNT = Fault(
    400,
    "InvalidInternetMessageHeaderCollection",
    "The maximum number of internet message headers of 5 has been exceeded.",
)
