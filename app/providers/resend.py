"""Resend (https://resend.com/docs/api-reference), over HTTP."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import httpx2
from pydantic import TypeAdapter, ValidationError

from app.providers import resend_receiving
from app.providers.base import (
    AccountError,
    OutgoingMessage,
    Pacer,
    ParkedError,
    PermanentError,
    ProviderError,
    Receipt,
    TransientError,
)
from app.providers.downloads import download
from app.providers.pacing import Pace
from app.providers.resend_payload import request_body
from app.providers.resend_receiving import Page, Received
from app.providers.resend_replies import Reply, fault, readable

# Resend answers 403 to requests without one.
_USER_AGENT = "letterbox"
# It knows an idempotency key for 24 hours; clocks and the way there take something of it.
KEY_LIFETIME = timedelta(hours=23)
# A request may take so many times the wait for one piece of its answer.
_WHOLE = 4
_LARGE_BODY = 256 * 1024
_KEY = re.compile(r"[!-~]{1,256}")
_SECRET = re.compile(r"[!-~]{1,500}")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,970}>")


@dataclass(frozen=True)
class ResendAccount:
    """`base_url` is where the API is; `timeout` the longest wait for a piece of an answer.

    `public_only` reads contents of received mail from hosts of the Internet only.
    """

    api_key: str = field(repr=False)
    base_url: str = "https://api.resend.com"
    timeout: timedelta = timedelta(seconds=30)
    public_only: bool = True


@dataclass(frozen=True)
class _OpenRequest:
    """A request that Resend may have taken, for all we know: when, and to whom it was."""

    resend_since: datetime
    recipients: tuple[str, ...]


_OPEN_REQUEST = TypeAdapter(_OpenRequest)


class ResendProvider:
    """Every attempt at a delivery has the same idempotency key, so Resend sends it once.

    That holds for the same request within 24 hours. So what was asked first is written down, and
    as long as no answer said that it was refused, exactly that is asked again; never after a day,
    as that would be a second mail. Requests keep to the rate that Resend tells; one provider
    should serve all mails of an account.
    """

    def __init__(
        self,
        account: ResendAccount,
        http: httpx2.AsyncClient,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        reads: Pacer | None = None,
    ) -> None:
        """Send as `account`; `reads` paces what is asked of received mail, so that mail goes out.

        Without it, as fast as Resend lets it.
        """
        self._reads = reads
        self._account = account
        self._http = http
        self._now = now
        self._pace = Pace()

    async def send(self, message: OutgoingMessage) -> Receipt:
        """Hand it over; a reply that never came or a 5xx is transient, and the key keeps it one.

        The receipt has no Message-ID, since Resend makes it later.
        """
        earlier = _open_request(message.state)
        if earlier is not None and self._now() - earlier.resend_since > KEY_LIFETIME:
            raise PermanentError(
                "Resend never said whether it took this mail, which may have arrived, and by now"
                " would not know it again"
            )
        request = earlier or _OpenRequest(self._now(), message.recipients)
        body = await _written(message, request.recipients)
        await self._pace.turn()
        if earlier is None:
            await message.save(_OPEN_REQUEST.dump_json(request).decode())
        try:
            reply = await self._ask("POST", "/emails", body, {"Idempotency-Key": _key(message)})
        except AccountError:
            # It was not reached. An earlier request stays as open as it was.
            if earlier is None:
                await message.save("")
            raise
        if reply.is_refusal and earlier is None:
            await message.save("")
        return Receipt(self._said(reply, "id"), None)

    async def identify(self, provider_id: str) -> str | None:
        """Ask under which Message-ID it went out; None while Resend has none."""
        await self._pace.turn()
        reply = await self._ask("GET", f"/emails/{quote(provider_id, safe='')}")
        if reply.status == HTTPStatus.NOT_FOUND and reply.name:
            return None
        if reply.name == "restricted_api_key":
            raise PermanentError("this API key may only send, and cannot ask for a Message-ID")
        if not reply.is_success:
            raise self._fault(reply)
        return _message_id(reply.text("message_id"))

    async def verify(self) -> None:
        """Ask for the account's domains, which any good key may, or is told it may only send."""
        await self._pace.turn()
        reply = await self._ask("GET", "/domains?limit=1")
        if reply.status == HTTPStatus.UNAUTHORIZED and reply.name == "restricted_api_key":
            return
        if not reply.is_success:
            raise self._fault(reply)
        if not isinstance(reply.body.get("data"), list):
            raise AccountError(f"{self._account.base_url} does not answer as Resend does")

    async def received(self, id_: str, *, limit: int) -> Received:
        """Fetch a received message; raises what `resend_receiving.received` raises."""
        return await resend_receiving.received(self._read, self._download, id_, limit=limit)

    async def list_received(self, after: str | None) -> Page:
        """List what was received; raises what `resend_receiving.listed` raises."""
        return await resend_receiving.listed(self._read, after)

    async def _read(self, path: str) -> Reply:
        if self._reads is None:
            await self._pace.turn()
            return await self._ask("GET", path)
        async with self._reads.turn(path) as turn:
            await turn.sends()
            await self._pace.turn()
            return await self._ask("GET", path)

    async def _download(self, url: str, limit: int) -> bytes:
        account = self._account
        return await download(
            self._http, url, limit=limit, patience=account.timeout, public_only=account.public_only
        )

    async def close(self) -> None:
        """Nothing is held: the HTTP client belongs to whoever made it."""

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Put a request and read its answer, whatever it is.

        Raises AccountError when Resend surely never got it, TransientError when that is open.
        """
        account = self._account
        seconds = account.timeout.total_seconds()
        if not _SECRET.fullmatch(account.api_key):
            raise AccountError("these credentials are no API key: it holds other characters")
        known = {
            "Authorization": f"Bearer {account.api_key}",
            "User-Agent": _USER_AGENT,
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            async with asyncio.timeout(seconds * _WHOLE):
                response = await self._http.request(
                    method,
                    account.base_url.rstrip("/") + path,
                    content=body,
                    headers={**known, **(headers or {})},
                    timeout=seconds,
                )
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise AccountError(f"no connection to Resend: {_reason(error)}") from error
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise AccountError(f"{account.base_url} is no address of Resend") from error
        except (httpx2.HTTPError, TimeoutError) as error:
            raise TransientError(f"no answer from Resend: {_reason(error)}") from error
        # No answer may carry the key into a record or a log.
        content = response.content.replace(account.api_key.encode(), b"***")
        reply = Reply.of(response.status_code, response.headers, content)
        self._keep_to(reply)
        return reply

    def _keep_to(self, reply: Reply) -> None:
        if reply.rate is not None:
            self._pace.learn(*reply.rate)
        if reply.pause is not None:
            self._pace.pause(reply.pause)

    def _said(self, reply: Reply, field_: str) -> str:
        """What a good answer says there; raises what a bad one means."""
        if not reply.is_success:
            raise self._fault(reply)
        value = reply.text(field_)
        if value is None:
            raise TransientError(f"Resend answered {reply.status}, but not with an {field_}")
        return value

    def _fault(self, reply: Reply) -> ProviderError:
        error = fault(reply)
        if isinstance(error, ParkedError) and reply.pause is not None:
            # Not all at once: those that were refused together come back one by one.
            return ParkedError(error.detail, retry_after=self._pace.come_back_after())
        return error


def _open_request(state: str | None) -> _OpenRequest | None:
    """Read what was saved; None when nothing was, or by another provider."""
    try:
        return _OPEN_REQUEST.validate_json(state or "null")
    except ValidationError:
        return None


async def _written(message: OutgoingMessage, recipients: Sequence[str]) -> bytes:
    """Write the request; a long one in a thread, so that other mails and leases go on.

    Raises PermanentError for what no mail can hold.
    """
    said = message.message
    size = len(said.html) + sum(attachment.size for attachment in said.attachments)
    write = partial(request_body, said, recipients, delivery=message.idempotency_key)
    try:
        return await asyncio.to_thread(write) if size > _LARGE_BODY else write()
    except ValueError as error:
        raise PermanentError(f"this mail cannot be written: {error}") from error


def _key(message: OutgoingMessage) -> str:
    if not _KEY.fullmatch(message.idempotency_key):
        raise PermanentError("an idempotency key has 1 to 256 visible ASCII characters")
    return message.idempotency_key


def _message_id(text: str | None) -> str | None:
    """Read a Message-ID, with or without its angle brackets."""
    written = f"<{(text or '').strip().removeprefix('<').removesuffix('>')}>"
    return written if _MESSAGE_ID.fullmatch(written) else None


def _reason(error: Exception) -> str:
    return readable(str(error)) or type(error).__name__
