from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx2
import pytest
from pydantic import AnyHttpUrl

from app.context import Caller, Deps
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.queue import JobName, JobQueue
from app.services import provider_accounts
from app.services.account_commands import CreateProviderAccount, UpdateProviderAccount
from app.services.event_processing import process
from app.services.inputs import parse
from app.services.mailboxes import attending
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.world import GRAPH


class FailingQueue:
    """A queue that fails as no queue may, at every job of an event."""

    def __init__(self, queue: JobQueue, error: Exception) -> None:
        self._queue, self._error = queue, error

    async def enqueue(
        self, job: JobName, id_: str, *, turn: int | str, at: datetime | None = None
    ) -> None:
        if job is JobName.EVENT:
            raise self._error
        await self._queue.enqueue(job, id_, turn=turn, at=at)

    async def ping(self) -> None:
        await self._queue.ping()

    async def close(self) -> None:
        return


@pytest.fixture
def failing_queue(over: Deps) -> Callable[[Exception], JobQueue]:
    return lambda error: FailingQueue(over.queue, error)


@pytest.fixture
def over(
    adjusted: Callable[..., Deps], graph: FakeGraph, anonymous: httpx2.AsyncClient, clock: Clock
) -> Deps:
    """`deps` that finds Graph where the fake is, and that the fake finds by https."""
    graph.subscriptions.endpoint, graph.subscriptions.clock = anonymous, clock
    return adjusted(
        graph_url=AnyHttpUrl(f"{graph.url}/v1.0"),
        graph_login_url=AnyHttpUrl(graph.url),
        public_url=AnyHttpUrl("https://mail.example.test"),
    )


@pytest.fixture
def keep(over: Deps, caller: Caller) -> Callable[..., Awaitable[ProviderAccount]]:
    """Keeps the fake's mailbox as an account that receives, with these fields of its part."""

    async def make(name: str = "Mailbox", *, at: Deps = over, **part: Any) -> ProviderAccount:
        given = {**GRAPH, "clientState": None, "receivesMail": True, **part}
        command = parse(CreateProviderAccount, {"name": name, "graph": given})
        return await provider_accounts.create(at, caller, command)

    return make


@pytest.fixture
def change(over: Deps, caller: Caller) -> Callable[..., Awaitable[ProviderAccount]]:
    """Changes these fields of the account's part."""

    async def make(account: ProviderAccount, **part: Any) -> ProviderAccount:
        command = parse(UpdateProviderAccount, {"graph": part})
        return await provider_accounts.update(over, caller, str(account.id), command)

    return make


@pytest.fixture
def attend(over: Deps) -> Callable[..., Awaitable[MailboxSubscription]]:
    """Does what a worker does with the mailbox of an account; how that stands then."""

    async def do(account: ProviderAccount, *, at: Deps = over) -> MailboxSubscription:
        await attending.attend(at, str(account.id))
        found = await MailboxSubscription.of_account(account.id)
        assert found is not None
        assert found.lease is None
        return found

    return do


@pytest.fixture
def work(over: Deps) -> Callable[..., Awaitable[list[ProviderEvent]]]:
    """Does what workers do with all events that are due; how they stand then."""

    async def do(*, at: Deps = over) -> list[ProviderEvent]:
        for id_, _, _ in await ProviderEvent.due(at.now(), 1000):
            await process(at, id_)
        return await ProviderEvent.find_all().sort("_id").to_list()

    return do
