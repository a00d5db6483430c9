"""What Graph tells of a mailbox: messages taken in once, and what becomes of the subscription."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import CommunicationStatus, EventVerdict
from app.services import delivery
from app.services.mailboxes import attending
from tests.fakes import reports
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import NOT_GRANTED
from tests.fakes.graph_mailbox import Item
from tests.fakes.messages import message

Keep = Callable[..., Awaitable[ProviderAccount]]
Attend = Callable[..., Awaitable[MailboxSubscription]]
Work = Callable[..., Awaitable[list[ProviderEvent]]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
async def account(keep: Keep, attend: Attend, graph: FakeGraph) -> ProviderAccount:
    """An account whose mailbox Graph tells of."""
    made = await keep()
    await attend(made)
    graph.asked.clear()
    return made


@pytest.fixture
def arrive(graph: FakeGraph) -> Callable[..., Item]:
    def come(number: int = 1, **changes: Any) -> Item:
        id_ = f"<{number}@customer.test>"
        return graph.box.receive(id_, message(id_), **changes)

    return come


async def test_what_graph_tells_of_is_taken_in(
    account: ProviderAccount, arrive: Callable[..., Item], work: Work, graph: FakeGraph
) -> None:
    item = arrive()

    answers = await graph.subscriptions.notify(item)
    [event] = await work()

    assert answers == [202]
    assert (event.verdict, event.event_id) == (EventVerdict.APPLIED, f"message:{item.id}")
    [kept] = await InboundMessage.newest("acme", None, 2)
    assert (kept.id, kept.graph_message_id) == (event.inbound_id, item.id)
    assert b"clientState" not in event.raw


async def test_told_again_out_of_order_and_found_by_looking_it_is_fetched_once(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    attend: Attend,
    work: Work,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    first, second = arrive(1), arrive(2)
    for item in (second, first, second):
        await graph.subscriptions.notify(item, times=2)
    await work()
    clock.advance(timedelta(minutes=17))
    await attend(account)
    await graph.subscriptions.notify(first)

    events = await work()

    assert len(events) == 2
    assert await InboundMessage.count() == 2
    assert sum(call.endswith("$value") for call in graph.calls()) == 2


async def test_found_by_looking_and_told_later_it_is_fetched_once(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    attend: Attend,
    work: Work,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    item = arrive()
    clock.advance(timedelta(minutes=17))
    await attend(account)
    await work()

    await graph.subscriptions.notify(item)

    [event] = await work()
    assert event.claims == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"clientState": "guessed"},
        {"clientState": ""},
        {"clientState": None},
        {"clientState": ["x"]},
        {"subscriptionId": "another"},
        {"subscriptionId": None},
    ],
)
async def test_what_is_not_of_our_subscription_is_dropped_and_answered_as_any(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    graph: FakeGraph,
    footprint: Footprint,
    changes: dict[str, Any],
) -> None:
    item = arrive()
    before = await footprint()

    answers = await graph.subscriptions.notify(item, **changes)

    assert answers == [202]
    assert await footprint() == before


async def test_the_stored_digest_proves_nothing(
    account: ProviderAccount, arrive: Callable[..., Item], graph: FakeGraph
) -> None:
    mailbox = await MailboxSubscription.of_account(account.id)
    assert mailbox is not None

    await graph.subscriptions.notify(arrive(), clientState=mailbox.client_state)

    assert await ProviderEvent.count() == 0


async def test_what_comes_while_the_subscription_is_made_counts(
    account: ProviderAccount, arrive: Callable[..., Item], graph: FakeGraph
) -> None:
    """Its id is not known yet: Graph may tell of mail before its answer is here."""
    await MailboxSubscription.find_all().update({"$unset": {"subscriptionId": ""}})

    await graph.subscriptions.notify(arrive())

    assert await ProviderEvent.count() == 1


async def test_many_come_together_and_are_kept_at_once(
    account: ProviderAccount,
    anonymous: httpx2.AsyncClient,
    queued: Callable[[], Awaitable[dict[str, float]]],
    graph: FakeGraph,
) -> None:
    one = graph.subscriptions.only
    told = [
        {
            "subscriptionId": one["id"],
            "clientState": one["clientState"],
            "changeType": "created",
            "resourceData": {"id": f"AA{number % 500}"},
        }
        for number in range(1000)
    ]

    response = await anonymous.post(f"/api/v1/webhooks/graph/{account.id}", json={"value": told})

    assert response.status_code == 202
    assert await ProviderEvent.count() == 500
    assert len(await queued()) == 20, "the sweep wakes workers for the others"


@pytest.mark.parametrize("where", ["draft", "sent items"])
async def test_what_the_mailbox_wrote_does_not_come_in(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    work: Work,
    graph: FakeGraph,
    where: str,
) -> None:
    item = arrive()
    item.is_draft = where == "draft"
    item.folder = "drafts" if where == "draft" else "sentitems"

    await graph.subscriptions.notify(item)

    [event] = await work()
    assert (event.verdict, event.reason) == (EventVerdict.NO_MOVE, "the mailbox wrote it")
    assert await InboundMessage.count() == 0


async def test_a_copy_of_our_own_mail_does_not_come_in_as_received(
    over: Deps,
    account: ProviderAccount,
    send: Callable[..., Awaitable[Communication]],
    work: Work,
    graph: FakeGraph,
) -> None:
    record = await send({"recipients": ["jan@customer.test", "crm@acme.test"]}, over=over)
    await delivery.dispatch(over, str(record.id))
    [sent] = graph.box.sent
    copy = graph.box.receive(
        sent.item.message_id, message(sent.item.message_id), sender="CRM@acme.test"
    )
    unknown = graph.box.receive(
        "<own@acme.test>", message("<own@acme.test>"), sender="crm@acme.test"
    )

    for item in (copy, unknown):
        await graph.subscriptions.notify(item)
    events = await work()

    told = {event.event_id: (event.verdict, event.reason) for event in events}
    assert told == {
        f"message:{copy.id}": (EventVerdict.NO_MOVE, "it is a copy of mail that we sent"),
        f"message:{unknown.id}": (EventVerdict.APPLIED, None),
    }


async def test_a_message_that_is_gone_is_no_news(
    account: ProviderAccount, arrive: Callable[..., Item], work: Work, graph: FakeGraph
) -> None:
    item = arrive()
    await graph.subscriptions.notify(item)
    del graph.box.items[item.id]

    [event] = await work()

    assert (event.verdict, event.reason, event.due_at) == (
        EventVerdict.NO_MOVE,
        "the message is gone from the mailbox",
        None,
    )


async def test_a_message_that_was_moved_is_taken_in(
    account: ProviderAccount, arrive: Callable[..., Item], work: Work, graph: FakeGraph
) -> None:
    item = arrive()
    await graph.subscriptions.notify(item)
    item.folder = "archive"

    [event] = await work()

    assert event.verdict is EventVerdict.APPLIED


async def test_a_bounce_in_the_inbox_moves_the_record(
    over: Deps,
    account: ProviderAccount,
    send: Callable[..., Awaitable[Communication]],
    stored: Callable[[PydanticObjectId], Awaitable[Communication]],
    work: Work,
    graph: FakeGraph,
) -> None:
    record = await send({}, over=over)
    await delivery.dispatch(over, str(record.id))
    [sent] = graph.box.sent
    report = reports.office365(sent.item.message_id)
    item = graph.box.receive("<ndr@acme.test>", report, sender="postmaster@acme.test")

    await graph.subscriptions.notify(item)
    await work()
    await work()

    assert (await stored(record.id)).status is CommunicationStatus.BOUNCED


async def test_a_busy_mailbox_is_come_back_to(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    work: Work,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    graph.at_once = 0
    await graph.subscriptions.notify(arrive())

    [event] = await work()
    assert (event.verdict, event.faults) == (None, 1)
    graph.at_once = 4
    clock.advance(timedelta(minutes=1))
    [event] = await work()

    assert event.verdict is EventVerdict.APPLIED


async def test_a_permission_that_lacks_loses_no_mail(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    work: Work,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    graph.always = replace(NOT_GRANTED, on="/messages/")
    await graph.subscriptions.notify(arrive())
    for _ in range(15):
        [event] = await work()
        clock.advance(timedelta(hours=1))
    assert event.verdict is None
    graph.always = None

    [event] = await work()

    assert event.verdict is EventVerdict.APPLIED


async def test_asked_to_prove_itself_again_the_subscription_is_renewed(
    account: ProviderAccount, work: Work, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    clock.advance(timedelta(minutes=1))

    assert await graph.subscriptions.tell_life("reauthorizationRequired") == 202
    [event] = await work()
    before = len(graph.asked)
    mailbox = await attend(account)

    assert (event.verdict, event.kind) == (EventVerdict.APPLIED, "reauthorizationRequired")
    assert graph.calls()[before:] == [f"PATCH /v1.0/subscriptions/{mailbox.subscription_id}"]


async def test_a_subscription_that_graph_removed_is_made_anew(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    work: Work,
    attend: Attend,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    first = graph.subscriptions.only
    arrive()
    clock.advance(timedelta(minutes=1))

    assert await graph.subscriptions.tell_life("subscriptionRemoved") == 202
    await work()
    mailbox = await attend(account)
    await work()

    assert mailbox.subscription_id == graph.subscriptions.only["id"] != first["id"]
    assert await InboundMessage.count() == 1
    mailbox = await attend(account)
    # Told once more of the old one, nothing happens to the new one.
    await graph.subscriptions.tell_life("subscriptionRemoved", first)
    await work()
    assert await MailboxSubscription.of_account(account.id) == mailbox


async def test_what_graph_missed_to_tell_is_looked_for(
    account: ProviderAccount,
    arrive: Callable[..., Item],
    work: Work,
    attend: Attend,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    arrive()
    clock.advance(timedelta(minutes=1))

    assert await graph.subscriptions.tell_life("missed") == 202
    await work()
    await attend(account)
    await work()

    assert await InboundMessage.count() == 1
    assert not any("/subscriptions" in call for call in graph.calls())


async def test_while_a_worker_has_the_mailbox_what_is_told_waits(
    over: Deps,
    account: ProviderAccount,
    arrive: Callable[..., Item],
    work: Work,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    clock.advance(timedelta(minutes=17))
    held = await MailboxSubscription.claim(
        str(account.id), lease="other", now=clock.now(), until=clock.now() + timedelta(seconds=30)
    )
    assert held is not None
    arrive()

    await graph.subscriptions.tell_life("missed")
    [event] = await work()
    assert (event.verdict, event.faults) == (None, 0)
    assert event.due_at == clock.now() + timedelta(seconds=5)
    await attending.attend(over, str(account.id))
    assert await ProviderEvent.count() == 1, "it is in other hands"
    await held.release()
    clock.advance(timedelta(seconds=5))
    [event] = await work()

    assert event.verdict is EventVerdict.APPLIED
