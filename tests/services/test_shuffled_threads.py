"""Threads of mail that lost some of what it answers, in any order: joined by what is left."""

import asyncio
import itertools
import json
import random
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.vocabulary import EventType
from app.services.inbound import ingest
from tests.fakes.clock import Clock
from tests.fakes.messages import message

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
# Each mail's own id, and what it names: In-Reply-To and References.
Mail = tuple[str, str | None, list[str]]


def mails(dice: random.Random, root: str | None, name: str) -> list[Mail]:
    """A talk of five mails that began with `root`, or with a mail of its own."""
    chains: dict[str, list[str]] = {} if root is None else {root: []}
    written: list[Mail] = []
    for number in range(5):
        id_ = f"<{name}{number}@c.test>"
        given: tuple[str | None, list[str]] = (None, [])
        if not chains:
            chains[id_] = []
        else:
            parent = dice.choice([*chains])
            chain = [*chains[parent], parent]
            chains[id_] = chain
            given = dice.choice(
                [
                    (parent, chain),
                    (parent, []),
                    (None, chain),
                    (None, dice.sample(chain, dice.randint(1, len(chain)))),
                    (parent, chain[:1]),
                    (None, []),
                ]
            )
        written.append((id_, *given))
    return written


def joined(written: list[Mail]) -> list[set[str]]:
    """What hangs together by what the mails name."""
    groups: list[set[str]] = []
    for id_, parent, chain in written:
        group = {id_, *chain, *([] if parent is None else [parent])}
        for other in [one for one in groups if one & group]:
            groups.remove(other)
            group |= other
        groups.append(group)
    return groups


@pytest.mark.parametrize("seed", range(16))
async def test_they_are_joined_by_what_is_left(
    deps: Deps, caller: Caller, dispatched: Dispatched, stored: Stored, clock: Clock, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - an order, no secret
    records = [await stored((await dispatched()).id) for _ in range(2)]
    by_id = {str(record.internet_message_id): record for record in records}
    written = [
        mail for root, name in zip([*by_id, None], "abc", strict=True)
        for mail in mails(dice, root, name)
    ]  # fmt: skip
    dice.shuffle(written)
    kept: dict[str, PydanticObjectId] = {}

    for id_, parent, chain in written:
        clock.advance(timedelta(minutes=1))
        raw = message(id_, in_reply_to=parent, references=" ".join(chain) or None)
        kept[id_] = (await ingest(deps, caller, raw)).id

    threads: dict[str, set[str]] = {}
    for id_, object_id in kept.items():
        now = await InboundMessage.of_tenant("acme", str(object_id))
        assert now is not None
        threads.setdefault(now.conversation_id, set()).add(id_)
    expected = [group & kept.keys() for group in joined(written)]
    assert sorted(map(sorted, threads.values())) == sorted(map(sorted, filter(None, expected)))
    for record in records:
        after = await stored(record.id)
        told = {event.id for event in after.events if event.type is EventType.REPLY}
        own = threads.get(record.conversation_id, set())
        assert told == {str(kept[id_]) for id_ in own}
        [group] = [one for one in joined(written) if record.internet_message_id in one] or [set()]
        assert own == group & kept.keys()
    entries = await InboxEntry.of_conversations("acme", list(threads))
    assert {id_: entry.received for id_, entry in entries.items()} == {
        id_: len(ids) for id_, ids in threads.items()
    }


async def test_several_processes_lose_no_answer(
    deps: Deps, dispatched: Dispatched, stored: Stored
) -> None:
    """Each has every third mail of a chain, the latest first: the others have what it answers."""
    record = await stored((await dispatched()).id)
    ids = [str(record.internet_message_id), *(f"<{number}@c.test>" for number in range(45))]
    chain = [message(id_, in_reply_to=before).decode() for before, id_ in itertools.pairwise(ids)]
    settings = deps.settings
    workers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.services.ingesting_worker"),
            *(settings.mongo_url, settings.mongo_database),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert await worker.stdout.readline() == b"ready\n"

    shares = [json.dumps(chain[number::3][::-1]).encode() + b"\n" for number in range(3)]
    await asyncio.gather(
        *(worker.communicate(share) for worker, share in zip(workers, shares, strict=True))
    )

    assert [worker.returncode for worker in workers] == [0, 0, 0]
    rows = await InboundMessage.get_motor_collection().find({}).to_list(None)
    assert {row["conversationId"] for row in rows} == {record.conversation_id}
    assert {row["parentCommunicationId"] for row in rows} == {record.id}
    after = await stored(record.id)
    told = [event.id for event in after.events if event.type is EventType.REPLY]
    assert sorted(told, key=str) == sorted(str(row["_id"]) for row in rows)
    assert (len(rows), after.reply_count) == (45, 45)
    entries = await InboxEntry.get_motor_collection().find({}).to_list(None)
    assert [(entry["received"], entry["unread"]) for entry in entries] == [(45, 45)]
