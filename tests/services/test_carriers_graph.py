"""Accounts that are Microsoft 365 mailboxes, beside a relay that may stand in for them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.paces import Pace
from app.documents.provider_accounts import ProviderAccount
from app.documents.vocabulary import CommunicationStatus
from app.services import delivery
from tests.fakes.clock import Clock
from tests.fakes.graph import CLIENT, DIRECTORY, MAILBOX, SECRET, FakeGraph
from tests.fakes.graph_faults import BROKEN, SEND_AS_DENIED, SENT_AND_DROPPED, Fault
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Account = Callable[..., Awaitable[ProviderAccount]]
LATER = timedelta(minutes=5)


@pytest.fixture
def over_graph(adjusted: Callable[..., Deps], graph: FakeGraph) -> Deps:
    """`deps` whose Microsoft is the fake; an account is down after one failure."""
    return adjusted(
        graph_url=f"{graph.url}/v1.0",
        graph_login_url=graph.url,
        account_failures=1,
        account_pause=timedelta(hours=1),
        account_pause_limit=timedelta(hours=1),
        send_attempts=10,
    )


@pytest.fixture
def mailbox(account: Account) -> Account:
    """Keeps the mailbox of the fake as an account, its secret the right one."""

    async def keep(name: str = "Mailbox", **fields: Any) -> ProviderAccount:
        options = {"directoryId": DIRECTORY, "clientId": CLIENT, "mailbox": MAILBOX}
        given = {"clientSecret": SECRET, **options, **fields.pop("graph", {})}
        return await account(name, graph=given, **fields)

    return keep


async def test_mail_goes_by_the_mailbox(
    over_graph: Deps, mailbox: Account, dispatched: Send, graph: FakeGraph, stored: Stored
) -> None:
    await mailbox()

    accepted = await dispatched({"providerType": "GRAPH"}, over=over_graph)

    (sent,) = graph.box.sent
    found = await stored(accepted.id)
    assert found.status is CommunicationStatus.SENT
    assert found.message_id == sent.item.id


async def test_accounts_for_one_mailbox_share_its_pace(
    over_graph: Deps, mailbox: Account, dispatched: Send, graph: FakeGraph
) -> None:
    await mailbox(senderEmails=["sales@acme.test"])
    graph.mailboxes["CRM@acme.test"] = graph.box
    other = {"mailbox": "CRM@acme.test"}
    await mailbox("The same", graph=other, senderEmails=["support@acme.test"])

    for sender in ("sales@acme.test", "support@acme.test"):
        await dispatched({"senderEmail": sender}, over=over_graph)

    assert len(graph.box.sent) == 2
    assert await Pace.count() == 1


@pytest.mark.parametrize("fault", [SEND_AS_DENIED, replace(BROKEN, on="POST /v1.0/users")])
async def test_while_the_mailbox_is_refused_another_account_carries_it(
    over_graph: Deps,
    mailbox: Account,
    account: Account,
    dispatched: Send,
    graph: FakeGraph,
    relay: Relay,
    clock: Clock,
    delivery_of: DeliveryOf,
    fault: Fault,
) -> None:
    spare = await account("Spare", port=relay.port)
    await mailbox(fallbackId=str(spare.id), senderEmails=["sales@acme.test"])
    graph.always = replace(fault, on=fault.on or "/send")

    accepted = await dispatched({"senderEmail": "sales@acme.test"}, over=over_graph)
    assert relay.taken == []
    clock.advance(LATER)
    await delivery.deliver(over_graph, str((await delivery_of(accepted.id)).id))

    assert len(relay.taken) == 1
    assert graph.box.items == {}


async def test_what_may_be_out_stays_with_the_mailbox(
    over_graph: Deps,
    mailbox: Account,
    account: Account,
    dispatched: Send,
    graph: FakeGraph,
    relay: Relay,
    clock: Clock,
    delivery_of: DeliveryOf,
    stored: Stored,
) -> None:
    spare = await account("Spare", port=relay.port)
    await mailbox(fallbackId=str(spare.id), senderEmails=["sales@acme.test"])
    graph.faults = [SENT_AND_DROPPED]
    accepted = await dispatched({"senderEmail": "sales@acme.test"}, over=over_graph)
    graph.always = BROKEN
    for _ in range(2):
        clock.advance(LATER)
        await delivery.deliver(over_graph, str((await delivery_of(accepted.id)).id))
    assert (await stored(accepted.id)).status is CommunicationStatus.PENDING

    graph.always = None
    clock.advance(LATER)
    await delivery.deliver(over_graph, str((await delivery_of(accepted.id)).id))

    assert (await stored(accepted.id)).status is CommunicationStatus.SENT
    assert len(graph.box.sent) == 1
    assert relay.taken == []
