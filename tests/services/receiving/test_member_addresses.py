"""Members of a list who answer at the address that their mail names: each is known by it."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import EventType, ProviderType
from app.mail.reply_addresses import reply_address
from app.services.inbound import ingest
from app.services.receiving import mail_servers
from tests.fakes.messages import message
from tests.fakes.relay import Relay

DOMAIN = "in.letterbox.test"
WHERE = ["To", "Cc", "Delivered-To", "envelope"]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]


@pytest.fixture
def receiving(deps: Deps) -> Deps:
    """With a domain whose mail reaches the service."""
    settings = deps.settings.model_copy(update={"inbound_domain": DOMAIN})
    return replace(deps, settings=settings)


@pytest.fixture
async def sent(
    receiving: Deps, make_list: Any, send_list: Any, run_list: Any, relay: Relay
) -> tuple[Communication, dict[str, str]]:
    """A mail to Jan and Kim; where each is to answer, by name."""
    members = await make_list({"email": "jan@customer.test"}, {"email": "kim@customer.test"})
    record = await send_list(members, relatedEntityType="campaign", relatedEntityId="7")
    await run_list(record, over=receiving)
    at = {str(mail.message["To"]): str(mail.message["Reply-To"]) for mail in relay.taken}
    return record, {
        to.partition("@")[0]: address.partition("<")[2].rstrip(">") for to, address in at.items()
    }


Sent = tuple[Communication, dict[str, str]]
Take = Callable[..., Awaitable[InboundMessage]]


@pytest.fixture
def take(receiving: Deps, caller: Caller) -> Take:
    """Takes in a new mail that names this address there, and no mail before it."""

    async def ingested(
        number: int, address: str, where: str = "To", *, by: Caller = caller, name: str = "jan"
    ) -> InboundMessage:
        raw, origin = message(f"<{number}@c.test>", sender=f"{name}@customer.test"), Origin()
        if where == "envelope":
            origin = Origin(provider=ProviderType.SMTP, recipients=("crm@acme.test", address))
        elif where == "Delivered-To":
            raw = f"Delivered-To: {address}\r\n".encode() + raw
        else:
            raw = raw.replace(f"{where}: ".encode(), f"{where}: <{address}>, ".encode(), 1)
        return await ingest(receiving, by, raw, origin=origin)

    return ingested


@pytest.mark.parametrize("where", WHERE)
async def test_each_answers_in_a_conversation_of_its_own(
    sent: Sent, take: Take, stored: Stored, where: str
) -> None:
    record, at = sent

    of_jan = await take(1, at["jan"].upper(), where)
    of_kim = await take(2, at["kim"], where, name="kim")
    more = await take(3, at["jan"], where)

    kept = (of_jan, of_kim, more)
    assert of_jan.conversation_id == more.conversation_id
    assert len({record.conversation_id, *(one.conversation_id for one in kept)}) == 3
    assert {one.parent_communication_id for one in kept} == {record.id}
    assert {one.related_entity_id for one in kept} == {"7"}
    after = await stored(record.id)
    replies = [event.id for event in after.events if event.type is EventType.REPLY]
    assert (replies, after.reply_count) == ([str(one.id) for one in kept], 3)


async def test_whoever_writes_to_it_is_where_the_member_is(sent: Sent, take: Take) -> None:
    """Passed on, or answered by a colleague."""
    _, at = sent

    of_jan = await take(1, at["jan"])
    of_colleague = await take(2, at["jan"], name="colleague")

    assert of_colleague.conversation_id == of_jan.conversation_id


async def test_whom_it_was_delivered_to_counts_more_than_whom_it_names(
    receiving: Deps, caller: Caller, sent: Sent, take: Take
) -> None:
    _, at = sent
    of_kim = await take(1, at["kim"], name="kim")
    raw = message("<2@c.test>").replace(b"To: ", f"To: {at['jan']}, ".encode(), 1)
    origin = Origin(provider=ProviderType.SMTP, recipients=(at["kim"],))

    kept = await ingest(receiving, caller, raw, origin=origin)

    assert kept.conversation_id == of_kim.conversation_id


@pytest.mark.parametrize("where", WHERE)
async def test_to_another_tenant_it_says_nothing(
    sent: Sent, take: Take, stored: Stored, other_tenant: Caller, where: str
) -> None:
    record, at = sent

    theirs = await take(1, at["jan"], where, by=other_tenant)

    assert (theirs.answered_delivery_id, theirs.parent_communication_id) == (None, None)
    assert (await stored(record.id)).reply_count == 0


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("forgery", ["altered", "another key", "signed for another tenant"])
async def test_a_forged_one_says_nothing(
    receiving: Deps, sent: Sent, take: Take, stored: Stored, rows_of: Any, where: str, forgery: str
) -> None:
    record, at = sent
    [row, _] = await rows_of(record)
    key = receiving.settings.reply_keys[0]
    local = at["jan"].partition("@")[0]
    forged = {
        "altered": f"{local[:-2]}{'b' if local[-2] == 'a' else 'a'}{local[-1]}@{DOMAIN}",
        "another key": reply_address(
            bytes(32), tenant="acme", delivery_id=str(row.id), domain=DOMAIN
        ),
        "signed for another tenant": reply_address(
            key, tenant="globex", delivery_id=str(row.id), domain=DOMAIN
        ),
    }[forgery]

    kept = await take(1, forged, where)

    assert await mail_servers.whose(receiving.settings, forged) is None
    assert (kept.answered_delivery_id, kept.parent_communication_id) == (None, None)
    assert (await stored(record.id)).reply_count == 0
