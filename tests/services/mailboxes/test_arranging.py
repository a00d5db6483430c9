"""Accounts that begin to receive, change, cease to and go; and workers that are cut off."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.base import StoreUnavailableError
from app.documents.inbound_messages import InboundMessage
from app.documents.mailbox_subscriptions import LostLeaseError, MailboxSubscription
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import EventVerdict, ReceivingState
from app.errors import ConflictError, InvalidInputError
from app.queue import JobQueue
from app.services import delivery, provider_accounts
from app.services.account_commands import CreateProviderAccount, UpdateProviderAccount
from app.services.inputs import parse
from app.services.mailboxes import arranging, attending
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import BROKEN, NEVER_ANSWERED
from tests.fakes.graph_mailbox import Mailbox
from tests.fakes.messages import message
from tests.world import GRAPH

Keep = Callable[..., Awaitable[ProviderAccount]]
Change = Callable[..., Awaitable[ProviderAccount]]
Attend = Callable[..., Awaitable[MailboxSubscription]]
Work = Callable[..., Awaitable[list[ProviderEvent]]]
Queued = Callable[[], Awaitable[dict[str, float]]]


async def test_an_account_that_receives_is_looked_after_from_then_on(
    keep: Keep, queued: Queued, clock: Clock
) -> None:
    account = await keep()

    mailbox = await MailboxSubscription.of_account(account.id)
    assert account.graph is not None
    assert (account.graph.receives_mail, account.graph.receives_since) == (True, clock.now())
    assert mailbox is not None
    assert (mailbox.tenant_id, mailbox.since, mailbox.due_at) == (
        "acme",
        clock.now(),
        clock.now(),
    )
    assert mailbox.state is ReceivingState.PENDING
    assert list(await queued()) == [f"mailbox:{account.id}:0"]


async def test_an_account_that_only_sends_is_not_looked_after(
    keep: Keep, change: Change, over: Deps, queued: Queued
) -> None:
    account = await keep(receivesMail=False)
    await change(account, clientSecret="another")
    await arranging.reconcile(over)

    assert await MailboxSubscription.count() == 0
    assert await queued() == {}


async def test_told_to_receive_it_begins_then(
    keep: Keep, change: Change, attend: Attend, work: Work, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep(receivesMail=False)
    graph.box.receive("<1@b.test>", message("<1@b.test>"))
    clock.advance(timedelta(hours=1))

    changed = await change(account, receivesMail=True)
    graph.box.receive("<2@b.test>", message("<2@b.test>"), received="2100-11-24T10:30:00Z")
    await attend(account)
    await work()

    assert changed.graph is not None
    assert changed.graph.receives_since == clock.now()
    assert [one.internet_message_id for one in await InboundMessage.newest("acme", None, 9)] == [
        "<2@b.test>"
    ]


async def test_mail_of_an_earlier_time_can_be_asked_for_later(
    keep: Keep, change: Change, attend: Attend, work: Work, graph: FakeGraph, clock: Clock
) -> None:
    graph.box.receive("<1@b.test>", message("<1@b.test>"), received="2100-11-20T09:30:00Z")
    account = await keep()
    first = await attend(account)

    await change(account, receivesSince="2100-11-19T00:00:00Z")
    mailbox = await attend(account)
    await work()

    assert await InboundMessage.count() == 1
    assert mailbox.subscription_id == first.subscription_id
    assert mailbox.since < first.since


async def test_a_change_of_something_else_leaves_the_time(
    keep: Keep, change: Change, clock: Clock
) -> None:
    account = await keep()
    began = clock.now()
    clock.advance(timedelta(days=1))

    changed = await change(account, clientSecret="another")

    assert changed.graph is not None
    assert changed.graph.receives_since == began


@pytest.mark.parametrize("since", ["2100-11-24T09:30:00.001Z", "2999-01-01"])
async def test_a_time_that_is_not_yet_is_refused(
    keep: Keep,
    change: Change,
    footprint: Callable[[], Awaitable[dict[str, Any]]],
    since: str,
) -> None:
    account = await keep()
    before = await footprint()

    for attempt in (keep("Other", receivesSince=since), change(account, receivesSince=since)):
        with pytest.raises(InvalidInputError) as refused:
            await attempt
        assert refused.value.detail == "graph.receivesSince: must not be in the future"
    assert await footprint() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("receivesMail", "perhaps"), ("receivesMail", None), ("receivesSince", "yesterday")],
)
def test_a_wrong_field_is_named(field: str, value: object) -> None:
    for command in (CreateProviderAccount, UpdateProviderAccount):
        with pytest.raises(InvalidInputError) as refused:
            parse(command, {"name": "Box", "graph": {**GRAPH, field: value}})
        assert [fault.path for fault in refused.value.fields] == [f"graph.{field}"]


async def test_another_mailbox_begins_anew(
    keep: Keep, change: Change, attend: Attend, work: Work, graph: FakeGraph, clock: Clock
) -> None:
    graph.mailboxes["sales@acme.test"] = Mailbox("sales@acme.test")
    account = await keep()
    first = await attend(account)
    clock.advance(timedelta(hours=1))

    await change(account, mailbox="sales@acme.test")
    graph.mailboxes["sales@acme.test"].receive(
        "<1@b.test>", message("<1@b.test>"), received="2100-11-24T10:30:00Z"
    )
    mailbox = await attend(account)
    await work()

    assert mailbox.subscription_id == graph.subscriptions.only["id"] != first.subscription_id
    resource = "users/sales@acme.test/mailFolders('inbox')/messages"
    assert graph.subscriptions.only["resource"] == resource
    assert mailbox.since == clock.now()
    [kept] = await InboundMessage.newest("acme", None, 9)
    assert kept.graph_mailbox == "sales@acme.test"


async def test_another_application_ends_what_the_old_one_subscribed(
    keep: Keep, change: Change, attend: Attend, graph: FakeGraph
) -> None:
    account = await keep()
    await attend(account)
    assert len(graph.subscriptions.kept) == 1

    await change(account, clientId="0f3b5e9a-0000-4000-8000-00000000000b")

    assert graph.subscriptions.kept == {}
    mailbox = await attend(account)
    assert mailbox.state is ReceivingState.FAULTY
    assert mailbox.read_fault is not None
    assert mailbox.read_fault.startswith("Microsoft's login refused our credentials: 400")


async def test_a_secret_that_was_wrong_and_is_mended_is_tried_at_once(
    keep: Keep, change: Change, attend: Attend, clock: Clock
) -> None:
    account = await keep(clientSecret="wrong")
    faulty = await attend(account)
    assert faulty.read_fault is not None
    assert "AADSTS7000215" in faulty.read_fault
    assert "wrong" not in faulty.read_fault

    await change(account, clientSecret="right-secret")

    mailbox = await attend(account)
    assert mailbox.state is ReceivingState.ACTIVE
    assert (mailbox.read_fault, mailbox.notice_fault) == (None, None)


async def test_a_good_test_of_the_account_has_it_looked_into_at_once(
    over: Deps,
    caller: Caller,
    keep: Keep,
    attend: Attend,
    work: Work,
    graph: FakeGraph,
    clock: Clock,
) -> None:
    account = await keep()
    await attend(account)
    clock.advance(timedelta(minutes=1))
    graph.box.receive("<1@b.test>", message("<1@b.test>"))

    assert (await provider_accounts.try_out(over, caller, str(account.id))).ok
    await attend(account)
    await work()

    assert await InboundMessage.count() == 1


async def test_told_to_receive_no_more_the_subscription_ends(
    over: Deps, keep: Keep, change: Change, attend: Attend, graph: FakeGraph
) -> None:
    account = await keep()
    await attend(account)

    await change(account, receivesMail=False)
    await attending.attend(over, str(account.id))

    assert graph.subscriptions.kept == {}
    assert await MailboxSubscription.count() == 0


async def test_told_to_receive_no_more_nothing_comes_in(
    over: Deps, keep: Keep, change: Change, attend: Attend, work: Work, graph: FakeGraph
) -> None:
    account = await keep()
    await attend(account)
    told, later = [
        graph.box.receive(f"<{number}@b.test>", message(f"<{number}@b.test>"))
        for number in range(2)
    ]
    await graph.subscriptions.notify(told)

    await change(account, receivesMail=False)
    assert await graph.subscriptions.notify(later) == [202]
    [event] = await work()

    assert event.verdict is EventVerdict.NO_MOVE
    assert event.reason == "the account receives no mail any more"
    assert await InboundMessage.count() == 0


async def test_changed_while_a_worker_has_it_it_is_done_once_more_after_that(
    over: Deps, keep: Keep, change: Change, clock: Clock, graph: FakeGraph
) -> None:
    account = await keep()
    until = clock.now() + over.settings.lease
    held = await MailboxSubscription.claim(str(account.id), lease="x", now=clock.now(), until=until)
    assert held is not None

    await change(account, receivesMail=False)
    assert (await held.extend(until)).due_at == until
    await held.has_read(clock.now(), again_at=clock.now() + timedelta(hours=1))
    released = await held.release()

    assert released is not None
    assert (released.due_at, released.lease, released.wanted_at) == (clock.now(), None, None)
    await attending.attend(over, str(account.id))
    assert await MailboxSubscription.count() == 0


async def test_deleted_while_its_subscription_is_made_it_leaves_none(
    over: Deps, caller: Caller, keep: Keep, graph: FakeGraph
) -> None:
    account = await keep()
    graph.subscriptions.slow = asyncio.Event()
    job = asyncio.create_task(attending.attend(over, str(account.id)))
    async with asyncio.timeout(10):
        while not graph.subscriptions.kept:  # noqa: ASYNC110 - made by the job
            await asyncio.sleep(0.01)

    await provider_accounts.delete(over, caller, str(account.id))
    graph.subscriptions.slow.set()
    await job

    assert graph.subscriptions.kept == {}
    assert await MailboxSubscription.count() == 0


async def test_a_subscription_that_cannot_be_ended_now_is_ended_later(
    over: Deps, keep: Keep, change: Change, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    await attend(account)
    graph.always = replace(BROKEN, on="DELETE")
    await change(account, receivesMail=False)
    left = await attend(account)
    assert left.due_at == clock.now() + timedelta(minutes=15)
    graph.always = None
    clock.advance(timedelta(minutes=15))

    await attending.attend(over, str(account.id))

    assert graph.subscriptions.kept == {}
    assert await MailboxSubscription.count() == 0


async def test_one_that_has_ended_by_itself_is_forgotten(
    over: Deps, keep: Keep, change: Change, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    await attend(account)
    await change(account, receivesMail=False)
    graph.always = replace(BROKEN, on="DELETE")
    clock.advance(timedelta(days=8))

    await attending.attend(over, str(account.id))

    assert await MailboxSubscription.count() == 0


async def test_with_its_account_the_subscription_goes(
    over: Deps, caller: Caller, keep: Keep, attend: Attend, graph: FakeGraph
) -> None:
    account = await keep()
    await attend(account)

    await provider_accounts.delete(over, caller, str(account.id))

    assert graph.subscriptions.kept == {}
    assert await MailboxSubscription.count() == 0


@pytest.mark.parametrize("fault", [BROKEN, NEVER_ANSWERED])
async def test_an_account_is_deleted_though_graph_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
    over: Deps,
    caller: Caller,
    keep: Keep,
    attend: Attend,
    graph: FakeGraph,
    fault: Any,
) -> None:
    monkeypatch.setattr(arranging, "FAREWELL", timedelta(seconds=0.3))
    account = await keep()
    await attend(account)
    graph.always = replace(fault, on="DELETE")

    await provider_accounts.delete(over, caller, str(account.id))

    assert await ProviderAccount.count() == 0
    assert await MailboxSubscription.count() == 0


async def test_an_account_that_may_not_be_deleted_keeps_its_subscription(
    over: Deps, caller: Caller, keep: Keep, attend: Attend, graph: FakeGraph
) -> None:
    account = await keep()
    await keep("Other", receivesMail=False)
    await attend(account)

    with pytest.raises(ConflictError):
        await provider_accounts.delete(over, caller, str(account.id))

    assert len(graph.subscriptions.kept) == 1


async def test_a_mailbox_of_an_account_that_is_gone_is_forgotten(over: Deps, keep: Keep) -> None:
    account = await keep()
    await ProviderAccount.find_all().delete()

    await attending.attend(over, str(account.id))

    assert await MailboxSubscription.count() == 0


async def test_a_mailbox_that_nobody_looks_after_is_found_again(
    over: Deps, keep: Keep, attend: Attend, queued: Queued
) -> None:
    account = await keep()
    await keep("Sends only", receivesMail=False)
    await MailboxSubscription.find_all().delete()

    await arranging.reconcile(over)
    await arranging.reconcile(over)

    assert await MailboxSubscription.count() == 1
    assert (await attend(account)).state is ReceivingState.ACTIVE


async def test_the_sweep_wakes_workers_for_mailboxes_that_are_due(
    over: Deps, keep: Keep, attend: Attend, queued: Queued, clock: Clock
) -> None:
    account = await keep()
    mailbox = await attend(account)
    before = set(await queued())

    await delivery.sweep(over)
    assert set(await queued()) == before
    clock.advance(mailbox.due_at - clock.now())
    await delivery.sweep(over)

    assert set(await queued()) - before == {f"mailbox:{account.id}:1"}


async def test_a_worker_that_died_holds_nothing_up(
    over: Deps, keep: Keep, attend: Attend, clock: Clock
) -> None:
    account = await keep()
    until = clock.now() + over.settings.lease
    dead = await MailboxSubscription.claim(
        str(account.id), lease="dead", now=clock.now(), until=until
    )
    assert dead is not None
    await attending.attend(over, str(account.id))
    held = await MailboxSubscription.of_account(account.id)
    assert held == dead
    clock.advance(over.settings.lease)

    mailbox = await attend(account)

    assert (mailbox.claims, mailbox.state) == (2, ReceivingState.ACTIVE)
    with pytest.raises(LostLeaseError):
        await dead.follow("a link that is not any more")


@pytest.mark.parametrize("id_", ["nonsense", "6b050e9454d4a1b9322b3eaa"])
async def test_what_is_no_mailbox_is_left_alone(over: Deps, id_: str) -> None:
    await attending.attend(over, id_)

    assert await MailboxSubscription.count() == 0


async def test_a_fault_of_ours_is_told_and_come_back_from(
    over: Deps,
    keep: Keep,
    attend: Attend,
    graph: FakeGraph,
    clock: Clock,
    failing_queue: Callable[[Exception], JobQueue],
) -> None:
    account = await keep()
    graph.box.receive("<1@b.test>", message("<1@b.test>"))
    queue = failing_queue(ZeroDivisionError("secret words"))

    broken = await attend(account, at=replace(over, queue=queue))

    assert broken.read_fault == "it could not be looked into"
    assert broken.due_at == clock.now() + timedelta(minutes=1)
    clock.advance(timedelta(minutes=1))
    assert (await attend(account)).state is ReceivingState.ACTIVE


async def test_while_mongodb_is_away_the_mailbox_waits_for_the_end_of_its_lease(
    over: Deps,
    keep: Keep,
    attend: Attend,
    graph: FakeGraph,
    clock: Clock,
    failing_queue: Callable[[Exception], JobQueue],
) -> None:
    account = await keep()
    graph.box.receive("<1@b.test>", message("<1@b.test>"))
    queue = failing_queue(StoreUnavailableError("no primary"))

    await attending.attend(replace(over, queue=queue), str(account.id))

    left = await MailboxSubscription.of_account(account.id)
    assert left is not None
    assert (left.read_fault, left.due_at) == (None, clock.now() + over.settings.lease)
    clock.advance(over.settings.lease)
    assert (await attend(account)).state is ReceivingState.ACTIVE


async def test_a_worker_keeps_what_it_holds_for_as_long_as_it_takes(
    over: Deps, keep: Keep, graph: FakeGraph, clock: Clock
) -> None:
    graph.faults = [replace(NEVER_ANSWERED, on="/messages/delta")]
    account = await keep()
    hasty = over.settings.model_copy(update={"lease": timedelta(seconds=0.3)})
    job = asyncio.create_task(attending.attend(replace(over, settings=hasty), str(account.id)))
    until = clock.now() + timedelta(hours=1)

    async with asyncio.timeout(10):
        while not any(call.endswith("/delta") for call in graph.calls()):  # noqa: ASYNC110 - it is in the job's hands by then
            await asyncio.sleep(0.01)
        clock.advance(timedelta(hours=1))
        held = None
        while held is None or held.due_at < until:
            held = await MailboxSubscription.of_account(account.id)
            await asyncio.sleep(0.01)
    graph.stopped.set()
    await job

    assert held.lease is not None
