"""Reading the Inbox of a mailbox: what is new in it, and one message at a time.

What is sent by the mailbox, or not sent yet, is in other folders.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2

from app.providers.base import AccountError, Pacer, PermanentError, TransientError
from app.providers.graph import faults, stand_ins
from app.providers.graph.client import GraphClient, message_path
from app.providers.graph.instants import read_instant

PAGE_SIZE = 200
_OK, _GONE = 200, 410
_DELTA = "/mailFolders/inbox/messages/delta"
# Codes of a state that Graph keeps no longer (learn.microsoft.com/graph/delta-query-overview).
_LOST_STATES = {"syncstatenotfound", "syncstateinvalid", "resyncrequired"}
_LONGEST_ID = 512
_SELECT = "id,isDraft,parentFolderId,internetMessageId,conversationId,receivedDateTime,from,sender"


class ResyncError(TransientError):
    """Graph no longer knows where the last look ended: it must begin anew, from some time."""


@dataclass(frozen=True)
class Page:
    """Ids of messages that are in the Inbox; `link` is where the next look begins.

    `is_last` when there is no more now. An id may be told more than once, and in any order.
    """

    ids: tuple[str, ...]
    link: str
    is_last: bool


@dataclass(frozen=True)
class Described:
    """What Graph tells of a message beside its octets.

    `senders` are the addresses it is from, lower-case; `is_sent` when it is the mailbox's own, in
    Sent Items.
    """

    is_draft: bool
    is_sent: bool
    message_id: str | None
    conversation_id: str | None
    received: datetime | None
    senders: frozenset[str]


class GraphInbox:
    """Each request takes one of the places that Graph has for the mailbox (`Pacer.reading`)."""

    def __init__(self, client: GraphClient, pacer: Pacer) -> None:
        self._client, self._pacer = client, pacer
        self._sent_items: str | None = None

    async def page(self, link: str | None, *, since: datetime) -> Page:
        """Give what came in since the look that ended with `link`; all that is there without one.

        What was received before `since` is left out here: asked to do that, Graph tells of 5000
        messages at most (learn.microsoft.com/graph/delta-query-messages). Raises ResyncError where
        Graph does not know the link any more, ParkedError when the mailbox is busy, ProviderError.
        """
        async with self._pacer.reading():
            if link is not None:
                response = await self._client.follow(link, PAGE_SIZE)
            else:
                # Only the first request says what is wanted; links carry it on.
                wanted = {"changeType": "created", "$select": "id,isDraft,receivedDateTime"}
                response = await self._client.page(_DELTA, PAGE_SIZE, params=wanted)
        return _page(response, since)

    async def describe(self, message_id: str) -> Described | None:
        """Tell of a message, None when the mailbox has it no more. Raises as `page`."""
        async with self._pacer.reading():
            response = await self._client.call(
                "GET", message_path(message_id), params={"$select": _SELECT}
            )
            if faults.is_missing(response):
                return None
            told = _answer(response)
            sent_items = await self._sent_folder()
        message_id_, conversation_id = told.get("internetMessageId"), told.get("conversationId")
        return Described(
            is_draft=told.get("isDraft") is True,
            is_sent=told.get("parentFolderId") == sent_items,
            message_id=message_id_ if isinstance(message_id_, str) else None,
            conversation_id=conversation_id if isinstance(conversation_id, str) else None,
            received=read_instant(told.get("receivedDateTime")),
            senders=frozenset(
                address.lower()
                for name in ("from", "sender")
                for _, address in stand_ins.addresses(told.get(name))
            ),
        )

    async def fetch(self, message_id: str, *, limit: int) -> bytes:
        """Read a message as RFC 5322 octets. Raises as `page`.

        PermanentError when it is larger than `limit`, MissingError when it is gone.
        """
        async with self._pacer.reading():
            return await self._client.download(f"{message_path(message_id)}/$value", limit)

    async def stand_in(self, message_id: str, *, limit: int) -> bytes:
        """Write a message without its attachments, where its octets cannot be had.

        Raises as `fetch`; PermanentError too where what Graph tells of it is not JSON.
        """
        path = f"{message_path(message_id)}?$select={stand_ins.SELECT}"
        async with self._pacer.reading():
            told = await self._client.download(path, limit)
        try:
            fields = json.loads(told)
        except ValueError as error:
            raise PermanentError("Microsoft Graph gave no message") from error
        return stand_ins.written(fields if isinstance(fields, dict) else {})

    async def _sent_folder(self) -> str:
        if self._sent_items is None:
            response = await self._client.call(
                "GET", "/mailFolders/sentitems", params={"$select": "id"}
            )
            self._sent_items = str(_answer(response).get("id"))
        return self._sent_items


def _answer(response: httpx2.Response) -> Mapping[str, Any]:
    if response.status_code != _OK:
        raise faults.of_answer(response)
    return faults.json_object(response)


def _page(response: httpx2.Response, since: datetime) -> Page:
    error = faults.json_object(response).get("error")
    code = str(error.get("code")).lower() if isinstance(error, dict) else ""
    if response.status_code == _GONE or code in _LOST_STATES:
        raise ResyncError("Microsoft Graph does not know any more where the last look ended")
    told = _answer(response)
    items, last = told.get("value"), told.get("@odata.deltaLink")
    link = last if last is not None else told.get("@odata.nextLink")
    if not isinstance(items, list) or not isinstance(link, str):
        raise AccountError("Microsoft Graph gave a page without messages or without a link")
    return Page(tuple(dict.fromkeys(_new(items, since))), link, is_last=last is not None)


def _new(items: list[Any], since: datetime) -> Iterator[str]:
    for item in items:
        if not isinstance(item, dict) or "@removed" in item or item.get("isDraft") is True:
            continue
        # Changes of older messages are told as well, whatever was asked for.
        received = read_instant(item.get("receivedDateTime"))
        if received is not None and received < since:
            continue
        id_ = item.get("id")
        if isinstance(id_, str) and 0 < len(id_) <= _LONGEST_ID:
            yield id_
