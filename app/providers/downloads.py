"""Reading what stands at an address that somebody else named."""

import asyncio
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2

from app.providers.base import PermanentError, TransientError
from app.providers.reach import ForbiddenHostError, public_addresses

_HTTPS = 443
# A download may take so many times the wait for one piece of it.
_WHOLE = 20
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


class GoneError(Exception):
    """Nothing stands there any more: the address has expired, or never was one."""


async def download(
    http: httpx2.AsyncClient, url: str, *, limit: int, patience: timedelta, public_only: bool
) -> bytes:
    """Read at most `limit` octets at an address; nothing of ours is sent there.

    `patience` is the longest wait for a piece of them. `public_only` takes only https addresses of
    the Internet, and connects to the very one that was checked. Redirections are not followed.
    Raises GoneError, PermanentError for more octets or an address that is not to be asked,
    TransientError where they may be had later.
    """
    try:
        async with asyncio.timeout(patience.total_seconds() * _WHOLE):
            target, headers, extensions = await _checked(url, patience, public_only=public_only)
            async with http.stream(
                "GET",
                target,
                headers=headers,
                extensions=extensions,
                timeout=patience.total_seconds(),
            ) as response:
                _judge(response.status_code)
                return await _read(response, limit)
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise PermanentError("the address of the content is none") from error
    except (httpx2.HTTPError, OSError, TimeoutError) as error:
        raise TransientError(f"no content was read: {type(error).__name__}") from error


async def _checked(
    url: str, patience: timedelta, *, public_only: bool
) -> tuple[httpx2.URL, dict[str, str], dict[str, str]]:
    parsed = httpx2.URL(url)
    plain = {"Accept-Encoding": "identity"}
    if not public_only:
        return parsed, plain, {}
    host = urlsplit(url).hostname or ""
    if parsed.scheme != "https" or parsed.port not in {None, _HTTPS} or not host:
        raise PermanentError("the address of the content is not one of https")
    try:
        [address, *_] = await public_addresses(host, _HTTPS, limit=patience)
    except ForbiddenHostError as error:
        raise PermanentError(f"the host of the content {error}") from error
    # The certificate is held to the name (RFC 6125). The connection is of use to no other name.
    headers = {**plain, "Host": host, "Connection": "close"}
    return parsed.copy_with(host=address), headers, {"sni_hostname": host}


def _judge(status: int) -> None:
    if status == HTTPStatus.OK:
        return
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise TransientError(f"the content was answered with {status}")
    # Signed addresses that have expired are 403 at S3 and CloudFront, 400 with some others.
    raise GoneError(str(status))


async def _read(response: httpx2.Response, limit: int) -> bytes:
    octets = bytearray()
    async for chunk in response.aiter_bytes():
        octets += chunk
        if len(octets) > limit:
            raise PermanentError(f"the content is larger than {limit} octets")
    return bytes(octets)
