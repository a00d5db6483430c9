"""Storing messages that come together where they belong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.gathered_received import Landing
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.places import give_places
from app.documents.turns import Turn
from app.documents.vocabulary import EventType, ProviderType
from app.services.inbound import ingest
from app.services.receiving import settling
from app.services.receiving.settling import land
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Arriving = Callable[..., InboundMessage]
GRAPH = Origin(provider=ProviderType.GRAPH, conversation_id="AAQk=", mailbox="crm@acme.test")


@pytest.fixture
def arriving(deps: Deps) -> Arriving:
    """A message of acme's that is not stored yet."""

    def make(name: str, *answered: str) -> InboundMessage:
        id_ = f"<{name}@c.test>"
        now = deps.now()
        return InboundMessage(
            tenant_id="acme",
            key=id_,
            internet_message_id=id_,
            from_email="jan@customer.test",
            conversation_id=name,
            answered=[*answered],
            received_at=now,
            created=now,
            created_by="test",
            updated=now,
            raw=b"x",
        )

    return make


async def conversations() -> set[str]:
    return {*await InboundMessage.get_motor_collection().distinct("conversationId")}


async def test_those_that_answer_one_another_take_the_questions_of_one(
    deps: Deps, caller: Caller, dispatched: Dispatched, stored: Stored, mongo_calls: MongoCalls
) -> None:
    record = await stored((await dispatched()).id)
    await ingest(deps, caller, message("<first@c.test>", in_reply_to=record.internet_message_id))
    calls: list[list[str]] = []
    for name, length in (("one", 1), ("more", 20)):
        ids = [f"<{name}{number}@c.test>" for number in range(length)]
        before = [record.internet_message_id, *ids]
        raws = [message(id_, in_reply_to=before[number]) for number, id_ in enumerate(ids)]
        mongo_calls.clear()
        await asyncio.gather(*(ingest(deps, caller, raw) for raw in reversed(raws)))
        calls.append(mongo_calls.names)

    one, many = calls
    assert one == many
    assert len(one) <= 17
    assert await conversations() == {record.conversation_id}
    after = await stored(record.id)
    assert after.reply_count == 22
    assert len([one for one in after.events if one.type is EventType.REPLY]) == 22


async def test_what_begins_a_conversation_asks_little(
    deps: Deps, caller: Caller, mongo_calls: MongoCalls
) -> None:
    await ingest(deps, caller, message("<first@c.test>"))
    mongo_calls.clear()

    await ingest(deps, caller, message("<second@c.test>"))

    assert mongo_calls.names == [
        "commitTransaction 1",
        "find inboundMessages",
        "find inboundMessages",
        "find inbox",
        "findAndModify turns",
        "insert inboundMessages",
        "update inboundMessages",
        "update inboundMessages",
        "update inbox",
        "update turns",
    ]


async def test_those_that_answer_each_other_are_one_conversation(
    deps: Deps, arriving: Arriving
) -> None:
    ids = ["<a@c.test>", "<b@c.test>", "<c@c.test>"]
    circle = [arriving("a", ids[1]), arriving("b", ids[2]), arriving("c", ids[0])]

    told = await land(deps, circle)

    assert Landing.MOVED in told
    assert len(await conversations()) == 1


async def test_what_is_known_is_not_stored_again_and_leads_its_answer(
    deps: Deps, arriving: Arriving
) -> None:
    await land(deps, [arriving("known")])
    again = arriving("known")
    again.conversation_id = "another"

    told = await land(deps, [arriving("answer", "<known@c.test>"), again])

    assert told == [Landing.SETTLED, Landing.KNOWN]
    assert await conversations() == {"known"}
    assert await InboundMessage.count() == 2


async def test_what_is_wrong_with_one_is_not_wrong_with_those_beside_it(
    deps: Deps, arriving: Arriving
) -> None:
    # No text that MongoDB can be asked for.
    broken = arriving("broken", "<\ud800@c.test>")

    told = await land(deps, [arriving("first"), broken, arriving("last", "<first@c.test>")])

    assert isinstance(told[1], UnicodeEncodeError)
    assert {told[0], told[2]} == {Landing.MOVED}
    assert len(await conversations()) == 1


async def test_mail_of_one_conversation_in_graph_that_comes_together_stays_together(
    deps: Deps, caller: Caller
) -> None:
    await asyncio.gather(
        *(ingest(deps, caller, message(f"<{name}@c.test>"), origin=GRAPH) for name in "abc")
    )

    assert len(await conversations()) == 1


async def test_what_others_stored_when_the_turn_was_lost_is_joined_too(
    deps: Deps, arriving: Arriving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It took so long that another process took the turn, and stored an answer."""

    async def slow(tenant: str, messages: Sequence[InboundMessage]) -> list[bool]:
        given = await give_places(tenant, messages)
        lost: Any = [{"$set": {"holder": "another", "until": "$$NOW"}}]
        await Turn.get_motor_collection().update_one({}, lost)
        await InboundMessage.store_once([arriving("answer", "<mail@c.test>")])
        return given

    with monkeypatch.context() as patch:
        patch.setattr(settling, "give_places", slow)
        told = await land(deps, [arriving("mail")])

    assert told == [Landing.MOVED]
    assert len(await conversations()) == 1
