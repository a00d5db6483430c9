"""Graph's conversations as evidence, and what finding a place costs."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import ProviderType
from app.services.inbound import ingest
from tests.fakes.messages import message
from tests.fakes.mongo_calls import MongoCalls

ACCOUNT = PydanticObjectId()
Dispatched = Callable[..., Awaitable[Communication]]
Take = Callable[..., Awaitable[InboundMessage]]


@pytest.fixture
def take(deps: Deps, caller: Caller) -> Take:
    """Takes in a mail that names none before it, as Graph tells of it."""

    async def ingested(
        number: int,
        *,
        sender: str = "Jan <jan@customer.test>",
        mailbox: str = "crm@acme.test",
        conversation: str = "AAQk=",
        tenant: str = "acme",
    ) -> InboundMessage:
        origin = Origin(
            provider=ProviderType.GRAPH,
            provider_id=f"{mailbox}{number}",
            account_id=ACCOUNT,
            conversation_id=conversation,
            mailbox=mailbox,
        )
        raw = message(f"<{number}@customer.test>", sender=sender, subject="The offer")
        door = Caller.of_door(tenant, "test")
        return await ingest(deps, door, raw, origin=origin)

    return ingested


async def test_mail_of_one_conversation_of_a_mailbox_belongs_together(take: Take) -> None:
    first, second = await take(1), await take(2)

    assert first.conversation_id == second.conversation_id


@pytest.mark.parametrize(
    "other",
    [
        {"mailbox": "sales@acme.test"},
        {"conversation": "AAQl="},
        {"sender": "Eve <eve@stranger.test>"},
        {"tenant": "umbrella"},
    ],
    ids=["another mailbox", "another conversation", "who had no part in it", "another tenant"],
)
async def test_other_mail_does_not(take: Take, other: dict[str, Any]) -> None:
    first, second = await take(1), await take(2, **other)

    assert first.conversation_id != second.conversation_id


async def test_a_conversation_may_have_begun_with_mail_of_ours(
    take: Take, dispatched: Dispatched
) -> None:
    record = await dispatched({"recipients": ["jan@customer.test"]})
    told = {"providerConversationId": "AAQk=", "accountId": ACCOUNT}
    await Delivery.get_motor_collection().update_one({"communicationId": record.id}, {"$set": told})

    answer, stranger = await take(1), await take(2, sender="eve@stranger.test")

    assert answer.conversation_id == record.conversation_id
    assert answer.parent_communication_id == record.id
    assert stranger.conversation_id != record.conversation_id


async def test_a_place_is_found_by_indexes_only(
    deps: Deps, caller: Caller, mongo_calls: MongoCalls, dispatched: Dispatched
) -> None:
    record = await dispatched()
    await ingest(deps, caller, message("<other@customer.test>"))
    stored = await Communication.get(record.id)
    assert stored is not None
    mongo_calls.clear()

    await ingest(deps, caller, message(in_reply_to=stored.internet_message_id))

    database = Communication.get_motor_collection().database
    finds = [
        {name: value for name, value in command.items() if name in {"find", "filter"}}
        for command in mongo_calls.commands
        if "find" in command
    ]
    assert {"communications", "deliveries", "inboundMessages"} <= {one["find"] for one in finds}
    for find in finds:
        plan = await database.command({"explain": find, "verbosity": "queryPlanner"})
        assert "COLLSCAN" not in str(plan["queryPlanner"]["winningPlan"]), find
