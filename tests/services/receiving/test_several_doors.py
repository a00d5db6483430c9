"""One mail by several ways at once: it is one message, which knows all of them."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import permutations

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.attachments import AttachmentContent
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.inbox import InboxEntry
from app.documents.origins import Origin
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventType, EventVerdict, ProviderType
from app.services.inbound import ingest
from app.services.receiving import mail_servers
from tests.fakes.messages import message
from tests.fakes.resend import FakeResend
from tests.fakes.resend_events import received

DOORS = ["Resend", "a mail server", "Graph", "a program"]
GRAPH = Origin(
    ProviderType.GRAPH, "AAMk=", recipients=("info@acme.test",), conversation_id="AAQk=",
    mailbox="info@acme.test",
)  # fmt: skip


@pytest.fixture
async def record(
    dispatched: Callable[..., Awaitable[Communication]],
    stored: Callable[[PydanticObjectId], Awaitable[Communication]],
) -> Communication:
    return await stored((await dispatched()).id)


@pytest.fixture
def enter(
    over: Deps,
    caller: Caller,
    resend: FakeResend,
    take: Callable[..., Awaitable[str]],
    look: Callable[..., Awaitable[ProviderEvent]],
) -> Callable[[str, bytes], Awaitable[None]]:
    """Has a mail come in by a door. Ask for the record first: it is to go by no account."""

    async def by(door: str, raw: bytes) -> None:
        match door:
            case "Resend":
                event = await look(await take(received(resend.mailroom.receive(raw))))
                assert event.verdict is EventVerdict.APPLIED
            case "a mail server":
                to = {"sales@acme.test": "acme", "crm@acme.test": "acme"}
                sender = "jan@customer.test"
                fates = await mail_servers.take(over, raw, sender=sender, recipients=to)
                assert {*fates.values()} == {mail_servers.Fate.KEPT}
            case "Graph":
                await ingest(over, caller, raw, origin=GRAPH)
            case _:
                await ingest(over, caller, raw)

    return by


@pytest.mark.parametrize("doors", [*permutations(DOORS)][::5], ids=", ".join)
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one after the other"])
async def test_it_is_one_message_that_knows_its_ways(
    record: Communication,
    enter: Callable[[str, bytes], Awaitable[None]],
    stored: Callable[[PydanticObjectId], Awaitable[Communication]],
    doors: list[str],
    at_once: bool,
) -> None:
    raw = message(in_reply_to=record.internet_message_id, file="What I thought.")

    if at_once:
        await asyncio.gather(*(enter(door, raw) for door in doors))
    else:
        for door in doors:
            await enter(door, raw)

    [kept] = await InboundMessage.find_all().to_list()
    assert {key.partition(":")[0] for key in kept.provider_keys} == {"RESEND", "GRAPH"}
    assert len(kept.provider_keys) == 2
    assert {*kept.envelope_recipients} == {"sales@acme.test", "crm@acme.test", "info@acme.test"}
    assert (kept.graph_conversation_id, kept.graph_mailbox) == ("AAQk=", "info@acme.test")
    assert kept.conversation_id == record.conversation_id
    after = await stored(record.id)
    replies = [event.id for event in after.events if event.type is EventType.REPLY]
    assert (replies, after.reply_count) == ([str(kept.id)], 1)
    [entry] = await InboxEntry.find_all().to_list()
    assert (entry.received, entry.unread) == (1, 1)
    assert await AttachmentContent.count() == 1
    files = [(file.filename, file.size) for file in kept.attachments or ()]
    assert files == [("notes.txt", 15)]


async def test_two_tenants_who_get_it_at_once_have_one_each(
    over: Deps, record: Communication
) -> None:
    raw = message(in_reply_to=record.internet_message_id)
    to = {"crm@acme.test": "acme", "info@globex.test": "globex"}

    fates = await asyncio.gather(
        *(mail_servers.take(over, raw, sender="", recipients=to) for _ in range(3))
    )

    assert {fate for told in fates for fate in told.values()} == {mail_servers.Fate.KEPT}
    kept = {one.tenant_id: one for one in await InboundMessage.find_all().to_list()}
    assert await InboundMessage.count() == 2
    assert kept["acme"].conversation_id == record.conversation_id
    assert kept["globex"].parent_communication_id is None
    assert [one.envelope_recipients for one in kept.values()] == [
        [address for address, tenant in to.items() if tenant == one] for one in kept
    ]
