"""The inbox says what the messages say, whatever happened to them and wherever it was cut off."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from itertools import count as numbers
from typing import Any

import pytest

from app.context import Deps
from app.documents import conversation_changes, conversations, inbox_counts
from app.documents.communications import Event
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.vocabulary import EventType, InboundStatus
from app.documents.whereabouts import Place
from tests.fakes.clock import Clock

Receive = Callable[..., Awaitable[InboundMessage]]
TALKS = ["one", "two", "three"]


async def told() -> dict[str, Any]:
    """What the entries of acme say, by conversation."""
    rows = await InboxEntry.get_motor_collection().find({"tenantId": "acme"}).to_list(None)
    names = ("received", "unread", "subject", "fromEmail", "latestReceived", "relatedEntityId")
    return {row["conversationId"]: [row.get(name) for name in names] for row in rows}


async def reckoned() -> dict[str, Any]:
    """The same, as the messages have it."""
    cursor = InboundMessage.get_motor_collection().find({"tenantId": "acme"})
    talks: dict[str, list[Any]] = {}
    for row in sorted(await cursor.to_list(None), key=lambda row: (row["receivedAt"], row["_id"])):
        talks.setdefault(row["conversationId"], []).append(row)
    return {
        id_: [
            len(rows),
            sum(row["status"] == "NEW" for row in rows),
            rows[0].get("subject"),
            rows[-1]["fromEmail"],
            rows[-1]["receivedAt"],
            rows[-1].get("relatedEntityId"),
        ]
        for id_, rows in talks.items()
    }


def event(now: datetime) -> Event:
    return Event(type=EventType.UPDATE, date=now, author_id="alice", description="something")


@pytest.fixture
def happen(receive: Receive, clock: Clock) -> Callable[[random.Random], Awaitable[None]]:
    """Does one of the things that change messages, to whichever it hits."""
    number = numbers()

    async def arrive(dice: random.Random) -> None:
        day = timedelta(days=dice.randrange(5))
        await receive(
            conversation_id=dice.choice(TALKS),
            subject=f"Subject {next(number)}",
            from_email=f"{next(number)}@customer.test",
            received_at=clock.now() - day,
        )

    async def one(dice: random.Random) -> InboundMessage | None:
        return await InboundMessage.find_many().skip(dice.randrange(8)).first_or_none()

    async def mark(dice: random.Random) -> None:
        found = await one(dice)
        criteria = {"conversationId": dice.choice(TALKS)} if found is None else {"_id": found.id}
        await conversation_changes.mark(
            "acme", criteria, dice.choice([*InboundStatus]), event(clock.now())
        )

    async def join(dice: random.Random) -> None:
        source, target = dice.sample(TALKS, 2)
        await conversations.merge("acme", source, Place(target, None, None, None))

    async def split(dice: random.Random) -> None:
        found = await one(dice)
        if found is not None:
            await conversation_changes.split(
                "acme", found.conversation_id, [found.id], dice.choice(TALKS), event(clock.now())
            )

    async def link(dice: random.Random) -> None:
        entity = dice.choice([None, ("deal", str(dice.randrange(3)))])
        await conversation_changes.link("acme", dice.choice(TALKS), entity, event(clock.now()))

    async def something(dice: random.Random) -> None:
        clock.advance(timedelta(minutes=1))
        await dice.choice([arrive, arrive, arrive, mark, join, split, link])(dice)

    return something


@pytest.mark.parametrize("seed", range(8))
async def test_it_says_what_the_messages_say(
    deps: Deps, happen: Callable[[random.Random], Awaitable[None]], clock: Clock, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - an order, no secret
    for _ in range(25):
        await happen(dice)
        if dice.random() < 0.5:  # else whoever did it was cut off
            await inbox_counts.count("acme", dice.sample(TALKS, 2), now=clock.now())
    clock.advance(timedelta(minutes=2))

    for tenant, ids in (await inbox_counts.forgotten(now=clock.now(), limit=100)).items():
        await inbox_counts.count(tenant, ids, now=clock.now())

    assert await told() == await reckoned()
    assert await inbox_counts.forgotten(now=clock.now(), limit=100) == {}


async def test_whoever_counts_at_the_same_time(receive: Receive, clock: Clock) -> None:
    for number in range(20):
        await receive(conversation_id=TALKS[number % 2])

    await asyncio.gather(
        *(inbox_counts.count("acme", TALKS, now=clock.now()) for _ in range(8)),
        *(
            conversation_changes.mark(
                "acme", {"conversationId": id_}, InboundStatus.READ, event(clock.now())
            )
            for id_ in TALKS
        ),
    )
    await inbox_counts.count("acme", TALKS, now=clock.now())

    assert {id_: said[:2] for id_, said in (await told()).items()} == {
        "one": [10, 0],
        "two": [10, 0],
    }


@pytest.mark.parametrize(
    "before",
    [
        {"$unset": {"isUncounted": "", "countedIn": "", "countedUnread": ""}},
        {"$set": {"countedIn": "one", "countedUnread": True}, "$unset": {"isUncounted": ""}},
    ],
    ids=["before there was an inbox", "whose entry is gone"],
)
async def test_what_was_stored_is_counted_with_the_next(
    receive: Receive, clock: Clock, before: dict[str, Any]
) -> None:
    for _ in range(3):
        await receive(conversation_id="one")
    await InboundMessage.get_motor_collection().update_many({}, before)
    await receive(conversation_id="one", status=InboundStatus.READ)

    await inbox_counts.count("acme", ["one"], now=clock.now())

    assert (await told())["one"][:2] == [4, 3]


async def test_an_entry_that_was_counted_another_way_is_counted_anew(
    receive: Receive, clock: Clock
) -> None:
    await receive(conversation_id="one")
    await inbox_counts.count("acme", ["one"], now=clock.now())
    entries = InboxEntry.get_motor_collection()
    ends = dict.fromkeys(("firstId", "firstReceived", "latestId"), "")
    await entries.update_one({}, {"$unset": ends, "$set": {"assignee": "alice", "received": 7}})
    await receive(conversation_id="one")

    await inbox_counts.count("acme", ["one"], now=clock.now())

    assert (await told())["one"][:2] == [2, 2]
    assert await entries.count_documents({"assignee": "alice"}) == 1


async def test_a_thousand_at_a_time(receive: Receive, clock: Clock) -> None:
    first = await receive(conversation_id="one")
    collection = InboundMessage.get_motor_collection()
    row = await collection.find_one({"_id": first.id})
    assert row is not None
    del row["_id"]
    await collection.insert_many({**row, "key": str(number)} for number in range(2100))

    await inbox_counts.count("acme", ["one"], now=clock.now())

    assert (await told())["one"][:2] == [2101, 2101]


async def test_a_time_that_is_known_better_moves_the_ends(receive: Receive, clock: Clock) -> None:
    first = await receive(conversation_id="one", subject="First")
    clock.advance(timedelta(minutes=5))
    await receive(conversation_id="one", subject="Second")
    await inbox_counts.count("acme", ["one"], now=clock.now())

    later = {"receivedAt": clock.now() + timedelta(minutes=5), "isUncounted": True}
    await InboundMessage.get_motor_collection().update_one({"_id": first.id}, {"$set": later})
    await inbox_counts.count("acme", ["one"], now=clock.now())

    assert await told() == await reckoned()


async def test_other_tenants_have_their_own(receive: Receive, clock: Clock) -> None:
    await receive(conversation_id="one")
    await receive(conversation_id="one", tenant_id="globex")

    await inbox_counts.count("acme", ["one"], now=clock.now())
    clock.advance(timedelta(minutes=2))

    assert (await told())["one"][:2] == [1, 1]
    left = await inbox_counts.forgotten(now=clock.now(), limit=100)
    assert left == {"globex": {"one"}}
