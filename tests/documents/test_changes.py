"""What a change stream of MongoDB tells of records."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing

import pytest

from app.context import Caller, Deps
from app.documents import dispatches
from app.documents.changes import Change, Happening, Mark, Noun, watch
from app.documents.communications import Communication
from app.services import inbound, records
from tests.fakes.messages import message

Send = Callable[..., Awaitable[Communication]]
Changes = AsyncGenerator[Change | Mark, None]


@pytest.fixture
async def changes(deps: Deps) -> AsyncIterator[Changes]:
    async with aclosing(watch()) as changes, asyncio.timeout(50):
        assert await anext(changes) is Mark.OPEN
        yield changes


async def next_of(changes: Changes) -> Change:
    while True:
        told = await anext(changes)
        if isinstance(told, Change):
            return told
        assert told is Mark.IDLE


async def test_a_record_is_told_of_from_its_birth_to_its_end(
    deps: Deps, caller: Caller, send: Send, changes: Changes
) -> None:
    record = await send({"relatedEntityType": "deal", "relatedEntityId": "42"})
    id_ = str(record.id)
    told = [await next_of(changes)]
    await records.comment(deps, caller, id_, "Hello")
    told.append(await next_of(changes))
    await records.delete(deps, caller, id_)
    told.append(await next_of(changes))

    assert told == [
        Change(Noun.COMMUNICATION, happening, id_, "acme", ("deal", "42"))
        for happening in (Happening.CREATED, Happening.CHANGED, Happening.DELETED)
    ]


async def test_what_nobody_is_shown_is_not_told(
    deps: Deps, caller: Caller, send: Send, changes: Changes
) -> None:
    record = await send()
    assert (await next_of(changes)).happening is Happening.CREATED
    until = deps.now() + deps.settings.lease
    taken = await dispatches.begin(str(record.id), now=deps.now(), until=until)
    assert taken is not None
    assert (await next_of(changes)).happening is Happening.CHANGED

    await dispatches.end(taken)
    await records.delete(deps, caller, str(record.id))
    deleted = await next_of(changes)
    # Of what is deleted nothing more is told.
    await Communication.mark_failed(record.id, now=deps.now(), reason="too late")
    other = await send()
    after = await next_of(changes)

    assert (deleted.id, deleted.happening) == (str(record.id), Happening.DELETED)
    assert (after.id, after.happening) == (str(other.id), Happening.CREATED)


async def test_a_received_message_is_told(deps: Deps, caller: Caller, changes: Changes) -> None:
    received = await inbound.ingest(deps, caller, message("<first@customer.test>"))

    told = await next_of(changes)

    assert told == Change(Noun.INBOUND_MESSAGE, Happening.CREATED, str(received.id), "acme")


async def test_it_begins_anew_where_history_is_lost(send: Send) -> None:
    async with aclosing(watch({"_data": "82"})) as changes, asyncio.timeout(50):
        assert await anext(changes) is Mark.IDLE
        assert await anext(changes) is Mark.OPEN
        record = await send()
        told = await next_of(changes)

    assert told.id == str(record.id)
