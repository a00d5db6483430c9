"""What one more message costs, however many are stored."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import ProviderType
from app.services.inbound import ingest
from tests.fakes.clock import Clock
from tests.fakes.messages import message

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Examined = Callable[[], Awaitable[dict[str, int]]]
GRAPH = Origin(provider=ProviderType.GRAPH, conversation_id="AAQk", mailbox="crm@acme.test")


@pytest.fixture
async def examined(deps: Deps) -> AsyncIterator[Examined]:
    """What MongoDB read since it was asked last: keys and documents, by operation."""
    database: Any = Communication.get_motor_collection().database

    async def look() -> dict[str, int]:
        await database.command("profile", 0)
        found: dict[str, int] = {}
        async for row in database["system.profile"].find({"keysExamined": {"$gte": 0}}):
            command = row.get("command", {})
            name = f"{row['op']} {row['ns']} {sorted(command.get('filter', command.get('q', {})))}"
            found[name] = found.get(name, 0) + row["keysExamined"] + row["docsExamined"]
        await database["system.profile"].drop()
        await database.command("profile", 2)
        return found

    yield look
    await database.command("profile", 0)
    await database["system.profile"].drop()


async def copies(document: Any, id_: PydanticObjectId, count: int, **fields: Any) -> None:
    """Store many more like this one, at other times, with ids of their own."""
    row = await document.get_motor_collection().find_one({"_id": id_})
    assert row is not None
    await document.get_motor_collection().insert_many(
        {
            **row,
            **{name: value.format(number) for name, value in fields.items()},
            "_id": (id_ := PydanticObjectId()),
            "sending": str(id_),
            "created": row["created"] + timedelta(seconds=number),
            "receivedAt": row["created"] + timedelta(seconds=number),
        }
        for number in range(count)
    )


@pytest.mark.parametrize("origin", [Origin(), GRAPH], ids=["by ids", "by Graph"])
async def test_it_does_not_grow_with_the_conversation(
    deps: Deps,
    caller: Caller,
    dispatched: Dispatched,
    stored: Stored,
    examined: Examined,
    clock: Clock,
    origin: Origin,
) -> None:
    record = await stored((await dispatched()).id)
    answers = record.internet_message_id if origin.provider is None else None
    first = await ingest(deps, caller, message("<0@c.test>", in_reply_to=answers), origin=origin)
    row = await Delivery.of_communication(record.id, 1)
    assert row is not None

    async def one_more(name: str) -> dict[str, int]:
        clock.advance(timedelta(minutes=1))
        await examined()
        raw = message(f"<{name}@c.test>", in_reply_to=answers, sender=f"{name}@customer.test")
        taken = await ingest(deps, caller, raw, origin=origin)
        assert (taken.conversation_id == first.conversation_id) is (answers is not None)
        return await examined()

    async def grow(name: str, count: int) -> None:
        own = {"key": f"{name}{{}}", "internetMessageId": f"<{name}{{}}@c.test>"}
        for document, id_ in ((InboundMessage, first.id), (Communication, record.id)):
            await copies(document, id_, count, **own)
        await copies(Delivery, row.id, count, **own, messageId=f"<{name}{{}}@acme.test>")

    await grow("few", 150)
    few = await one_more("few")
    await grow("many", 1000)
    many = await one_more("many")

    assert {name: read for name, read in many.items() if read > few.get(name, 0) + 10} == {}
