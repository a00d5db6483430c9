"""By which way a message came: it is one message by any of them, and tells of each."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import HANDED_IN, Origin
from app.documents.vocabulary import ProviderType
from app.services.inbound import ingest
from tests.fakes.messages import message

ACCOUNT = PydanticObjectId("6b050e9454d4a1b9322b3eaa")
RESEND = Origin(
    provider=ProviderType.RESEND,
    provider_id="56761188",
    account_id=ACCOUNT,
    recipients=("sales@acme.test", "crm@acme.test", "sales@acme.test"),
)
GRAPH = Origin(
    provider=ProviderType.GRAPH,
    provider_id="AAkALg-1",
    account_id=ACCOUNT,
    conversation_id="AAQkAD",
    mailbox="CRM@acme.test",
)
SMTP = Origin(provider=ProviderType.SMTP, recipients=("info@acme.test",))
DOOR = Caller.of_door("acme", f"account:{ACCOUNT}")


async def stored(kept: InboundMessage) -> InboundMessage:
    found = await InboundMessage.of_tenant(kept.tenant_id, str(kept.id))
    assert found is not None
    return found


def test_the_same_mailbox_and_the_same_id_make_the_same_key() -> None:
    other = replace(GRAPH, mailbox="crm@ACME.test", account_id=None, recipients=("x@acme.test",))

    assert RESEND.key == "RESEND:56761188"
    assert GRAPH.key == other.key == "GRAPH:crm@acme.test:AAkALg-1"
    assert replace(GRAPH, mailbox="ann@acme.test").key != GRAPH.key
    assert SMTP.key is HANDED_IN.key is None


async def test_a_message_tells_which_way_it_came(deps: Deps) -> None:
    taken = deps.now() - timedelta(minutes=3)

    kept = await stored(await ingest(deps, DOOR, message(), origin=replace(RESEND, taken_at=taken)))

    assert kept.provider_type is ProviderType.RESEND
    assert (kept.provider_message_id, kept.provider_account_id) == ("56761188", ACCOUNT)
    assert kept.envelope_recipients == ["sales@acme.test", "crm@acme.test"]
    assert kept.received_at == taken
    assert kept.created_by == f"account:{ACCOUNT}"
    assert (kept.graph_message_id, kept.graph_mailbox) == (None, None)


async def test_nothing_was_received_in_the_future(deps: Deps) -> None:
    origin = replace(RESEND, taken_at=deps.now() + timedelta(days=1))

    assert (await ingest(deps, DOOR, message(), origin=origin)).received_at == deps.now()


async def test_graph_names_the_conversation_within_its_mailbox(deps: Deps) -> None:
    kept = await stored(await ingest(deps, DOOR, message(), origin=GRAPH))

    assert kept.graph_message_id == kept.provider_message_id == "AAkALg-1"
    assert (kept.graph_conversation_id, kept.graph_mailbox) == ("AAQkAD", "CRM@acme.test")


@pytest.mark.parametrize("second", [message("<other@c.test>"), message(None, text="Else")])
async def test_what_a_provider_tells_of_again_is_the_one_that_is_kept(
    deps: Deps, second: bytes
) -> None:
    first = await ingest(deps, DOOR, message(), origin=RESEND)

    again = await ingest(deps, DOOR, second, origin=RESEND)

    assert again == first
    assert await InboundMessage.count() == 1


async def test_told_twice_at_the_same_time_it_is_one(deps: Deps) -> None:
    raws = [message(f"<{number}@c.test>") for number in range(4)]

    kept = await asyncio.gather(*(ingest(deps, DOOR, raw, origin=RESEND) for raw in raws))

    assert len({one.id for one in kept}) == await InboundMessage.count() == 1


async def test_another_tenant_has_its_own(deps: Deps) -> None:
    await ingest(deps, DOOR, message(), origin=RESEND)

    other = await ingest(deps, replace(DOOR, tenant="globex"), message(), origin=RESEND)

    assert other.tenant_id == "globex"
    assert await InboundMessage.count() == 2


async def test_what_came_by_several_ways_tells_of_each(deps: Deps, caller: Caller) -> None:
    kept = await ingest(deps, caller, message())
    for origin in (RESEND, GRAPH, SMTP, RESEND):
        await ingest(deps, DOOR, message(), origin=origin)

    found = await stored(kept)

    assert found.provider_keys == [RESEND.key, GRAPH.key]
    assert found.envelope_recipients == ["sales@acme.test", "crm@acme.test", "info@acme.test"]
    assert (found.provider_type, found.provider_message_id) == (ProviderType.RESEND, "56761188")
    assert (found.graph_message_id, found.graph_conversation_id) == ("AAkALg-1", "AAQkAD")
    assert found.created_by == "alice"


async def test_who_stands_at_a_door_may_do_nothing_else() -> None:
    assert (DOOR.tenant, DOOR.user, DOOR.scopes) == ("acme", f"account:{ACCOUNT}", frozenset())
