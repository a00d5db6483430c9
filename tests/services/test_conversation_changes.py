"""What people do to conversations, and that later mail respects it."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents import trails
from app.documents.communications import Communication
from app.documents.conversation_changes import following
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.vocabulary import EventType, InboundStatus
from app.errors import InvalidInputError, NotFoundError
from app.services import conversation_changes as changes
from app.services.connections import ListCommand
from app.services.inbound import ingest
from app.services.inputs import parse
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from workers import jobs

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Take = Callable[..., Awaitable[InboundMessage]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
DEAL = {"entityType": "deal", "entityId": "42"}


@pytest.fixture
async def sent(dispatched: Dispatched, stored: Stored) -> Communication:
    return await stored((await dispatched()).id)


@pytest.fixture
def take(deps: Deps, caller: Caller, clock: Clock) -> Take:
    """Takes a mail in, a minute after the one before; it answers a Message-ID, if any."""

    async def ingested(number: int, answers: str | None = None, **fields: Any) -> InboundMessage:
        clock.advance(timedelta(minutes=1))
        raw = message(f"<{number}@customer.test>", in_reply_to=answers, **fields)
        return await ingest(deps, caller, raw)

    return ingested


async def entry_of(conversation_id: str) -> InboxEntry | None:
    found = await InboxEntry.of_conversations("acme", [conversation_id])
    return found.get(conversation_id)


async def now(received: InboundMessage) -> InboundMessage:
    found = await InboundMessage.of_tenant("acme", str(received.id))
    assert found is not None
    return found


async def inbox(caller: Caller, **asked: Any) -> list[str]:
    part = await changes.entries_of(caller, parse(ListCommand, asked))
    return [entry.conversation_id for entry in part.nodes]


async def test_what_comes_in_stands_in_the_inbox(
    caller: Caller, sent: Communication, take: Take
) -> None:
    reply = await take(1, sent.internet_message_id)
    more = await take(2, "<1@customer.test>")
    stranger = await take(3, subject="Hello", sender="eve@stranger.test")

    assert await inbox(caller) == [stranger.conversation_id, sent.conversation_id]
    entry = await entry_of(sent.conversation_id)
    assert entry is not None
    assert (entry.received, entry.unread, entry.subject) == (2, 2, "Re: Your offer")
    assert (entry.latest_received, entry.from_email) == (more.received_at, "jan@customer.test")
    assert await inbox(caller, filter={"fromEmail": {"eq": "eve@stranger.test"}}) == [
        stranger.conversation_id
    ]
    assert reply.conversation_id == more.conversation_id


async def test_what_arrives_later_and_joins_leaves_one_entry(caller: Caller, take: Take) -> None:
    late = await take(2, "<1@customer.test>")
    first = await take(1)

    assert await inbox(caller) == [(await now(first)).conversation_id]
    entry = await entry_of((await now(late)).conversation_id)
    assert entry is not None
    assert entry.received == 2


async def test_a_link_holds_for_what_is_there_and_what_comes(
    deps: Deps, caller: Caller, sent: Communication, take: Take, stored: Stored
) -> None:
    reply = await take(1, sent.internet_message_id)

    await changes.link(deps, caller, sent.conversation_id, parse(changes.LinkConversation, DEAL))

    more = await take(2, "<1@customer.test>")
    again = await take(3, sent.internet_message_id)
    record = await stored(sent.id)
    linked = [record, await now(reply), more, again]
    assert {(one.related_entity_type, one.related_entity_id) for one in linked} == {("deal", "42")}
    event = record.events[-3]
    assert (event.type, event.author_id, event.description) == (
        EventType.UPDATE, "alice", "linked to deal 42",
    )  # fmt: skip
    assert await inbox(caller, filter={"relatedEntityId": {"eq": "42"}}) == [sent.conversation_id]


async def test_a_link_is_taken_away(
    deps: Deps, caller: Caller, sent: Communication, take: Take
) -> None:
    reply = await take(1, sent.internet_message_id)
    await changes.link(deps, caller, sent.conversation_id, parse(changes.LinkConversation, DEAL))

    await changes.link(deps, caller, sent.conversation_id, parse(changes.LinkConversation, {}))

    assert (await now(reply)).related_entity_type is None
    entry = await entry_of(sent.conversation_id)
    assert entry is not None
    assert entry.related_entity_id is None


@pytest.mark.parametrize("half", [{"entityType": "deal"}, {"entityId": "42"}])
async def test_half_an_entity_is_refused(
    deps: Deps, caller: Caller, sent: Communication, footprint: Footprint, half: dict[str, str]
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError, match="is required where the other is given"):
        await changes.link(
            deps, caller, sent.conversation_id, parse(changes.LinkConversation, half)
        )

    assert await footprint() == before


async def test_merged_conversations_stay_one(
    deps: Deps, caller: Caller, sent: Communication, take: Take
) -> None:
    await take(1, sent.internet_message_id)
    other = await take(2, subject="A question", sender="piet@customer.test")

    await changes.merge(deps, caller, other.conversation_id, sent.conversation_id)

    follower = await take(3, "<2@customer.test>")
    assert (await now(other)).conversation_id == sent.conversation_id
    assert follower.conversation_id == sent.conversation_id
    assert await inbox(caller) == [sent.conversation_id]
    assert (await now(other)).events[-1].description == (
        f"merged into conversation {sent.conversation_id}"
    )


async def test_a_conversation_is_not_merged_with_itself(
    deps: Deps, caller: Caller, sent: Communication, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError, match="must be another conversation"):
        await changes.merge(deps, caller, sent.conversation_id, sent.conversation_id)

    assert await footprint() == before


async def test_what_was_split_off_stays_apart(
    deps: Deps, caller: Caller, sent: Communication, take: Take, stored: Stored
) -> None:
    stays = await take(1, sent.internet_message_id)
    apart = await take(2, sent.internet_message_id)
    follows = await take(3, "<2@customer.test>")
    command = parse(changes.SplitConversation, {"messageIds": [str(apart.id)]})

    own = await changes.split(deps, caller, sent.conversation_id, command)

    later = await take(4, "<3@customer.test>")
    again = await ingest(
        deps, caller, message("<2@customer.test>", in_reply_to=sent.internet_message_id)
    )
    assert own != sent.conversation_id
    assert again.id == apart.id
    assert {(await now(one)).conversation_id for one in (apart, follows, later)} == {own}
    assert (await now(stays)).conversation_id == sent.conversation_id
    assert (await stored(sent.id)).conversation_id == sent.conversation_id
    assert set(await inbox(caller)) == {own, sent.conversation_id}
    entry = await entry_of(own)
    assert entry is not None
    assert entry.received == 3


async def test_a_long_chain_of_answers_is_split_off_at_once(
    deps: Deps, caller: Caller, take: Take
) -> None:
    first, second = await take(1), await take(2, "<1@customer.test>")
    row = await InboundMessage.get_motor_collection().find_one({"_id": second.id})
    assert row is not None
    # Stored from the last to the first, as a mailbox may be handed in.
    chain = [
        {
            **row,
            "_id": PydanticObjectId(),
            "key": f"<{number}@customer.test>",
            "internetMessageId": f"<{number}@customer.test>",
            "answered": [f"<{number - 1}@customer.test>"],
        }
        for number in range(5000, 2, -1)
    ]
    await InboundMessage.get_motor_collection().insert_many(chain)
    start = time.process_time()

    taken = await following(caller.tenant, first.conversation_id, [second.id])

    # Minutes, were all messages looked at for each.
    assert time.process_time() - start < 5
    assert taken == {second.id, *(one["_id"] for one in chain)}


async def test_only_messages_of_a_conversation_are_split_from_it(
    deps: Deps, caller: Caller, sent: Communication, take: Take, footprint: Footprint
) -> None:
    other = await take(1, subject="Hello")
    before = await footprint()
    ids = [str(sent.id), str(other.id), "nonsense"]

    with pytest.raises(InvalidInputError) as refused:
        await changes.split(
            deps,
            caller,
            sent.conversation_id,
            parse(changes.SplitConversation, {"messageIds": ids}),
        )

    assert [fault.path for fault in refused.value.fields] == ["messageIds[1]", "messageIds[2]"]
    assert await footprint() == before


async def test_somebody_sees_to_it_and_then_nobody(
    deps: Deps, caller: Caller, sent: Communication, take: Take
) -> None:
    await take(1, sent.internet_message_id)

    async def assign(assignee: str | None) -> None:
        command = parse(changes.AssignConversation, {"assignee": assignee})
        await changes.assign(deps, caller, sent.conversation_id, command)

    await assign("bob")
    await take(2, "<1@customer.test>")

    assert await inbox(caller, filter={"assignee": {"eq": "bob"}}) == [sent.conversation_id]
    await assign(None)
    assert await inbox(caller, filter={"assignee": {"eq": "bob"}}) == []


async def test_it_is_marked_as_read_and_unread_with_the_next(
    deps: Deps, caller: Caller, sent: Communication, take: Take
) -> None:
    reply = await take(1, sent.internet_message_id)

    await changes.mark(deps, caller, sent.conversation_id, InboundStatus.READ)

    assert (await now(reply)).status is InboundStatus.READ
    assert (await now(reply)).events[-1].description == "marked READ"
    assert await inbox(caller, filter={"unread": {"gt": 0}}) == []
    await take(2, "<1@customer.test>")
    assert await inbox(caller, filter={"unread": {"eq": 1}}) == [sent.conversation_id]


async def test_of_endless_changes_the_latest_are_kept(
    deps: Deps, caller: Caller, sent: Communication, stored: Stored, take: Take,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(trails, "CHANGES_KEPT", 3)
    reply = await take(1, sent.internet_message_id)
    id_, before = sent.conversation_id, len((await stored(sent.id)).events)

    for number in range(3):
        await changes.mark(deps, caller, id_, InboundStatus.READ)
        await changes.mark_messages(
            deps, caller, parse(changes.MarkMessages, {"ids": [str(reply.id)], "status": "NEW"})
        )
        deal = {"entityType": "$deal", "entityId": str(number)}
        await changes.link(deps, caller, id_, parse(changes.LinkConversation, deal))

    received, record = await now(reply), await stored(sent.id)
    assert [event.description for event in received.events] == [
        None, "marked READ", "marked NEW", "linked to $deal 2",
    ]  # fmt: skip
    assert received.events[0].type is EventType.CREATE
    # What became of it stays, and so do the links that were changed.
    assert [event.description for event in record.events[before:]] == [
        f"linked to $deal {number}" for number in range(3)
    ]
    assert (record.related_entity_type, received.related_entity_id) == ("$deal", "2")
    assert (received.updated_by, received.updated) == ("alice", deps.now())


async def test_messages_are_marked_one_by_one(
    deps: Deps, caller: Caller, other_tenant: Caller, take: Take
) -> None:
    first, second = await take(1), await take(2, "<1@customer.test>")
    ids = [str(second.id), "nonsense", str(second.id)]
    command = parse(changes.MarkMessages, {"ids": ids, "status": "ARCHIVED"})

    others = await changes.mark_messages(deps, other_tenant, command)
    marked = await changes.mark_messages(deps, caller, command)

    assert others == []
    assert [(one.id, one.status) for one in marked] == [(second.id, InboundStatus.ARCHIVED)]
    assert (await now(first)).status is InboundStatus.NEW
    entry = await entry_of(first.conversation_id)
    assert entry is not None
    assert entry.unread == 1


async def test_conversations_of_others_are_unknown(
    deps: Deps, other_tenant: Caller, sent: Communication, take: Take, footprint: Footprint
) -> None:
    await take(1, sent.internet_message_id)
    before, id_ = await footprint(), sent.conversation_id

    for attempt in (
        changes.link(deps, other_tenant, id_, parse(changes.LinkConversation, DEAL)),
        changes.merge(deps, other_tenant, id_, "another"),
        changes.split(
            deps,
            other_tenant,
            id_,
            parse(changes.SplitConversation, {"messageIds": [str(sent.id)]}),
        ),
        changes.assign(deps, other_tenant, id_, parse(changes.AssignConversation, {})),
        changes.mark(deps, other_tenant, id_, InboundStatus.READ),
    ):
        with pytest.raises(NotFoundError):
            await attempt

    assert await footprint() == before


async def test_an_answer_to_what_was_split_off_goes_there_whatever_else_it_names(
    deps: Deps, caller: Caller, sent: Communication, take: Take
) -> None:
    apart = await take(1, sent.internet_message_id)
    command = parse(changes.SplitConversation, {"messageIds": [str(apart.id)]})
    own = await changes.split(deps, caller, sent.conversation_id, command)

    later = await take(2, "<1@customer.test>", references=sent.internet_message_id)

    assert later.conversation_id == own


async def test_late_evidence_of_one_message_takes_no_other_along(
    deps: Deps, caller: Caller, take: Take
) -> None:
    first, apart = await take(1), await take(2, "<1@customer.test>")
    command = parse(changes.SplitConversation, {"messageIds": [str(apart.id)]})
    own = await changes.split(deps, caller, first.conversation_id, command)
    # It names what is not here yet before what was split off.
    early = await take(4, "<3@customer.test>", references="<2@customer.test>")
    assert early.conversation_id == own

    await take(3, "<1@customer.test>")

    assert (await now(apart)).conversation_id == own
    assert (await now(early)).conversation_id == first.conversation_id
    entry = await entry_of(first.conversation_id)
    assert entry is not None
    assert entry.received == 3


async def test_what_was_merged_stays_when_it_is_delivered_again(
    deps: Deps, caller: Caller, sent: Communication, take: Take
) -> None:
    other = await take(1, sent.internet_message_id)
    talk = await take(2, subject="A question")
    await changes.merge(deps, caller, sent.conversation_id, talk.conversation_id)

    again = await ingest(
        deps, caller, message("<1@customer.test>", in_reply_to=sent.internet_message_id)
    )

    assert again.id == other.id
    assert {(await now(one)).conversation_id for one in (other, talk)} == {talk.conversation_id}


async def test_what_was_cut_off_before_it_was_counted_is_counted_by_the_sweep(
    deps: Deps, take: Take, clock: Clock
) -> None:
    reply = await take(1)
    entries = InboxEntry.get_motor_collection()
    await InboundMessage.get_motor_collection().update_one(
        {"_id": reply.id}, {"$set": {"isUncounted": True}, "$unset": {"countedIn": ""}}
    )
    await entries.delete_many({})

    await jobs.sweep({"deps": deps})
    too_early = await entries.count_documents({})
    clock.advance(timedelta(minutes=2))
    await jobs.sweep({"deps": deps})

    assert too_early == 0
    entry = await entry_of(reply.conversation_id)
    assert entry is not None
    assert (entry.received, entry.unread) == (1, 1)
