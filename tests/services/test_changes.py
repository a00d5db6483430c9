"""Following records, fed by a real change stream."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.changes import Change, Mark
from app.documents.communications import Communication
from app.documents.vocabulary import EventType
from app.errors import InvalidInputError, NotFoundError, UnavailableError
from app.feed import Feed
from app.services import changes, delivery, inbound, records
from app.services.changes import Entity, Target
from app.services.inputs import parse
from tests.fakes.messages import message

Send = Callable[..., Awaitable[Communication]]
DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}
OF_DEAL = Target(entity=Entity(type="deal", id="42"))
PATIENCE = 40.0


@pytest.fixture(autouse=True)
async def patient() -> AsyncIterator[None]:
    async with asyncio.timeout(PATIENCE):
        yield


async def until(
    events: AsyncGenerator[Communication, None], fits: Callable[[Communication], bool]
) -> Communication:
    """Pass over what is told once more: of what was before, the feed may tell late."""
    async for event in events:
        if fits(event):
            return event
    raise AssertionError("the stream ended")


def is_commented(record: Communication) -> bool:
    return record.events[-1].type is EventType.COMMENT


async def test_a_record_is_given_at_once_and_after_each_change(
    deps: Deps, caller: Caller, send: Send
) -> None:
    record = await send()

    events = await changes.changed_communications(deps, caller, Target(id=str(record.id)))
    async with aclosing(events):
        first = await anext(events)
        await records.comment(deps, caller, str(record.id), "Hello")
        second = await until(events, is_commented)
        await delivery.dispatch(deps, str(record.id))
        await until(events, lambda event: event.status == "SENT")
        await records.delete(deps, caller, str(record.id))
        rest = [event async for event in events]

    assert (first.id, first.body, first.status) == (record.id, record.body, "PENDING")
    assert [event.type.value for event in second.events] == ["CREATE", "COMMENT"]
    assert {event.id for event in rest} <= {record.id}


async def test_records_of_an_entity_are_given_those_to_come_as_well(
    deps: Deps, caller: Caller, send: Send
) -> None:
    await send(DEAL)

    events = await changes.changed_communications(deps, caller, OF_DEAL)
    async with aclosing(events):
        others = [await send(), await send({**DEAL, "relatedEntityId": "43"})]
        record = await send(DEAL)
        told = [await anext(events)]
        while told[-1].id != record.id:
            told.append(await anext(events))
        await records.comment(deps, caller, str(record.id), "Hello")
        commented = await until(events, is_commented)

    assert commented.id == record.id
    assert not {event.id for event in told} & {other.id for other in others}


async def test_a_body_put_aside_is_given_too(deps: Deps, caller: Caller, send: Send) -> None:
    events = await changes.changed_communications(deps, caller, OF_DEAL)
    async with aclosing(events):
        body = f"<p>{'x' * 9_000_000}</p>"
        await send({**DEAL, "body": body})
        created = await anext(events)

    assert created.original_body == body


async def test_what_is_not_asked_for_is_left_where_it_is(
    deps: Deps, caller: Caller, send: Send
) -> None:
    record = await send()
    without = ["body", "originalBody", "contentId"]

    events = await changes.changed_communications(
        deps, caller, Target(id=str(record.id)), without=without
    )
    async with aclosing(events):
        given = await anext(events)

    assert (given.body, given.original_body, given.subject) == ("", "", record.subject)


async def test_deleted_records_are_told_by_their_ids(
    deps: Deps, caller: Caller, send: Send
) -> None:
    record, other = await send(DEAL), await send(DEAL)

    of_one = await changes.deleted_communications(deps, caller, Target(id=str(record.id)))
    of_deal = await changes.deleted_communications(deps, caller, OF_DEAL)
    async with aclosing(of_one), aclosing(of_deal):
        await records.comment(deps, caller, str(record.id), "Hello")
        await records.delete_many(deps, caller, [str(record.id)])
        await records.delete_many(deps, caller, [str(other.id)])
        alone = [id_ async for id_ in of_one]
        both = [await anext(of_deal), await anext(of_deal)]

    assert alone == [str(record.id)]
    assert both == [str(record.id), str(other.id)]


async def test_received_messages_are_given_all_or_those_of_an_entity(
    deps: Deps, caller: Caller, send: Send
) -> None:
    sent = await send(DEAL)
    await delivery.dispatch(deps, str(sent.id))
    sent = await records.record_of(caller, str(sent.id))
    answer = message("<answer@customer.test>", in_reply_to=sent.internet_message_id)

    of_all = await changes.received_messages(deps, caller, None)
    of_deal = await changes.received_messages(deps, caller, Entity(type="deal", id="42"))
    async with aclosing(of_all), aclosing(of_deal):
        first = await inbound.ingest(deps, caller, message("<first@customer.test>"))
        second = await inbound.ingest(deps, caller, answer)
        told = [(await anext(of_all)).id, (await anext(of_all)).id]
        of_entity = await anext(of_deal)

    assert told == [first.id, second.id]
    assert of_entity.id == second.id
    assert of_entity.body_text == second.body_text


@pytest.mark.parametrize("id_", ["", "no id", "65f000000000000000000000"])
async def test_unknown_ids_are_refused(deps: Deps, caller: Caller, id_: str) -> None:
    for follow in (changes.changed_communications, changes.deleted_communications):
        with pytest.raises(NotFoundError):
            await follow(deps, caller, Target(id=id_))

    assert not deps.feed.followers_of(caller.tenant)


async def test_another_tenants_id_is_unknown(deps: Deps, caller: Caller, send: Send) -> None:
    record = await send()

    with pytest.raises(NotFoundError):
        await changes.changed_communications(
            deps, replace(caller, tenant="rival"), Target(id=str(record.id))
        )


async def test_an_id_in_capitals_is_the_same_record(deps: Deps, caller: Caller, send: Send) -> None:
    record = await send()
    target = Target(id=str(record.id).upper())

    events = await changes.changed_communications(deps, caller, target)
    async with aclosing(events):
        await anext(events)
        await records.comment(deps, caller, str(record.id), "Hello")
        commented = await until(events, is_commented)

    assert commented.id == record.id


@pytest.mark.parametrize(
    "target", [Target(), Target(id="1", entity=Entity(type="deal", id="42"))], ids=["none", "both"]
)
async def test_one_kind_of_target_is_needed(deps: Deps, caller: Caller, target: Target) -> None:
    with pytest.raises(InvalidInputError, match="of: needs either id or entity"):
        await changes.changed_communications(deps, caller, target)


@pytest.mark.parametrize(
    ("entity", "field"),
    [
        ({"type": " ", "id": "42"}, "entity.type"),
        ({"type": "deal", "id": ""}, "entity.id"),
        ({"type": "deal", "id": "4\n2"}, "entity.id"),
        ({"type": "d" * 321, "id": "42"}, "entity.type"),
    ],
)
def test_an_entity_has_a_type_and_an_id(entity: Any, field: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(Target, {"entity": entity})

    assert [fault.path for fault in refused.value.fields] == [field]


@pytest.fixture
def broken(deps: Deps) -> tuple[Deps, asyncio.Event]:
    """Deps whose feed loses history whenever the event is set."""
    lost = asyncio.Event()

    async def watch() -> AsyncGenerator[Change | Mark, None]:
        yield Mark.OPEN
        while True:
            await asyncio.sleep(0.01)
            if lost.is_set():
                lost.clear()
                yield Mark.OPEN
            yield Mark.IDLE

    return replace(deps, feed=Feed(watch)), lost


async def test_after_a_loss_of_history_a_record_is_given_as_it_is(
    broken: tuple[Deps, asyncio.Event], caller: Caller, send: Send
) -> None:
    deps, lost = broken
    record = await send()

    events = await changes.changed_communications(deps, caller, Target(id=str(record.id)))
    async with aclosing(events):
        await anext(events)
        await records.comment(deps, caller, str(record.id), "Hello")
        lost.set()
        commented = await anext(events)
        await records.delete(deps, caller, str(record.id))
        lost.set()
        rest = [event async for event in events]

    assert len(commented.events) == 2
    assert rest == []


async def test_after_a_loss_of_history_a_deletion_is_told(
    broken: tuple[Deps, asyncio.Event], caller: Caller, send: Send
) -> None:
    deps, lost = broken
    record = await send()

    events = await changes.deleted_communications(deps, caller, Target(id=str(record.id)))
    lost.set()
    event = asyncio.ensure_future(anext(events))
    while lost.is_set():  # noqa: ASYNC110 - the feed takes it when it comes round
        await asyncio.sleep(0.01)
    await records.delete(deps, caller, str(record.id))
    lost.set()

    assert await event == str(record.id)
    assert [id_ async for id_ in events] == []


async def test_after_a_loss_of_history_others_are_told_to_read_anew(
    broken: tuple[Deps, asyncio.Event], caller: Caller
) -> None:
    deps, lost = broken
    followed = [
        await changes.changed_communications(deps, caller, OF_DEAL),
        await changes.deleted_communications(deps, caller, OF_DEAL),
        await changes.received_messages(deps, caller, None),
    ]
    lost.set()

    for events in followed:
        with pytest.raises(UnavailableError, match="Changes were missed: read anew"):
            await anext(events)
