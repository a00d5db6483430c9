"""Lists of many records at once: each its own part, and MongoDB reads what it shows."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import families, keysets
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.list_members import ListMember

OWNERS = [PydanticObjectId() for _ in range(20)]
OF_EACH = 20
LISTS = {
    "deliveries": (Delivery, families.deliveries_of),
    "members": (ListMember, families.members_of),
    "made_from": (Communication, families.made_from),
    "sent_to": (Communication, families.sent_to),
    "answers": (InboundMessage, families.answers_to),
}


@pytest.fixture
async def many(deps: Deps) -> None:
    """Of every kind twenty rows for each owner, and as many of another tenant."""
    for document in {document for document, _ in LISTS.values()}:
        await document.get_motor_collection().insert_many(
            {
                "_id": PydanticObjectId(),
                "tenantId": tenant,
                "created": deps.now() + timedelta(minutes=number),
                "receivedAt": deps.now() + timedelta(minutes=number),
                # Unique ones.
                "memberId": PydanticObjectId(),
                "trackingId": f"{owner}{number}",
                "messageId": f"{owner}{number}",
                "key": f"{owner}{number}",
                "email": f"{number}@c.test",
                "sending": 1,
                # By these a document is of the tenant of its owner.
                "communicationId": owner if tenant == "acme" else PydanticObjectId(),
                "listId": owner if tenant == "acme" else PydanticObjectId(),
                "parentCommunicationId": owner,
                "templateId": str(owner),
                "recipientListId": str(owner),
            }
            for tenant in ("acme", "rival")
            for owner in OWNERS
            for number in range(OF_EACH)
        )


@pytest.fixture
async def examined(deps: Deps) -> AsyncIterator[Callable[[], Awaitable[tuple[int, bool]]]]:
    """How many documents MongoDB read since the test began, and whether it sorted any."""
    database: Any = Communication.get_motor_collection().database
    await database.command("profile", 2)

    async def look() -> tuple[int, bool]:
        await database.command("profile", 0)
        asked = {"op": "command", "command.aggregate": {"$exists": True}}
        [one] = await database["system.profile"].find(asked).to_list(None)
        return one["docsExamined"], one.get("hasSortStage", False)

    yield look
    await database.command("profile", 0)
    await database["system.profile"].drop()


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", LISTS)
async def test_a_part_of_each_is_read_in_the_order_of_an_index(
    name: str, examined: Callable[[], Awaitable[tuple[int, bool]]]
) -> None:
    listings = {str(owner): LISTS[name][1](str(owner), frozenset()) for owner in OWNERS}

    found = await keysets.read_each(listings, "acme", after=None, before=None, limit=3)

    assert {key: len(rows) for key, rows in found.items()} == {str(one): 3 for one in OWNERS}
    for key, rows in found.items():
        assert {row["tenantId"] for row in rows} == {"acme"}
        assert key in {str(value) for value in rows[0].values()}
    documents, sorts = await examined()
    assert documents == 60
    assert not sorts
