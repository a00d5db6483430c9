"""What an answer that is no success means: who is at fault, and whether to come again."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2

from app.providers.base import AccountError, PermanentError, ProviderError, TransientError

_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_TOO_MANY = 429
_SERVER_FAULT = 500
# 403: something is not granted. 404: no such mailbox.
_ACCOUNT_STATUSES = {403, 404}
# Timeout, conflict, precondition, locked, too early: another request was in the way.
_PASSING_STATUSES = {408, 409, 412, 423, 425}
_BUSY_STATUSES = {503, 504}
# They come with statuses that say otherwise.
_ACCOUNT_CODES = {"ErrorQuotaExceeded", "ErrorSendAsDenied", "MailboxNotEnabledForRESTAPI"}
_ITEM_MISSING = "ErrorItemNotFound"
_LONGEST = 500
_FOREVER_SECONDS = 1e9


class MissingError(PermanentError):
    """The mailbox is there, but has no such message any more."""


def of_answer(response: httpx2.Response) -> ProviderError:
    """Judge an answer of Graph that is not what was asked for.

    Errors look like `{"error": {"code", "message", "innerError": {"request-id"}}}`; codes are
    case-sensitive.
    """
    status = response.status_code
    error = json_object(response).get("error")
    error = error if isinstance(error, dict) else {}
    code = error.get("code")
    detail = _detail(response, code, error.get("message"))
    retry_after = _retry_after(response)
    is_busy = status == _TOO_MANY or (status in _BUSY_STATUSES and retry_after is not None)
    verdicts: list[tuple[bool, type[TransientError | PermanentError], str]] = [
        (status == _UNAUTHORIZED, AccountError, "refused our credentials"),
        (is_missing(response), TransientError, "does not find the message"),
        (status in _ACCOUNT_STATUSES or code in _ACCOUNT_CODES, AccountError, "refused us"),
        (is_busy, TransientError, "is busy"),
        (status in _PASSING_STATUSES, TransientError, "refused for now"),
        (status >= _SERVER_FAULT, AccountError, "failed"),
        (status >= _BAD_REQUEST, PermanentError, "refused"),
        (True, AccountError, "gave an answer that fits no question"),
    ]
    kind, words = next((kind, words) for holds, kind, words in verdicts if holds)
    text = f"Microsoft Graph {words}: {detail}"
    if issubclass(kind, TransientError):
        return kind(text, retry_after=retry_after)
    return kind(text)


def is_missing(response: httpx2.Response) -> bool:
    """Whether the mailbox is there, but has no such message."""
    error = json_object(response).get("error")
    return isinstance(error, dict) and error.get("code") == _ITEM_MISSING


def of_token_answer(response: httpx2.Response, *, secret: str) -> ProviderError:
    """Judge a refusal of the token endpoint, `{"error", "error_description"}` (RFC 6749, 5.2)."""
    error = json_object(response)
    detail = _detail(response, error.get("error"), error.get("error_description"))
    # It is not known to repeat the secret; nobody shall find out that it does.
    detail = detail.replace(secret, "...") if secret else detail
    status = response.status_code
    if status == _TOO_MANY or status in _BUSY_STATUSES:
        retry_after = _retry_after(response)
        return TransientError(f"Microsoft's login is busy: {detail}", retry_after=retry_after)
    if _BAD_REQUEST <= status < _SERVER_FAULT:
        return AccountError(f"Microsoft's login refused our credentials: {detail}")
    return AccountError(f"Microsoft's login failed: {detail}")


def of_silence(service: str, error: Exception) -> AccountError:
    """Tell that no whole answer came."""
    return AccountError(f"{service} does not answer: {line(str(error)) or type(error).__name__}")


def json_object(response: httpx2.Response) -> Mapping[str, Any]:
    """Give the answer's JSON object; empty when it has none."""
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def line(text: str) -> str:
    """Make the text one printable line of some length."""
    readable = "".join(one if one.isprintable() else " " for one in text[: 4 * _LONGEST])
    return " ".join(readable.split())[:_LONGEST]


def _detail(response: httpx2.Response, code: object, message: object) -> str:
    words = [str(response.status_code)]
    if isinstance(code, str) and code:
        words.append(f"{line(code)}:")
    words.append(line(message if isinstance(message, str) else response.text))
    request_id = response.headers.get("request-id") or response.headers.get("x-ms-request-id")
    if request_id:
        words.append(f"(request-id {line(request_id)})")
    return " ".join(words)


def _retry_after(response: httpx2.Response) -> timedelta | None:
    """Read Retry-After: seconds, or a date (RFC 9110, section 10.2.3)."""
    value = response.headers.get("retry-after", "")
    try:
        return timedelta(seconds=min(max(float(value), 0.0), _FOREVER_SECONDS))
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(aware - datetime.now(UTC), timedelta(0))
