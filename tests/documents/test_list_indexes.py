"""Which index answers what is asked of the inbox and of preferences."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.inbox import InboxEntry
from app.documents.preferences import Preference
from app.services.connections import ListCommand
from app.services.conversation_changes import entries_of
from app.services.inputs import parse
from app.services.preferences.changes import preferences_of
from tests.documents.conftest import START

FEW = 20
Profile = Callable[[], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
async def mail(deps: Deps) -> PydanticObjectId:
    """Stores 400 conversations and preferences; 20 are unread, and as many came of this mail."""
    mail = PydanticObjectId()
    await InboxEntry.get_motor_collection().insert_many(
        {
            "tenantId": "acme",
            "conversationId": str(number),
            "unread": 1 if number < FEW else 0,
            "latestReceived": START + timedelta(minutes=number),
        }
        for number in range(400)
    )
    await Preference.get_motor_collection().insert_many(
        {
            "tenantId": "acme",
            "address": f"{number}@customer.test",
            "state": "UNSUBSCRIBED",
            "date": START + timedelta(minutes=number),
            "via": "PAGE",
            "communicationId": mail if number < FEW else PydanticObjectId(),
        }
        for number in range(400)
    )
    return mail


@pytest.fixture
async def plans(deps: Deps) -> AsyncIterator[Profile]:
    """How MongoDB answered what was asked since the test began."""
    database: Any = InboxEntry.get_motor_collection().database
    await database.command("profile", 2)

    async def look() -> list[dict[str, Any]]:
        await database.command("profile", 0)
        asked = {"op": {"$in": ["query", "command"]}, "planSummary": {"$exists": True}}
        found: list[dict[str, Any]] = await database["system.profile"].find(asked).to_list(None)
        return found

    yield look
    await database.command("profile", 0)
    await database["system.profile"].drop()


@pytest.mark.parametrize("unread", [{"gt": 0}, {"gte": 1}, {"eq": 1}], ids=str)
async def test_what_is_unread_is_found_without_what_is_read(
    caller: Caller, mail: PydanticObjectId, plans: Profile, unread: dict[str, int]
) -> None:
    asked = parse(ListCommand, {"filter": {"unread": unread}, "first": 50})

    part = await entries_of(caller, asked)

    (plan,) = await plans()
    assert len(part.nodes) == FEW
    assert (plan["keysExamined"], plan["docsExamined"]) == (FEW, FEW)
    assert not plan.get("hasSortStage", False)


async def test_who_left_by_a_mail_is_found_by_it(
    caller: Caller, mail: PydanticObjectId, plans: Profile
) -> None:
    asked = parse(ListCommand, {"filter": {"communicationId": {"eq": str(mail)}}, "first": 50})

    part = await preferences_of(caller, asked)

    (plan,) = await plans()
    assert len(part.nodes) == FEW
    assert (plan["keysExamined"], plan["docsExamined"]) == (FEW, FEW)
    assert not plan.get("hasSortStage", False)
