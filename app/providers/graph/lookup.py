"""Finding out what became of a draft that Graph was asked to send."""

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx2

from app.providers.base import ParkedError, UncertainError
from app.providers.graph import faults
from app.providers.graph.client import GraphClient, message_path
from app.providers.graph.drafts import Draft

_OK = 200
_NOT_FOUND = 404
_PAUSE_SECONDS = 0.5
# Wait before what is nowhere is looked for again.
_LOOK_AGAIN = timedelta(minutes=2)
_SELECT = "id,internetMessageId,conversationId,isDraft"


@dataclass(frozen=True)
class Found:
    draft: Draft
    is_draft: bool


async def find(client: GraphClient, draft: Draft) -> Found | None:
    """Look by the draft's id, which a sent copy keeps, then for its Message-ID in all folders.

    A message that was just sent is not found at once, so by its id it is asked for twice
    (learn.microsoft.com/graph/outlook-immutable-id). Raises ProviderError when nobody knows.
    """
    path, params = message_path(draft.id), {"$select": _SELECT}
    response = await client.call("GET", path, params=params)
    if response.status_code == _NOT_FOUND:
        await asyncio.sleep(_PAUSE_SECONDS)
        response = await client.call("GET", path, params=params)
    if response.status_code != _NOT_FOUND:
        return _found(draft, _answer(response), response)
    literal = draft.internet_message_id.replace("'", "''")
    params = {"$select": _SELECT, "$filter": f"internetMessageId eq '{literal}'"}
    response = await client.call("GET", "/messages", params=params)
    value = _answer(response).get("value")
    if not isinstance(value, list):
        raise faults.of_answer(response)
    copies = [_found(draft, message, response) for message in value]
    return min(copies, key=lambda copy: copy.is_draft, default=None)


async def settled(
    client: GraphClient, draft: Draft, *, asked_at: float, settling: timedelta
) -> Found:
    """Find out what became of a draft that Graph was asked to send at `asked_at`.

    It is given as a draft only when it is still one after `settling`. Raises ParkedError before
    that, UncertainError when it is nowhere, ProviderError when nobody knows.
    """
    found = await find(client, draft)
    if found is not None and not found.is_draft:
        return found
    # The other worker's clock may be ahead of ours.
    rest = settling - timedelta(seconds=max(time.time() - asked_at, 0.0))
    if rest > timedelta(0):
        raise ParkedError("Graph was asked to send it, and has not yet", retry_after=rest)
    if found is None:
        raise UncertainError(
            f"the mail may have arrived: its draft is gone from {draft.mailbox}, and no sent"
            " message is found",
            retry_after=_LOOK_AGAIN,
        )
    return found


async def message_id_of(client: GraphClient, id_: str) -> str | None:
    """Give the Message-ID of the message with Graph's `id_`, None when it is not found."""
    response = await client.call("GET", message_path(id_), params={"$select": _SELECT})
    if faults.is_missing(response):
        return None
    message_id = _answer(response).get("internetMessageId")
    if not isinstance(message_id, str):
        raise faults.of_answer(response)
    return message_id


def _answer(response: httpx2.Response) -> Any:
    if response.status_code != _OK:
        raise faults.of_answer(response)
    return faults.json_object(response)


def _found(draft: Draft, message: Any, response: httpx2.Response) -> Found:
    now = Draft.of_answer(draft.mailbox, message)
    is_draft = message.get("isDraft") if now is not None else None
    if now is None or not isinstance(is_draft, bool):
        raise faults.of_answer(response)
    return Found(replace(now, recipients=draft.recipients, complete=draft.complete), is_draft)
