"""Looking into an Inbox: what came is fetched once, whatever happened on the way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import AnyHttpUrl

from app.context import Deps
from app.documents.inbound_messages import InboundMessage
from app.documents.mailbox_subscriptions import MailboxSubscription
from app.documents.paces import Pace, take_place
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import ReceivingState
from app.services.event_processing import process
from app.services.mailboxes import catching_up
from app.services.pacing import MAILBOX
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import (
    BROKEN,
    BUSY,
    CONCURRENCY,
    DROPPED,
    HTML,
    LOST_STATE,
    NOT_GRANTED,
    Fault,
)
from tests.fakes.messages import message

Keep = Callable[..., Awaitable[ProviderAccount]]
Attend = Callable[..., Awaitable[MailboxSubscription]]
Work = Callable[..., Awaitable[list[ProviderEvent]]]
DELTA = "/messages/delta"
LATER = timedelta(hours=1)


@pytest.fixture
def over(over: Deps) -> Deps:
    """No https: all that comes in is what was looked for."""
    settings = over.settings.model_copy(update={"public_url": AnyHttpUrl("http://localhost:18080")})
    return replace(over, settings=settings)


@pytest.fixture
def arrive(graph: FakeGraph) -> Callable[..., None]:
    """Has mails of these numbers come into the Inbox."""

    def come(*numbers: int, received: str = "2100-11-24T09:30:00Z") -> None:
        for number in numbers:
            id_ = f"<{number}@customer.test>"
            graph.box.receive(id_, message(id_), received=received)

    return come


async def received() -> list[str]:
    return sorted(
        str(one.internet_message_id) for one in await InboundMessage.newest("acme", None, 100)
    )


async def test_what_came_since_the_account_receives_is_taken_in(
    keep: Keep,
    attend: Attend,
    work: Work,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    arrive(1, received="2100-11-24T09:29:59Z")
    account = await keep()
    arrive(2, 3)

    mailbox = await attend(account)
    await work()

    assert await received() == ["<2@customer.test>", "<3@customer.test>"]
    assert (mailbox.read_at, mailbox.read_faults) == (clock.now(), 0)
    assert graph.inboxes.preferred == ['IdType="ImmutableId", odata.maxpagesize=200']
    after = await MailboxSubscription.of_account(account.id)
    assert after is not None
    assert after.last_received_at == clock.now()


async def test_mail_of_an_earlier_time_is_taken_in_where_that_is_asked_for(
    keep: Keep, attend: Attend, work: Work, arrive: Callable[..., None]
) -> None:
    arrive(1, received="2100-11-20T09:00:00Z")
    arrive(2, received="2100-11-22T09:00:00Z")
    account = await keep(receivesSince="2100-11-21T00:00:00+01:00")

    await attend(account)
    await work()

    assert await received() == ["<2@customer.test>"]


async def test_what_is_known_of_it_stands_on_the_message(
    keep: Keep,
    attend: Attend,
    work: Work,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    account = await keep()
    arrive(1, received="2100-11-24T09:31:00.1234567Z")
    clock.advance(timedelta(minutes=2))

    await attend(account)
    await work()

    [item] = graph.box.items.values()
    [kept] = await InboundMessage.newest("acme", None, 2)
    assert (kept.graph_message_id, kept.graph_conversation_id) == (item.id, item.conversation_id)
    assert kept.graph_mailbox == "crm@acme.test"
    assert kept.received_at == clock.now() - timedelta(seconds=59, milliseconds=877)
    assert kept.envelope_recipients == ["crm@acme.test"]
    assert kept.provider_account_id == account.id
    assert kept.created_by == f"account:{account.id}"


async def test_the_next_look_tells_what_came_since_only(
    keep: Keep,
    attend: Attend,
    work: Work,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    account = await keep()
    arrive(1)
    first = await attend(account)
    await work()
    before = len(graph.asked)

    arrive(2)
    assert first.due_at <= clock.now() + timedelta(seconds=66)
    clock.advance(timedelta(seconds=66))
    await attend(account)
    asked = graph.calls()[before:]
    await work()

    assert asked == ["GET /v1.0/users/crm%40acme.test/mailFolders/inbox/messages/delta"]
    assert await received() == ["<1@customer.test>", "<2@customer.test>"]


@pytest.mark.parametrize("interval", [("told", 900), ("not told", 60)])
async def test_it_is_looked_into_less_often_while_graph_tells(
    over: Deps, keep: Keep, attend: Attend, clock: Clock, interval: tuple[str, int]
) -> None:
    how, seconds = interval
    url = "https://mail.example.test" if how == "told" else "http://mail.example.test"
    settings = over.settings.model_copy(update={"public_url": AnyHttpUrl(url)})

    mailbox = await attend(await keep(), at=replace(over, settings=settings))

    wait = (mailbox.poll_at - clock.now()).total_seconds()
    assert seconds * 0.9 <= wait <= seconds * 1.1
    assert mailbox.due_at == mailbox.poll_at


async def test_pages_are_followed_and_what_they_repeat_is_fetched_once(
    keep: Keep, attend: Attend, work: Work, arrive: Callable[..., None], graph: FakeGraph
) -> None:
    graph.inboxes.size, graph.inboxes.repeats, graph.inboxes.empty_first = 2, True, True
    account = await keep()
    arrive(*range(5))

    await attend(account)
    events = await work()

    assert len(events) == 5
    assert await received() == [f"<{number}@customer.test>" for number in range(5)]
    assert sum(call.endswith("/$value") for call in graph.calls()) == 5


async def test_cut_off_between_two_pages_it_goes_on_there(
    keep: Keep,
    attend: Attend,
    work: Work,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    graph.inboxes.size = 2
    account = await keep()
    arrive(*range(4))
    graph.faults = [replace(BROKEN, on="skiptoken")]

    broken = await attend(account)
    assert (broken.state, broken.read_at) == (ReceivingState.FAULTY, None)
    assert broken.read_fault is not None
    assert "Microsoft Graph failed: 500" in broken.read_fault
    clock.advance(broken.due_at - clock.now())
    mended = await attend(account)
    await work()

    assert await received() == [f"<{number}@customer.test>" for number in range(4)]
    assert (mended.read_fault, mended.read_faults) == (None, 0)
    assert len(graph.inboxes.preferred) == 2, "the first page was asked for twice"


async def test_a_long_backlog_is_read_in_turns(
    monkeypatch: pytest.MonkeyPatch,
    keep: Keep,
    attend: Attend,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    monkeypatch.setattr(catching_up, "PAGES", 2)
    graph.inboxes.size = 1
    account = await keep()
    arrive(*range(3))

    first = await attend(account)
    # Not before those two can have been fetched.
    assert (first.read_at, first.due_at) == (None, clock.now() + timedelta(seconds=0.1))
    clock.advance(timedelta(seconds=0.1))
    second = await attend(account)

    assert second.read_at == clock.now()
    assert await ProviderEvent.count() == 3


@pytest.mark.parametrize(
    "fault",
    [
        LOST_STATE,
        Fault(410, body="gone"),
        Fault(400, "SyncStateNotFound", "The sync state generation is not found."),
        Fault(400, "resyncRequired", "Resync required."),
    ],
)
async def test_where_graph_forgot_the_place_it_looks_again_and_takes_nothing_twice(
    keep: Keep,
    attend: Attend,
    work: Work,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
    fault: Fault,
) -> None:
    account = await keep()
    arrive(1)
    await attend(account)
    await work()
    clock.advance(timedelta(days=30))
    await ProviderEvent.find_all().delete()
    arrive(2, received="2100-12-24T09:30:00Z")
    graph.faults = [replace(fault, on=DELTA)]
    before = len(graph.asked)

    mailbox = await attend(account)
    events = await work()

    assert mailbox.state is ReceivingState.FAULTY, "for want of https"
    assert (mailbox.read_fault, mailbox.read_at) == (None, clock.now())
    assert await received() == ["<1@customer.test>", "<2@customer.test>"]
    assert len(events) == 1
    assert (
        graph.calls()[before:].count(f"GET /v1.0/users/crm%40acme.test/mailFolders/inbox{DELTA}")
        == 2
    )


async def test_a_place_that_is_forgotten_again_and_again_is_a_fault(
    keep: Keep, attend: Attend, graph: FakeGraph
) -> None:
    graph.always = replace(LOST_STATE, on=DELTA)

    mailbox = await attend(await keep())

    assert [call.endswith(DELTA) for call in graph.calls()[-2:]] == [True, True]
    assert (mailbox.read_faults, mailbox.read_at) == (1, None)


async def test_a_place_that_is_forgotten_after_each_page_is_a_fault(
    keep: Keep, attend: Attend, arrive: Callable[..., None], graph: FakeGraph
) -> None:
    graph.inboxes.size = 1
    account = await keep()
    arrive(1, 2, 3)
    graph.faults = [replace(LOST_STATE, on="skiptoken")] * 9

    mailbox = await attend(account)

    assert (mailbox.read_faults, mailbox.read_at, mailbox.link) == (1, None, None)
    assert len(graph.inboxes.preferred) == 2


async def test_faults_with_pages_between_them_are_not_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
    keep: Keep,
    attend: Attend,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    monkeypatch.setattr(catching_up, "PAGES", 1)
    graph.inboxes.size = 1
    account = await keep()
    arrive(*range(6))
    waited = []
    for _ in range(3):
        mailbox = await attend(account)
        assert (mailbox.read_fault, mailbox.read_faults) == (None, 0)
        clock.advance(mailbox.due_at - clock.now())
        graph.faults = [replace(BROKEN, on=DELTA)]
        mailbox = await attend(account)
        waited.append(mailbox.due_at - clock.now())
        clock.advance(waited[-1])

    assert waited == [timedelta(seconds=15)] * 3


@pytest.mark.parametrize(
    "link",
    [
        "https://elsewhere.test/v1.0/users/x/messages/delta?$deltatoken=1",
        "//elsewhere.test/v1.0/x",
        "http://user:secret@{host}/v1.0/users/x",
        "http://{host}/beta/users/x",
        "http://{host}/v1.0/../beta/users",
        "http://{host}/v1.0/%2e%2e/beta",
        "http://{host}.evil.test/v1.0/x",
        "http://{host}/v1.0evil/x",
        "file:///etc/passwd",
        "http://{host}/v1.0/" + "x" * 20_000,
        "http://[",
        "/mailFolders/inbox/messages/delta",
    ],
)
async def test_a_link_that_leads_elsewhere_is_not_followed(
    keep: Keep,
    attend: Attend,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
    link: str,
) -> None:
    graph.inboxes.size = 1
    graph.inboxes.elsewhere = link.replace("{host}", graph.url.removeprefix("http://"))
    account = await keep()
    arrive(1, 2)

    mailbox = await attend(account)

    assert mailbox.read_fault == "Microsoft Graph gave a link that leads elsewhere"
    assert len(graph.inboxes.preferred) == 1
    assert await ProviderEvent.count() == 1


@pytest.mark.parametrize(
    "body",
    ["{}", "[]", '{"value": {}}', '{"value": []}', '{"value": [], "@odata.nextLink": 7}', "x"],
)
async def test_a_page_that_is_none_is_a_fault(
    keep: Keep, attend: Attend, graph: FakeGraph, body: str
) -> None:
    graph.faults = [Fault(200, body=body, on=DELTA)]

    mailbox = await attend(await keep())

    assert mailbox.read_fault == "Microsoft Graph gave a page without messages or without a link"


async def test_items_that_are_none_and_drafts_are_left_out(
    keep: Keep, attend: Attend, work: Work, graph: FakeGraph, clock: Clock
) -> None:
    items = '[null, 7, {}, {"id": ""}, {"id": 7}, {"id": "AA", "isDraft": true}]'
    long = f'{{"id": "{"x" * 600}"}}'
    items = items.replace("]", f", {long}]")
    page = f'{{"value": {items}, "@odata.deltaLink": "{graph.url}/v1.0/x"}}'
    graph.faults = [Fault(200, body=page, on=DELTA)]

    mailbox = await attend(await keep())

    assert mailbox.read_at == clock.now()
    assert await work() == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (NOT_GRANTED, "Microsoft Graph refused us: 403 ErrorAccessDenied: Access is denied."),
        (BROKEN, "Microsoft Graph failed: 500"),
        (HTML, "Microsoft Graph failed: 502"),
        (DROPPED, "Microsoft Graph does not answer"),
    ],
)
async def test_what_does_not_pass_is_told(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock, fault: Fault, words: str
) -> None:
    graph.always = replace(fault, on=DELTA)

    mailbox = await attend(await keep())

    assert mailbox.state is ReceivingState.FAULTY
    assert mailbox.read_fault is not None
    assert mailbox.read_fault.startswith(words)
    assert mailbox.poll_at == clock.now() + timedelta(seconds=15)


async def test_what_passes_is_waited_for_as_asked_and_told_when_it_does_not(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    graph.always = replace(BUSY, on=DELTA, headers={"Retry-After": "600"})
    account = await keep()

    seen = []
    for _ in range(3):
        mailbox = await attend(account)
        seen.append((mailbox.read_fault is None, (mailbox.poll_at - clock.now()).seconds))
        clock.advance(mailbox.poll_at - clock.now())

    assert seen == [(True, 600), (True, 600), (False, 600)]


async def test_a_busy_mailbox_is_come_back_to_and_that_is_no_fault(
    keep: Keep, attend: Attend, graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    for number in range(MAILBOX.at_once):
        await take_place("acme", "graph:crm@acme.test", holder=str(number), limits=MAILBOX)

    mailbox = await attend(account)

    assert (mailbox.read_fault, mailbox.read_faults, mailbox.read_at) == (None, 0, None)
    assert mailbox.poll_at > clock.now()
    assert graph.calls() == []


async def test_reading_keeps_within_what_a_mailbox_is_served_at_a_time(
    over: Deps,
    keep: Keep,
    attend: Attend,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
) -> None:
    account = await keep()
    arrive(*range(8))
    await attend(account)

    # It would serve more, so that more would be seen.
    graph.seconds, graph.at_once = 0.05, 100

    for _ in range(20):
        due = await ProviderEvent.due(clock.now(), 100)
        await asyncio.gather(*(process(over, id_) for id_, _, _ in due))
        clock.advance(timedelta(seconds=4))

    assert 1 < graph.box.most_at_once <= 4
    assert len(await received()) == 8
    [pace] = await Pace.find_all().to_list()
    assert (pace.leases, pace.sends) == ([], [])


async def test_a_token_that_ended_is_renewed(
    keep: Keep, attend: Attend, arrive: Callable[..., None], graph: FakeGraph, clock: Clock
) -> None:
    account = await keep()
    await attend(account)
    graph.tokens.clear()
    arrive(1)
    clock.advance(timedelta(minutes=2))

    mailbox = await attend(account)

    assert mailbox.read_at == clock.now()
    assert await ProviderEvent.count() == 1


async def test_what_is_found_together_is_fetched_one_after_another(
    keep: Keep, attend: Attend, arrive: Callable[..., None], clock: Clock
) -> None:
    """So that workers have time for other things, whatever a mailbox holds."""
    account = await keep()
    arrive(*range(30))

    await attend(account)

    due = [at - clock.now() for _, _, at in await ProviderEvent.due(clock.now() + LATER, 100)]
    assert due == [timedelta(0)] * 21 + [timedelta(seconds=0.05) * n for n in range(1, 10)]


async def test_two_accounts_for_one_mailbox_take_each_mail_in_once(
    keep: Keep, attend: Attend, work: Work, arrive: Callable[..., None], graph: FakeGraph
) -> None:
    accounts = [await keep(), await keep("The same")]
    arrive(1)

    for account in accounts:
        await attend(account)
    await work()

    assert await received() == ["<1@customer.test>"]


@pytest.mark.parametrize("fault", [CONCURRENCY, BROKEN])
async def test_a_message_that_cannot_be_fetched_now_is_fetched_later(
    keep: Keep,
    attend: Attend,
    work: Work,
    arrive: Callable[..., None],
    graph: FakeGraph,
    clock: Clock,
    fault: Fault,
) -> None:
    account = await keep()
    arrive(1)
    graph.faults = [replace(fault, on="/$value")]
    await attend(account)
    await work()
    assert await received() == []

    clock.advance(timedelta(minutes=1))
    await work()

    assert await received() == ["<1@customer.test>"]
