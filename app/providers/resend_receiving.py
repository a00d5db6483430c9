"""Mail that Resend received (https://resend.com/docs/api-reference/emails/retrieve-received-email).

Events tell only of it. Its octets stand at an address that expires within the hour; where there
are none, the message is made of the fields that Resend tells.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from app.instants import parse_instant
from app.mail.assemble import assemble, file_of
from app.mail.entities import File
from app.providers.base import AccountError, PermanentError, TransientError
from app.providers.downloads import GoneError
from app.providers.resend_replies import Reply, fault

PAGE = 100
# Attachments are read page by page; mail with more of them is not written by people.
_MAX_FILES = 500

Ask = Callable[[str], Awaitable[Reply]]
# Reads at most so many octets at an address.
Download = Callable[[str, int], Awaitable[bytes]]


@dataclass(frozen=True)
class Received:
    """A received message (RFC 5322 octets), and whom it was delivered to, as far as it tells."""

    raw: bytes
    recipients: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """A part of the list of what was received, the latest first; `more` where it goes on."""

    rows: Sequence[Mapping[str, Any]]
    more: bool


async def received(ask: Ask, download: Download, id_: str, *, limit: int) -> Received:
    """Fetch what Resend received, at most `limit` octets.

    Raises PermanentError when it cannot be had any more, or is larger, and TransientError.
    """
    told = await _told(ask, id_)
    raw = await _octets(ask, download, id_, told, limit)
    if raw is None:
        raw = await _made(ask, download, id_, told, limit)
    return Received(raw, texts(told.get("received_for")))


async def listed(ask: Ask, after: str | None) -> Page:
    """List what was received before the one with the id `after`, or the latest.

    Raises PermanentError for an `after` that Resend does not know, and TransientError.
    """
    following = "" if after is None else f"&after={quote(after, safe='')}"
    reply = await ask(f"/emails/receiving?limit={PAGE}{following}")
    rows = _answer(reply).get("data")
    if not isinstance(rows, list):
        raise TransientError(f"Resend answered {reply.status}, but not with a list")
    named = [row for row in rows if isinstance(row, dict) and isinstance(row.get("id"), str)]
    return Page(named, more=reply.body.get("has_more") is True and bool(named))


def texts(value: object) -> tuple[str, ...]:
    """Read a text or a list of them; what is none is left out."""
    many = value if isinstance(value, list) else [value]
    return tuple(one for one in many if isinstance(one, str) and one)


async def _told(ask: Ask, id_: str) -> Mapping[str, Any]:
    # By default pictures would stand in the HTML, in base64.
    return _answer(await ask(f"/emails/receiving/{quote(id_, safe='')}?html_format=cid"))


def _answer(reply: Reply) -> Mapping[str, Any]:
    if reply.is_success:
        return reply.body
    error = fault(reply)
    if isinstance(error, AccountError) and reply.status == HTTPStatus.NOT_FOUND and reply.name:
        raise PermanentError(f"Resend does not have it any more: {error.detail}")
    raise error


async def _octets(
    ask: Ask, download: Download, id_: str, told: Mapping[str, Any], limit: int
) -> bytes | None:
    """Read the message as it came; None when Resend has no such octets."""
    url = _url_of(told)
    if url is None:
        return None
    try:
        return await download(url, limit)
    except GoneError:
        url = _url_of(await _told(ask, id_))
    if url is None:
        return None
    try:
        return await download(url, limit)
    except GoneError as error:
        raise TransientError(f"Resend's address of the message is none ({error})") from error


def _url_of(told: Mapping[str, Any]) -> str | None:
    raw = told.get("raw")
    url = raw.get("download_url") if isinstance(raw, dict) else None
    return url if isinstance(url, str) and url else None


async def _made(
    ask: Ask, download: Download, id_: str, told: Mapping[str, Any], limit: int
) -> bytes:
    """Write the message of what Resend tells of it, with its files."""
    files: list[File] = []
    left = limit
    async for row in _files(ask, id_, told):
        url = row.get("download_url")
        if not isinstance(url, str):
            raise TransientError("Resend tells no address of an attachment")
        try:
            content = await download(url, left)
        except GoneError as error:
            raise TransientError(f"Resend's address of an attachment is none ({error})") from error
        left -= len(content)
        files.append(
            file_of(
                _text(row.get("filename")),
                _text(row.get("content_type")),
                _text(row.get("content_id")),
                content,
            )
        )
    return written(told, text=_text(told.get("text")), html=_text(told.get("html")), files=files)


async def _files(ask: Ask, id_: str, told: Mapping[str, Any]) -> AsyncIterator[Mapping[str, Any]]:
    """Give what Resend tells of each attachment, with an address that is valid now."""
    if not told.get("attachments"):
        return
    after, seen = "", 0
    while seen < _MAX_FILES:
        path = f"/emails/receiving/{quote(id_, safe='')}/attachments?limit={PAGE}{after}"
        reply = _answer(await ask(path))
        rows = reply.get("data")
        named = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        for row in named:
            yield row
        seen += len(named)
        if reply.get("has_more") is not True or not named:
            return
        after = f"&after={quote(str(named[-1].get('id')), safe='')}"


def written(
    told: Mapping[str, Any],
    *,
    text: str | None,
    html: str | None = None,
    files: Sequence[File] = (),
) -> bytes:
    """Write a message of the fields that Resend tells of one, in its list or an event too."""
    headers = told.get("headers")
    kept = list(_headers(headers if isinstance(headers, dict) else {}))
    known = {name.lower() for name, _ in kept}
    fields = [(name, value) for name, value in _fields(told) if name.lower() not in known]
    return assemble([*kept, *fields], text=text, html=html, files=files)


def _headers(headers: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        for one in texts(value):
            yield name, one


def _fields(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("from", "to", "cc", "reply_to"):
        if addresses := texts(told.get(name)):
            yield name.replace("_", "-").title(), ", ".join(addresses)
    if subject := _text(told.get("subject")):
        yield "Subject", subject
    if message_id := _text(told.get("message_id")):
        yield "Message-ID", f"<{message_id.strip('<> ')}>"
    if date := moment_of(told):
        yield "Date", format_datetime(date)


def moment_of(told: Mapping[str, Any]) -> datetime | None:
    """Tell when Resend took a message, in whole milliseconds; None where it does not say."""
    try:
        moment = parse_instant(told.get("created_at"))
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
