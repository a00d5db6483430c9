"""Subscriptions of a fake Microsoft Graph, and what it tells those who subscribed."""

import asyncio
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.fakes.clock import Clock
from tests.fakes.graph_faults import DUPLICATE, NO_SUBSCRIPTION, NOT_VALIDATED, TOO_LONG, Fault
from tests.fakes.graph_mailbox import FaultError, Item

LONGEST = timedelta(minutes=10_080)
FIELDS = {
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
}


@dataclass
class Subscriptions:
    """`endpoint` reaches who subscribed, whatever host its addresses name. By `clock` they end.

    `refuses_duplicates`: Graph is told to, and does not always. After `loses_answer` the next one
    is made, and nobody is told; that one is made is told when `slow` is set, where there is such.
    Pages of the list hold `size`.
    """

    endpoint: httpx2.AsyncClient | None = None
    clock: Clock | None = None
    refuses_duplicates: bool = False
    loses_answer: bool = False
    slow: asyncio.Event | None = None
    size: int = 100
    life: timedelta = LONGEST
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    greetings: list[str] = field(default_factory=list)

    @property
    def only(self) -> dict[str, Any]:
        [one] = self.kept.values()
        return one

    async def answer(self, request: Request, content: bytes) -> Response:
        assert request.headers["prefer"].startswith('IdType="ImmutableId"')
        self._expire()
        id_ = request.url.path.removeprefix("/v1.0/subscriptions").strip("/")
        if id_ and id_ not in self.kept:
            raise FaultError(NO_SUBSCRIPTION)
        match request.method:
            case "POST" if not id_:
                return await self._make(json.loads(content))
            case "GET":
                return self._listed(request)
            case "PATCH":
                changes = json.loads(content)
                assert changes.keys() == {"expirationDateTime"}
                self.kept[id_].update(self._ending(changes["expirationDateTime"]))
                return JSONResponse(_shown(self.kept[id_]))
            case "DELETE":
                del self.kept[id_]
                return Response(status_code=204)
        raise FaultError(Fault(405, "UnsupportedMethod", "That cannot be done."))

    async def notify(self, item: Item, *, times: int = 1, **changes: Any) -> list[int]:
        """Tell all who subscribed of a message; the answers."""
        data = {"@odata.type": "#Microsoft.Graph.Message", "id": item.id}
        resource = f"Users/crm/Messages/{item.id}"
        return [
            await self._tell(
                one,
                {"changeType": "created", "resource": resource, "resourceData": data, **changes},
            )
            for one in list(self.kept.values())
            for _ in range(times)
        ]

    async def tell_life(self, kind: str, one: dict[str, Any] | None = None) -> int:
        """Tell of what becomes of a subscription: one of the `lifecycleEvent`s."""
        told = one or self.only
        if kind == "subscriptionRemoved":
            self.kept.pop(told["id"], None)
        return await self._tell(told, {"lifecycleEvent": kind, "resource": told["resource"]})

    async def _tell(self, one: dict[str, Any], said: dict[str, Any]) -> int:
        assert self.endpoint is not None
        body = {
            "id": secrets.token_hex(8),
            "subscriptionId": one["id"],
            "subscriptionExpirationDateTime": one["expirationDateTime"],
            "clientState": one["clientState"],
            "tenantId": "84bd8158-0000-4000-8000-000000000002",
            **said,
        }
        path = urlsplit(one["notificationUrl"]).path
        response = await self.endpoint.post(path, json={"value": [body]})
        return response.status_code

    async def _make(self, wanted: dict[str, Any]) -> Response:
        assert wanted.keys() == FIELDS, "more or less than Graph knows"
        assert wanted["changeType"] == "created"
        assert 0 < len(wanted["clientState"]) <= 128
        for name in ("notificationUrl", "lifecycleNotificationUrl"):
            await self._validate(wanted[name])
        same = {"resource", "changeType"}
        if self.refuses_duplicates and any(
            all(one[name] == wanted[name] for name in same) for one in self.kept.values()
        ):
            raise FaultError(DUPLICATE)
        one = {"id": secrets.token_hex(8), **wanted, **self._ending(wanted["expirationDateTime"])}
        self.kept[one["id"]] = one
        if self.loses_answer:
            self.loses_answer = False
            raise FaultError(Fault(504, "GatewayTimeout", "The gateway timed out."))
        if self.slow is not None:
            await self.slow.wait()
        return JSONResponse(_shown(one), 201)

    async def _validate(self, url: str) -> None:
        if self.endpoint is None or not url.startswith("https://"):
            raise FaultError(NOT_VALIDATED)
        token = f"Validation: Testing client application reachability <{secrets.token_hex(4)}> é+%"
        async with asyncio.timeout(10):
            answer = await self.endpoint.post(
                urlsplit(url).path,
                params={"validationToken": token},
                headers={"Content-Type": "text/plain; charset=utf-8"},
            )
        is_text = answer.headers["content-type"].startswith("text/plain")
        if answer.status_code != 200 or not is_text or answer.text != token:
            raise FaultError(NOT_VALIDATED)
        self.greetings.append(url)

    def _listed(self, request: Request) -> Response:
        start = int(request.query_params.get("$skiptoken", 0))
        items = [_shown(one) for one in self.kept.values()]
        said: dict[str, Any] = {"value": items[start : start + self.size]}
        if len(items) > start + self.size:
            url = str(request.url.replace(query=f"$skiptoken={start + self.size}"))
            said["@odata.nextLink"] = url
        return JSONResponse(said)

    def _ending(self, text: str) -> dict[str, str]:
        ends = datetime.fromisoformat(text)
        if self.clock is not None:
            if ends > self.clock.now() + LONGEST:
                raise FaultError(TOO_LONG)
            ends = min(ends, self.clock.now() + self.life)
        return {"expirationDateTime": ends.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")}

    def _expire(self) -> None:
        if self.clock is None:
            return
        for id_, one in list(self.kept.items()):
            if datetime.fromisoformat(one["expirationDateTime"]) <= self.clock.now():
                del self.kept[id_]


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    """Graph gives back no secret."""
    return {**one, "clientState": None}
