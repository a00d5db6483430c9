"""Reading conversations; and that no question of theirs reads a collection."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import analytics, conversations
from app.documents.analytics import Period
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.whereabouts import Place

Store = Callable[..., Awaitable[Communication]]
Receive = Callable[..., Awaitable[InboundMessage]]


@pytest.fixture
async def many(store_communication: Store, receive: Receive, store_delivery: Any) -> None:
    """Rows enough for MongoDB to tell a good index from one that merely fits."""
    owners: tuple[tuple[Any, Any], ...] = (
        (Communication, await store_communication(sent_at=datetime(2026, 1, 1, tzinfo=UTC))),
        (InboundMessage, await receive()),
        (Delivery, await store_delivery()),
    )
    for document, one in owners:
        row = await document.get_motor_collection().find_one({"_id": one.id})
        await document.get_motor_collection().insert_many(
            {
                **row,
                "_id": PydanticObjectId(),
                "key": f"<{number}@a.test>",
                "internetMessageId": f"<{number}@a.test>",
                "messageId": f"<{number}@a.test>",
                "answered": [f"<{number}@a.test>"],
                "communicationId": PydanticObjectId(),
                "conversationId": "thread" if number < 3 else str(number),
                "relatedEntityType": "deal",
                "relatedEntityId": str(number % 50),
                "status": "NEW" if number % 20 == 0 else "READ",
                "created": row["created"] + timedelta(hours=number),
                "sentAt": row["created"] + timedelta(hours=number),
                "receivedAt": row["created"] + timedelta(hours=number),
            }
            for number in range(400)
        )


@pytest.fixture
async def answers(receive: Receive) -> None:
    """Three received messages answer `<1@a.test>`, in conversations of their own."""
    for conversation in ("one", "two", "three"):
        await receive(conversation_id=conversation, answered=["<1@a.test>", "<0@a.test>"])


@pytest.fixture
def plans(deps: Deps) -> Callable[..., Awaitable[set[str]]]:
    """The names of the indexes by which MongoDB would answer; "COLLSCAN" and "SORT" beside them."""

    async def explain(document: Any, criteria: dict[str, Any], sort: list[Any]) -> set[str]:
        cursor = document.get_motor_collection().find(document.owned("acme", criteria))
        found = (await (cursor.sort(sort) if sort else cursor).explain())["queryPlanner"]
        names: set[str] = set()
        stages = [found["winningPlan"]]
        while stages:
            stage = stages.pop()
            stages += [*stage.get("inputStages", []), *filter(None, [stage.get("inputStage")])]
            if stage["stage"] in {"COLLSCAN", "SORT"}:
                names.add(stage["stage"])
            if "indexName" in stage:
                names.add("_".join(key for key in stage["keyPattern"] if key != "tenantId"))
        return names

    return explain


async def test_merging_moves_everybody_and_gives_a_parent_to_who_has_none(
    store_communication: Store, receive: Receive
) -> None:
    parent, other = PydanticObjectId(), PydanticObjectId()
    orphan = await receive(conversation_id="old")
    answer = await receive(conversation_id="old", parent_communication_id=other)
    record = await store_communication(conversation_id="old")
    strange = await receive(conversation_id="old", tenant_id="globex")
    place = Place("new", parent, "deal", "42")

    for _ in range(2):
        await conversations.merge("acme", "old", place)

    async def now(message: InboundMessage) -> Place:
        found = await InboundMessage.shown(message.tenant_id, str(message.id))
        assert found is not None
        return Place.of(found)

    assert await now(orphan) == place
    assert await now(answer) == Place("new", other, None, None)
    assert await now(strange) == Place("old", None, None, None)
    moved = await Communication.shown("acme", str(record.id))
    assert moved is not None
    assert moved.conversation_id == "new"
    assert await conversations.outbound_of("acme", "old") == []


async def test_where_mail_is_answered_is_told_of_each(answers: None, receive: Receive) -> None:
    await receive(conversation_id="placed", answered=["<1@a.test>"], is_placed=True)
    await receive(conversation_id="theirs", answered=["<1@a.test>"], tenant_id="globex")

    found = await conversations.where_answered("acme", ["<1@a.test>", "<2@a.test>"])

    assert found["<1@a.test>"] == {"one", "two", "three"}
    assert found["<2@a.test>"] == set()


async def test_of_too_many_answers_none_is_taken_to_stand_where_it_belongs(
    answers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversations, "MEMBERS_LIMIT", 2)

    found = await conversations.where_answered("acme", ["<1@a.test>", "<2@a.test>"])

    assert len(found["<1@a.test>"]) == 3
    assert found["<1@a.test>"] - {"one", "two", "three"} == {""}
    assert found["<2@a.test>"] == {""}


DAY = Period(datetime(2100, 11, 25, tzinfo=UTC), datetime(2100, 11, 26, tzinfo=UTC))
ENTITY = {"relatedEntityType": "deal", "relatedEntityId": "42"}
IDS = {"$in": ["<1@a.test>", "<2@a.test>"]}


@pytest.mark.parametrize(
    ("document", "criteria", "sort", "index"),
    [
        (Communication, ENTITY, [("created", -1), ("_id", -1)],
         "relatedEntityType_relatedEntityId_deletedAt_created__id"),
        (InboundMessage, ENTITY, [("receivedAt", -1)],
         "relatedEntityType_relatedEntityId_receivedAt__id"),
        (Communication, {"internetMessageId": IDS}, [], "internetMessageId"),
        (InboundMessage, {"internetMessageId": IDS}, [], "internetMessageId"),
        (Delivery, {"messageId": IDS}, [], "messageId"),
        (Delivery, {"internetMessageId": IDS}, [], "internetMessageId"),
        (InboundMessage, {"answered": "<1@a.test>"}, [], "answered"),
        (InboundMessage, {"key": "<1@a.test>"}, [], "key"),
        (Communication, {"conversationId": "thread"}, [], "conversationId_deletedAt_sentAt"),
        (Communication, {"conversationId": "thread", "sentAt": {"$exists": True}},
         [("sentAt", -1)], "conversationId_deletedAt_sentAt"),
        (InboundMessage, {"conversationId": "thread", "receivedAt": {"$exists": True}},
         [("receivedAt", 1)], "conversationId_receivedAt__id"),
        (InboundMessage, {"conversationId": "thread"}, [], "conversationId_receivedAt__id"),
        (InboundMessage, {"conversationId": "thread"}, [("receivedAt", -1), ("_id", -1)],
         "conversationId_receivedAt__id"),
        (InboundMessage, {}, [("receivedAt", -1)], "receivedAt__id"),
        (InboundMessage, {"status": "NEW"}, [("receivedAt", -1)], "status_receivedAt__id"),
        (Communication, {"sentAt": DAY.criteria()}, [], "deletedAt_sentAt_created__id"),
    ],
)  # fmt: skip
async def test_an_index_answers(
    many: None,
    plans: Callable[..., Awaitable[set[str]]],
    document: Any,
    criteria: dict[str, Any],
    sort: list[Any],
    index: str,
) -> None:
    assert await plans(document, criteria, sort) == {index}


async def test_two_indexes_answer_which_delivery_is_meant(
    many: None, plans: Callable[..., Awaitable[set[str]]]
) -> None:
    either = [Delivery.owned("acme", {name: IDS}) for name in ("messageId", "internetMessageId")]

    assert await plans(Delivery, {"$or": either}, []) == {"messageId", "internetMessageId"}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("Europe/Amsterdam", True),
        ("UTC", True),
        ("America/Argentina/Buenos_Aires", True),
        ("Europe/Atlantis", False),
    ],
)
async def test_the_time_zones_are_those_of_mongodb(deps: Deps, name: str, known: bool) -> None:
    assert await analytics.knows_timezone(name) is known
