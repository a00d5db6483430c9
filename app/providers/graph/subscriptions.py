"""Subscriptions to a mailbox's Inbox (learn.microsoft.com/graph/api/resources/subscription)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from app.providers.base import AccountError
from app.providers.graph import faults
from app.providers.graph.client import GraphClient
from app.providers.graph.instants import read_instant, written

# Graph lets one for messages live 10,080 minutes; the rest is for clocks that differ.
LIFE = timedelta(minutes=10_000)
_OK, _CREATED, _NO_CONTENT, _NOT_FOUND = 200, 201, 204, 404
# All those of the application are listed, a hundred or so on a page.
_PAGES = 100
_PAGE_SIZE = 100


@dataclass(frozen=True)
class Subscription:
    id: str
    expires_at: datetime


class GraphSubscriptions:
    """All of these raise ProviderError where Graph does not do what it is asked."""

    def __init__(self, client: GraphClient, mailbox: str) -> None:
        self._client = client
        self._resource = f"users/{quote(mailbox, safe='@')}/mailFolders('inbox')/messages"

    async def make(self, url: str, *, client_state: str, expires_at: datetime) -> Subscription:
        """Have Graph tell `url` of new messages, and what becomes of the subscription itself.

        While it is asked, it asks `url` whether that is wanted. The address for the subscription's
        own life cannot be added later.
        """
        wanted = {
            "changeType": "created",
            "notificationUrl": url,
            "lifecycleNotificationUrl": url,
            "resource": self._resource,
            "expirationDateTime": written(expires_at),
            "clientState": client_state,
        }
        response = await self._client.ask("POST", "/subscriptions", json=wanted)
        if response.status_code != _CREATED:
            raise faults.of_answer(response)
        return _subscription(faults.json_object(response), expires_at)

    async def renew(self, id_: str, *, expires_at: datetime) -> Subscription | None:
        """Let it live until then, and confirm it; None when there is none of this id any more."""
        response = await self._client.ask(
            "PATCH", _path(id_), json={"expirationDateTime": written(expires_at)}
        )
        if response.status_code == _NOT_FOUND:
            return None
        if response.status_code != _OK:
            raise faults.of_answer(response)
        return _subscription({**faults.json_object(response), "id": id_}, expires_at)

    async def end(self, id_: str) -> None:
        """Have no more of it told; it may have ended before."""
        response = await self._client.ask("DELETE", _path(id_))
        if response.status_code not in {_OK, _NO_CONTENT, _NOT_FOUND}:
            raise faults.of_answer(response)

    async def those_of(self, url: str) -> list[str]:
        """Find the ids of the application's subscriptions that tell `url`."""
        found: list[str] = []
        response = await self._client.ask("GET", "/subscriptions")
        for _ in range(_PAGES):
            if response.status_code != _OK:
                raise faults.of_answer(response)
            told = faults.json_object(response)
            items, link = told.get("value"), told.get("@odata.nextLink")
            found += [
                str(item.get("id"))
                for item in (items if isinstance(items, list) else ())
                if isinstance(item, dict) and item.get("notificationUrl") == url
            ]
            if not isinstance(link, str):
                break
            response = await self._client.follow(link, _PAGE_SIZE)
        return found


def _subscription(told: Any, asked: datetime) -> Subscription:
    id_ = told.get("id")
    if not isinstance(id_, str) or not id_:
        raise AccountError("Microsoft Graph gave a subscription without an id")
    # It may let it live shorter than was asked for.
    return Subscription(id_, min(read_instant(told.get("expirationDateTime")) or asked, asked))


def _path(id_: str) -> str:
    return f"/subscriptions/{quote(id_, safe='')}"
