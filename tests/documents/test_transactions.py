"""Moves that are made together, and what is in their way."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClientSession

from app.documents import inbox_counts
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.transactions import BusyError, LostError, together
from tests.fakes.clock import Clock

SOON = timedelta(seconds=0.05)
Receive = Callable[..., Awaitable[InboundMessage]]
Held = Callable[[InboundMessage], AbstractAsyncContextManager[None]]


@pytest.fixture
def held() -> Held:
    """Keeps a message in a transaction, as one whose process died does for a while."""

    @asynccontextmanager
    async def hold(message: InboundMessage) -> AsyncIterator[None]:
        rows = InboundMessage.get_motor_collection()
        client: Any = rows.database.client
        async with await client.start_session() as session:
            session.start_transaction()
            await rows.update_one({"_id": message.id}, {"$set": {"subject": "?"}}, session=session)
            yield
            await session.abort_transaction()

    return hold


def naming(message: InboundMessage, subject: str) -> Any:
    async def move(session: AsyncIOMotorClientSession) -> str:
        await InboundMessage.get_motor_collection().update_one(
            {"_id": message.id}, {"$set": {"subject": subject}}, session=session
        )
        return subject

    return move


async def subject_of(message: InboundMessage) -> str | None:
    row = await InboundMessage.get_motor_collection().find_one({"_id": message.id})
    assert row is not None
    subject: str | None = row["subject"]
    return subject


async def test_what_does_not_end_is_not_waited_for(receive: Receive, held: Held) -> None:
    message = await receive(subject="First")

    async with held(message):
        with pytest.raises(BusyError):
            await together(InboundMessage, naming(message, "Second"), patience=SOON)

    assert await subject_of(message) == "First"
    assert await together(InboundMessage, naming(message, "Second"), patience=SOON) == "Second"
    assert await subject_of(message) == "Second"


async def test_who_lost_writes_nothing(receive: Receive) -> None:
    message = await receive(subject="First")

    async def lose(session: AsyncIOMotorClientSession) -> str:
        await naming(message, "Second")(session)
        raise LostError

    assert await together(InboundMessage, lose) is None
    assert await subject_of(message) == "First"


async def test_what_somebody_holds_is_counted_later_and_the_others_now(
    receive: Receive, held: Held, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_counts, "PATIENCE", SOON)
    message = await receive(conversation_id="one")
    await receive(conversation_id="two")

    async with held(message):
        await inbox_counts.count("acme", ["one", "two"], now=clock.now())
        during = await InboxEntry.get_motor_collection().distinct("conversationId")
    clock.advance(timedelta(minutes=2))
    forgotten = await inbox_counts.forgotten(now=clock.now(), limit=10)
    await inbox_counts.count("acme", forgotten["acme"], now=clock.now())

    assert (during, forgotten) == (["two"], {"acme": {"one"}})
    assert await InboxEntry.get_motor_collection().distinct("conversationId") == ["one", "two"]
