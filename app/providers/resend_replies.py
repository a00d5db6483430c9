"""What Resend's answers mean: by their HTTP status first, by the name of the error second.

Proxies before Resend answer in HTML, and names come and go (https://resend.com/docs/api-reference/
errors lists some that its own clients do not know), so neither may be needed to go on.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from app.providers.base import (
    AccountError,
    ParkedError,
    PermanentError,
    ProviderError,
    TransientError,
)

_DAILY = timedelta(hours=2)
_MONTHLY = timedelta(hours=12)
_QUOTAS = {"daily_quota_exceeded": _DAILY, "monthly_quota_exceeded": _MONTHLY}
_CONCURRENT_WAIT = timedelta(seconds=5)
_KEY_NAMES = frozenset(
    {"missing_api_key", "restricted_api_key", "invalid_api_key", "suspended_api_key"}
    | {"invalid_permission"}
)
# The service calls a key that it does not know a `validation_error` (resend/resend-node#617).
_KEY_WORDS = re.compile(r"\bAPI key\b", re.IGNORECASE)
_KEY_STATUSES = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_PASSING_STATUSES = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
# The answer of something that is not Resend, or of Resend not for this mail's sake.
_SERVICE_STATUSES = frozenset(
    {
        HTTPStatus.PAYMENT_REQUIRED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.METHOD_NOT_ALLOWED,
        HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
        HTTPStatus.MISDIRECTED_REQUEST,
    }
)
_NUMBER = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*")
_POLICY_WINDOW = re.compile(r";\s*w=(\d{1,6})")
_WORDS_LIMIT = 500


@dataclass(frozen=True)
class Reply:
    """One answer; `headers` have lower-case names, `body` is the JSON object in it, if any."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], content: bytes) -> "Reply":
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            body = None
        lower = {name.lower(): value for name, value in headers.items()}
        return cls(status, lower, body if isinstance(body, dict) else {})

    @property
    def is_success(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_refusal(self) -> bool:
        """Whether Resend surely did nothing of what it was asked."""
        open_ended = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT}
        client_error = HTTPStatus.BAD_REQUEST <= self.status < HTTPStatus.INTERNAL_SERVER_ERROR
        return client_error and self.status not in open_ended

    @property
    def name(self) -> str:
        return self.text("name") or ""

    def text(self, field: str) -> str | None:
        """The field's value when it is a text with something in it."""
        value = self.body.get(field)
        return value if isinstance(value, str) and value else None

    def number(self, header: str) -> float | None:
        """The header's value when it is a plain number, as `retry-after: 2`."""
        found = _NUMBER.fullmatch(self.headers.get(header, ""))
        return None if found is None else float(found[1])

    @property
    def rate(self) -> tuple[float, float] | None:
        """How many requests in how many seconds (`ratelimit-limit: 10`, `-policy: 10;w=1`)."""
        limit = self.number("ratelimit-limit")
        found = _POLICY_WINDOW.search(self.headers.get("ratelimit-policy", ""))
        window = 1.0 if found is None else float(found[1])
        return (limit, window) if limit and window else None

    @property
    def pause(self) -> float | None:
        """Seconds in which a further request would be refused."""
        if self.status == HTTPStatus.TOO_MANY_REQUESTS and self.name not in _QUOTAS:
            asked = self.number("retry-after")
            return asked if asked is not None else self.number("ratelimit-reset") or 1.0
        if self.number("ratelimit-remaining") == 0:
            return self.number("ratelimit-reset")
        return None


def fault(reply: Reply) -> ProviderError:
    """Say what an answer that is no success means for the mail."""
    words = _words(reply)
    retry_after = reply.number("retry-after")
    wait = None if retry_after is None else timedelta(seconds=retry_after)
    if _blames_the_key(reply):
        return AccountError(f"Resend refused our credentials: {words}", retry_after=wait)
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return _too_many(reply, words)
    if reply.status == HTTPStatus.CONFLICT:
        return _conflict(reply, words)
    if reply.status in _PASSING_STATUSES:
        return TransientError(words, retry_after=wait)
    if _blames_the_service(reply):
        return AccountError(words, retry_after=wait)
    return PermanentError(words)


def _blames_the_key(reply: Reply) -> bool:
    return (
        reply.status == HTTPStatus.UNAUTHORIZED
        or reply.name in _KEY_NAMES
        or (
            reply.status in _KEY_STATUSES
            and _KEY_WORDS.search(reply.text("message") or "") is not None
        )
    )


def _blames_the_service(reply: Reply) -> bool:
    # A 403 without a name is a proxy's or a firewall's.
    unnamed = reply.status == HTTPStatus.FORBIDDEN and not reply.name
    return unnamed or reply.status in _SERVICE_STATUSES or not _is_client_error(reply.status)


def _too_many(reply: Reply, words: str) -> ParkedError:
    """A rate that is kept to in seconds, or a quota that takes hours: neither is a fault."""
    least = _QUOTAS.get(reply.name, timedelta(seconds=reply.pause or 0))
    asked = timedelta(seconds=reply.number("retry-after") or 0)
    return ParkedError(words, retry_after=max(least, asked))


def _conflict(reply: Reply, words: str) -> ProviderError:
    if reply.name == "invalid_idempotent_request":
        return PermanentError(f"Resend has another mail under this key, or had it: {words}")
    return TransientError(words, retry_after=_CONCURRENT_WAIT)


def _is_client_error(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def _words(reply: Reply) -> str:
    said = " ".join(filter(None, (reply.name, reply.text("message"))))
    answer = f"Resend answered {reply.status}"
    return f"{answer}: {readable(said)}" if said else f"{answer} without a word"


def readable(text: str) -> str:
    """Make one line of it that can be stored and shown, of at most 500 characters."""
    storable = text.encode(errors="replace").decode()
    printable = "".join(one if one.isprintable() else " " for one in storable)
    return " ".join(printable.split())[:_WORDS_LIMIT]
