"""Who unsubscribes by a mail counts on its record, once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.gathered import Gathered
from app.documents.preferences import Preference
from app.documents.vocabulary import EventType, PreferenceSource, PreferenceState
from app.services import preferences, records, topics
from app.services.inputs import parse
from tests.fakes.clock import Clock

JAN = "jan@customer.test"
NEWS = {"key": "news", "name": "News", "default": "OPT_OUT"}
Send = Callable[..., Awaitable[Communication]]
Say = Callable[..., Awaitable[Preference]]


@pytest.fixture
def leave(deps: Deps) -> Say:
    return partial(
        preferences.say,
        deps,
        "acme",
        state=PreferenceState.UNSUBSCRIBED,
        via=PreferenceSource.ONE_CLICK,
    )


@pytest.fixture
def figures() -> Callable[[Communication], Awaitable[tuple[Any, ...]]]:
    """How many left by a record, since when, and what its audit trail says of it."""

    async def find(record: Communication) -> tuple[Any, ...]:
        found = await Communication.get(record.id)
        assert found is not None
        told = [one.description for one in found.events if one.type is EventType.UPDATE]
        return found.unsubscribe_count, found.unsubscribed_at, told

    return find


async def test_the_first_time_counts_and_is_in_the_audit_trail(
    deps: Deps, caller: Caller, send: Send, leave: Say, clock: Clock,
    figures: Callable[[Communication], Awaitable[tuple[Any, ...]]],
) -> None:  # fmt: skip
    news = await topics.create(deps, caller, parse(topics.CreateTopic, NEWS))
    record = await send()
    first = clock.now()
    await leave(JAN.upper(), topic_id=news.id, communication_id=record.id)
    clock.advance(timedelta(days=1))

    await leave(JAN, topic_id=news.id, communication_id=record.id)
    await preferences.say(
        deps,
        "acme",
        JAN,
        state=PreferenceState.SUBSCRIBED,
        topic_id=news.id,
        via=PreferenceSource.PAGE,
        communication_id=record.id,
    )
    await leave(JAN, topic_id=news.id, communication_id=record.id)
    await leave(JAN, topic_id=None, communication_id=record.id)

    assert await figures(record) == (1, first, [f"{JAN} unsubscribed from News by one click"])


async def test_each_recipient_of_a_campaign_counts_and_the_first_is_told_of(
    send: Send, leave: Say, clock: Clock,
    figures: Callable[[Communication], Awaitable[tuple[Any, ...]]],
) -> None:  # fmt: skip
    record = await send()
    first = clock.now()
    await leave(JAN, topic_id=None, communication_id=record.id)
    clock.advance(timedelta(days=1))

    await leave("piet@customer.test", topic_id=None, communication_id=record.id)

    told = [f"{JAN} unsubscribed from all mail by one click"]
    assert await figures(record) == (2, first, told)


async def test_many_at_once_count_once_each(
    send: Send, leave: Say, figures: Callable[[Communication], Awaitable[tuple[Any, ...]]]
) -> None:
    record = await send()
    addresses = [f"a{number}@c.test" for number in range(20)] * 2

    await asyncio.gather(
        *(leave(address, topic_id=None, communication_id=record.id) for address in addresses)
    )

    count, _, told = await figures(record)
    assert (count, len(told)) == (20, 1)
    stored = await Preference.find_all().to_list()
    assert [len(one.words) for one in stored] == [1] * 20


async def test_several_processes_count_once_each(
    deps: Deps, send: Send, figures: Callable[[Communication], Awaitable[tuple[Any, ...]]]
) -> None:
    record = await send()
    processes = [replace(deps, gathered=Gathered()) for _ in range(3)]

    await asyncio.gather(
        *(
            preferences.say(
                process,
                "acme",
                f"a{number}@c.test",
                state=PreferenceState.UNSUBSCRIBED,
                topic_id=None,
                via=PreferenceSource.ONE_CLICK,
                communication_id=record.id,
            )
            for process in processes
            for number in range(5)
        )
    )

    count, _, told = await figures(record)
    assert (count, len(told)) == (5, 1)
    assert await Preference.count() == 5


async def test_what_a_user_writes_down_does_not_count(
    deps: Deps, send: Send, figures: Callable[[Communication], Awaitable[tuple[Any, ...]]]
) -> None:
    record = await send()

    await preferences.say(
        deps,
        "acme",
        JAN,
        state=PreferenceState.UNSUBSCRIBED,
        topic_id=None,
        via=PreferenceSource.USER,
        communication_id=record.id,
    )

    assert await figures(record) == (0, None, [])


@pytest.mark.parametrize("whose", ["deleted", "theirs", "unknown"])
async def test_where_there_is_no_such_record_the_word_holds(
    deps: Deps, caller: Caller, send: Send, leave: Say, whose: str,
    figures: Callable[[Communication], Awaitable[tuple[Any, ...]]],
) -> None:  # fmt: skip
    record = await send()
    if whose == "deleted":
        await records.delete(deps, caller, str(record.id))
    tenant = "globex" if whose == "theirs" else "acme"
    of = PydanticObjectId() if whose == "unknown" else record.id

    said = await preferences.say(
        deps,
        tenant,
        JAN,
        state=PreferenceState.UNSUBSCRIBED,
        topic_id=None,
        via=PreferenceSource.PAGE,
        communication_id=of,
    )

    assert (said.communication_id, await Preference.count()) == (of, 1)
    assert await figures(record) == (0, None, [])


async def test_a_first_answer_that_is_given_again_knows_nothing_of_it(
    send: Send, leave: Say
) -> None:
    record = await send(key="k")
    await leave(JAN, topic_id=None, communication_id=record.id)

    again = await send(key="k")

    assert (again.id, again.unsubscribe_count, again.unsubscribed_at) == (record.id, 0, None)
    assert again.events == record.events
