"""Speaking HTTP with Graph: the token, the headers that each request carries, lost answers."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx2

from app.providers.base import AccountError, PermanentError
from app.providers.graph import faults

_OK = 200
_UNAUTHORIZED = 401
_SCOPE = "https://graph.microsoft.com/.default"
# A token is renewed this long before it ends.
_TOKEN_MARGIN = 300.0
# Ids then stay what they are when a draft becomes a sent message
# (learn.microsoft.com/graph/outlook-immutable-id); every request must ask for it.
_PREFER = 'IdType="ImmutableId"'
# Those of delta queries carry tokens of some hundred characters.
_LONGEST_LINK = 16 * 1024
_DOTS = re.compile(r"/\.{1,2}(/|$)")


@dataclass(frozen=True)
class GraphAccount:
    """A mailbox (its address), and the application that may use it, registered in a directory.

    The application needs the permissions Mail.ReadWrite and Mail.Send; Mail.Read to receive only.
    """

    directory_id: str
    client_id: str
    client_secret: str = field(repr=False)
    mailbox: str
    graph_url: str
    login_url: str
    timeout: timedelta


def message_path(message_id: str) -> str:
    """Give the path of a message within its mailbox."""
    return f"/messages/{quote(message_id, safe='')}"


def _paged(size: int) -> str:
    return f"{_PREFER}, odata.maxpagesize={size}"


class GraphClient:
    def __init__(self, account: GraphAccount, http: httpx2.AsyncClient) -> None:
        self._account, self._http = account, http
        self._timeout = account.timeout.total_seconds()
        self._token: str | None = None
        self._renew_at = 0.0
        self._renewing = asyncio.Lock()
        self._root = account.graph_url.rstrip("/")
        self._base = f"{self._root}/users/{quote(account.mailbox, safe='')}"

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        mime: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Give the answer, whatever it says, of a path within the mailbox.

        A message as `mime`, in base64, stands in for one as `json`. Raises AccountError when there
        is none, or no token.
        """
        return await self._authorized(
            method, self._base + path, json=json, mime=mime, params=params
        )

    async def ask(
        self, method: str, path: str, *, json: Mapping[str, Any] | None = None
    ) -> httpx2.Response:
        """Give the answer, whatever it says, of a path of Graph itself; raises as `call`."""
        return await self._authorized(method, self._root + path, json=json)

    async def page(
        self, path: str, size: int, *, params: Mapping[str, str] | None = None
    ) -> httpx2.Response:
        """Give a page, of about `size` items, of a path within the mailbox; raises as `call`."""
        prefer = _paged(size)
        return await self._authorized("GET", self._base + path, params=params, prefer=prefer)

    async def follow(self, link: str, size: int) -> httpx2.Response:
        """Give the next page, by a link that Graph gave; raises as `call`.

        It is followed only where it leads to the Graph that was configured: our token goes along.
        """
        return await self._authorized("GET", self._own(link), prefer=_paged(size))

    def _own(self, link: str) -> str:
        """Give the link as it is. Raises AccountError for one that leads elsewhere."""
        own = httpx2.URL(self._root)
        try:
            url = httpx2.URL(link if len(link) <= _LONGEST_LINK else "")
        except httpx2.InvalidURL:
            url = httpx2.URL("")
        same = (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)
        within = url.path.startswith(f"{own.path.rstrip('/')}/") and not _DOTS.search(url.path)
        if not same or url.userinfo or not within:
            raise AccountError("Microsoft Graph gave a link that leads elsewhere")
        return link

    async def download(self, path: str, limit: int) -> bytes:
        """Read the octets of a path.

        Raises PermanentError when there are more than `limit`, MissingError for no such message.
        """
        response = await self._authorized("GET", self._base + path, stream=True)
        try:
            if response.status_code != _OK:
                await response.aread()
                error = faults.of_answer(response)
                missing = faults.is_missing(response)
                raise faults.MissingError(error.detail) if missing else error
            octets = bytearray()
            async for chunk in response.aiter_bytes():
                octets += chunk
                if len(octets) > limit:
                    raise PermanentError(f"the message is larger than {limit} octets")
            return bytes(octets)
        except httpx2.HTTPError as error:
            raise faults.of_silence("Microsoft Graph", error) from error
        finally:
            await response.aclose()

    async def put_chunk(
        self, url: str, chunk: memoryview, *, start: int, total: int
    ) -> httpx2.Response:
        """Upload a part of a file to the address of its upload session.

        That address is its own permission: with our token in the request, it is refused
        (learn.microsoft.com/graph/outlook-large-attachments).
        """
        content_range = f"bytes {start}-{start + len(chunk) - 1}/{total}"
        headers = {"Content-Range": content_range, "Content-Type": "application/octet-stream"}
        try:
            return await self._http.put(
                url, content=bytes(chunk), headers=headers, timeout=self._timeout
            )
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise faults.of_silence("Microsoft Graph", error) from error

    async def _authorized(
        self,
        method: str,
        url: str,
        *,
        json: Mapping[str, Any] | None = None,
        mime: bytes | None = None,
        params: Mapping[str, str] | None = None,
        prefer: str = _PREFER,
        stream: bool = False,
    ) -> httpx2.Response:
        async def request(token: str) -> httpx2.Response:
            headers = {"Authorization": f"Bearer {token}", "Prefer": prefer}
            if mime is not None:
                headers["Content-Type"] = "text/plain"
            try:
                asked = self._http.build_request(
                    method,
                    url,
                    json=json,
                    content=mime,
                    params=params,
                    headers=headers,
                    timeout=self._timeout,
                )
                return await self._http.send(asked, stream=stream)
            except ValueError as error:
                raise PermanentError(f"this mail cannot be written as JSON: {error}") from error
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise faults.of_silence("Microsoft Graph", error) from error

        token = await self._current_token()
        response = await request(token)
        if response.status_code != _UNAUTHORIZED:
            return response
        # It ended before its time: revoked, or the permissions changed.
        await response.aclose()
        if self._token == token:
            self._token = None
        return await request(await self._current_token())

    async def _current_token(self) -> str:
        """Give the kept token, or get one; several who need one get the same."""
        async with self._renewing:
            if self._token is None or monotonic() >= self._renew_at:
                self._token, lifetime = await self._new_token()
                self._renew_at = monotonic() + lifetime - min(_TOKEN_MARGIN, lifetime / 2)
            return self._token

    async def _new_token(self) -> tuple[str, float]:
        """Log in by client credentials (RFC 6749, section 4.4); token and lifetime in seconds."""
        account = self._account
        form = {
            "client_id": account.client_id,
            "client_secret": account.client_secret,
            "scope": _SCOPE,
            "grant_type": "client_credentials",
        }
        directory = quote(account.directory_id, safe="")
        url = f"{account.login_url.rstrip('/')}/{directory}/oauth2/v2.0/token"
        try:
            response = await self._http.post(url, data=form, timeout=self._timeout)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise faults.of_silence("Microsoft's login", error) from error
        if response.status_code != _OK:
            raise faults.of_token_answer(response, secret=account.client_secret)
        answer = faults.json_object(response)
        try:
            token, lifetime = answer["access_token"], float(answer["expires_in"])
        except (KeyError, TypeError, ValueError):
            token, lifetime = None, 0.0
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise AccountError("Microsoft's login gave an answer that holds no token")
        return token, lifetime
