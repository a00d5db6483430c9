"""A worker and a mailbox at Microsoft 365: what comes in there is taken in."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
from arq.worker import Worker
from pydantic import AnyHttpUrl

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount
from app.services.inputs import parse
from tests.fakes.graph import FakeGraph
from tests.fakes.messages import message
from tests.world import GRAPH

Until = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
Working = Callable[[Deps], AbstractAsyncContextManager[Worker]]


async def test_what_came_before_and_what_graph_tells_of_is_taken_in(
    deps: Deps,
    caller: Caller,
    working: Working,
    until: Until,
    graph: FakeGraph,
    anonymous: httpx2.AsyncClient,
) -> None:
    graph.subscriptions.endpoint = anonymous
    changes = {
        "graph_url": AnyHttpUrl(f"{graph.url}/v1.0"),
        "graph_login_url": AnyHttpUrl(graph.url),
        "public_url": AnyHttpUrl("https://mail.example.test"),
    }
    deps = replace(deps, settings=deps.settings.model_copy(update=changes))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    async def received(count: int) -> bool:
        return await InboundMessage.count() == count

    async with working(deps):
        given = {**GRAPH, "receivesMail": True, "receivesSince": "2020-01-01T00:00:00Z"}
        command = parse(CreateProviderAccount, {"name": "Box", "graph": given})
        graph.box.receive("<1@b.test>", message("<1@b.test>"), received=now)
        await provider_accounts.create(deps, caller, command)
        await until(lambda: received(1))

        item = graph.box.receive("<2@b.test>", message("<2@b.test>"), received=now)
        assert await graph.subscriptions.notify(item) == [202]
        await until(lambda: received(2))
