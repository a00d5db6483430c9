"""Notifications of a mailbox, from what Graph tells to the message that is kept."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from beanie import PydanticObjectId
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyHttpUrl

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.provider_accounts import ProviderAccount
from app.documents.provider_events import ProviderEvent
from app.documents.vocabulary import CommunicationStatus, EventType, EventVerdict
from app.errors import AppError
from app.services import inbound, provider_accounts, webhooks
from app.services.account_commands import CreateProviderAccount
from app.services.event_processing import process
from app.services.graph_events import message_of, read_notifications
from app.services.inputs import parse
from tests.fakes import reports
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import BUSY, MISSING
from tests.fakes.graph_mailbox import Item
from tests.fakes.messages import message
from tests.world import CLIENT_STATE, GRAPH

Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Receive = Callable[..., Item]
Notify = Callable[..., Awaitable[ProviderEvent]]


@pytest.fixture
def over(adjusted: Callable[..., Deps], graph: FakeGraph) -> Deps:
    """`deps` that finds Graph where the fake is."""
    return adjusted(
        graph_url=AnyHttpUrl(f"{graph.url}/v1.0"), graph_login_url=AnyHttpUrl(graph.url)
    )


@pytest.fixture
def receive(graph: FakeGraph) -> Receive:
    """Puts a message into the fake mailbox's inbox."""

    def arrive(raw: bytes, id_: str = "AAkALg-1") -> Item:
        item = Item(
            id_, {}, "conversation", immutable=True, is_draft=False, folder="inbox", mime=raw
        )
        graph.box.items[id_] = item
        return item

    return arrive


@pytest.fixture
def notify(over: Deps, caller: Caller) -> Notify:
    """Notifies of a message as Graph does, and looks into it; what came of it."""
    accounts: list[ProviderAccount] = []

    async def tell(id_: str = "AAkALg-1", deps: Deps = over, **changes: Any) -> ProviderEvent:
        if not accounts:
            command = parse(CreateProviderAccount, {"name": "Mailbox", "graph": GRAPH})
            accounts.append(await provider_accounts.create(deps, caller, command))
        told = {
            "id": f"notification-{await ProviderEvent.count()}",
            "clientState": CLIENT_STATE,
            "changeType": "created",
            "resource": f"users/crm@acme.test/messages/{id_}",
            "resourceData": {"id": id_},
            **changes,
        }
        await webhooks.take_graph(deps, str(accounts[0].id), orjson.dumps({"value": [told]}))
        [event] = await ProviderEvent.find({"eventId": told["id"]}).to_list()
        await process(deps, str(event.id))
        found = await ProviderEvent.get(event.id)
        assert found is not None
        return found

    return tell


async def test_the_mail_is_fetched_and_kept(
    receive: Receive, notify: Notify, clock: Clock, graph: FakeGraph
) -> None:
    raw = message("<1@customer.test>")
    receive(raw)

    event = await notify()

    [kept] = await InboundMessage.newest("acme", None, 10)
    assert (event.verdict, event.reason) == (EventVerdict.APPLIED, None)
    assert (event.inbound_id, event.settled_at) == (kept.id, clock.now())
    assert kept.graph_message_id == "AAkALg-1"
    assert kept.internet_message_id == "<1@customer.test>"
    assert kept.created_by == f"account:{event.account_id}"
    assert await InboundMessage.octets(kept.id) == raw
    assert graph.calls()[-1] == "GET /v1.0/users/crm%40acme.test/messages/ID/$value"


async def test_an_answer_belongs_to_what_it_answers(
    dispatched: Callable[..., Awaitable[Communication]],
    stored: Stored,
    receive: Receive,
    notify: Notify,
) -> None:
    record = await stored((await dispatched()).id)
    receive(message(in_reply_to=record.internet_message_id))

    await notify()

    after = await stored(record.id)
    assert [event.type for event in after.events][-1] is EventType.REPLY


async def test_a_bounce_in_the_mailbox_moves_the_record(
    deps: Deps,
    dispatched: Callable[..., Awaitable[Communication]],
    stored: Stored,
    receive: Receive,
    notify: Notify,
) -> None:
    record = await stored((await dispatched()).id)
    receive(reports.office365(str(record.internet_message_id)))

    await notify()
    report = await ProviderEvent.find_one({"source": "MAIL"})
    assert report is not None
    await process(deps, str(report.id))

    assert (await stored(record.id)).status == CommunicationStatus.BOUNCED


async def test_notified_twice_it_is_one_message(receive: Receive, notify: Notify) -> None:
    receive(message())

    first, second = await notify(), await notify()

    assert first.inbound_id == second.inbound_id
    assert await InboundMessage.count() == 1


async def test_what_came_by_another_way_before_learns_graphs_id(
    deps: Deps, caller: Caller, receive: Receive, notify: Notify
) -> None:
    await inbound.ingest(deps, caller, message())
    receive(message())

    await notify()

    [kept] = await InboundMessage.newest("acme", None, 10)
    assert (kept.graph_message_id, kept.created_by) == ("AAkALg-1", "alice")


async def test_the_id_may_stand_in_the_resource_only(receive: Receive, notify: Notify) -> None:
    receive(message())

    event = await notify(resourceData=None)

    assert event.verdict == EventVerdict.APPLIED


@pytest.mark.parametrize(
    "changes",
    [
        {"changeType": "updated"},
        {"changeType": "deleted"},
        {"resource": None, "resourceData": None},
        {"resource": 7, "resourceData": {"id": 7}},
        {"resource": "", "resourceData": {"id": ""}},
        {"resource": "users/", "resourceData": []},
    ],
)
async def test_what_tells_of_no_new_message_is_kept_only(
    receive: Receive, notify: Notify, graph: FakeGraph, changes: dict[str, Any]
) -> None:
    receive(message())

    event = await notify(**changes)

    assert (event.verdict, event.reason) == (
        EventVerdict.NO_MOVE,
        "it tells of no new message",
    )
    assert graph.asked == []
    assert await InboundMessage.count() == 0


@pytest.mark.parametrize("kind", ["missed", "reauthorizationRequired", "subscriptionRemoved"])
@pytest.mark.parametrize("id_", ["made-by-hand", None])
async def test_the_life_of_a_subscription_that_is_not_ours_is_its_makers_business(
    notify: Notify, graph: FakeGraph, kind: str, id_: str | None
) -> None:
    event = await notify(changeType=None, lifecycleEvent=kind, subscriptionId=id_)

    assert event.verdict is EventVerdict.NO_MOVE
    assert event.reason is not None
    assert event.reason.startswith("it tells of no subscription")
    assert graph.asked == []


async def test_a_message_that_is_gone_is_no_news(notify: Notify) -> None:
    event = await notify("AAkALg-gone")

    assert event.verdict == EventVerdict.NO_MOVE
    assert event.reason == "the message is gone from the mailbox"
    assert event.due_at is None


async def test_a_message_that_goes_while_it_is_fetched_is_no_news(
    receive: Receive, notify: Notify, graph: FakeGraph
) -> None:
    receive(message())
    graph.faults = [replace(MISSING, on="/$value")]

    event = await notify()

    assert (event.verdict, event.reason) == (
        EventVerdict.NO_MOVE,
        "the message is gone from the mailbox",
    )


@pytest.mark.parametrize("id_", ["../../me", "a/b?c=d", "a b", "\u00e9", "'", "%2e%2e"])
async def test_an_odd_id_stays_within_the_mailbox(
    notify: Notify, graph: FakeGraph, id_: str
) -> None:
    event = await notify(id_)

    assert event.verdict == EventVerdict.NO_MOVE
    assert all(
        call.startswith(("POST /contoso-directory/", "GET /v1.0/users/crm%40acme.test/messages/"))
        and call.count("/") <= 7
        for call in graph.calls()
    )


async def test_a_message_that_is_too_large_is_kept_without_its_attachments(
    over: Deps, receive: Receive, notify: Notify
) -> None:
    item = receive(message("<1@customer.test>", text="x" * 2000))
    item.fields = {
        "internetMessageHeaders": [
            {"name": "Message-ID", "value": "<1@customer.test>"},
            {"name": "In-Reply-To", "value": "<ours@acme.test>"},
            {"name": "Content-Type", "value": "multipart/mixed; boundary=x"},
        ],
        "internetMessageId": "<1@customer.test>",
        "subject": "Your offer",
        "from": {"emailAddress": {"name": "Jän", "address": "jan@customer.test"}},
        "toRecipients": [{"emailAddress": {"name": "", "address": "crm@acme.test"}}],
        "receivedDateTime": "2100-11-24T09:30:00Z",
        "body": {"contentType": "html", "content": "<p>Here it is</p>"},
    }
    small = replace(over, settings=over.settings.model_copy(update={"inbound_limit": 1000}))

    event = await notify(deps=small)

    words = "the message is larger than 1000 octets"
    [kept] = await InboundMessage.newest("acme", None, 2)
    assert (event.verdict, event.reason, event.inbound_id) == (
        EventVerdict.FAILED,
        words,
        kept.id,
    )
    assert (kept.fetch_error, kept.graph_message_id) == (words, "AAkALg-1")
    assert (kept.subject, kept.from_email) == ("Your offer", "jan@customer.test")
    assert (kept.recipients, kept.in_reply_to) == (["crm@acme.test"], "<ours@acme.test>")
    assert kept.body_html is not None
    assert "Here it is" in kept.body_html
    # Once more, under a higher limit, it is whole.
    whole = await notify(deps=over)
    [kept] = await InboundMessage.newest("acme", None, 2)
    assert (whole.verdict, kept.fetch_error) == (EventVerdict.APPLIED, None)


async def test_of_what_is_too_large_in_any_form_only_the_event_stays(
    over: Deps, receive: Receive, notify: Notify
) -> None:
    item = receive(message(text="x" * 2000))
    item.fields = {"body": {"contentType": "text", "content": "x" * 2000}}
    small = replace(over, settings=over.settings.model_copy(update={"inbound_limit": 1000}))

    event = await notify(deps=small)

    assert event.verdict == EventVerdict.FAILED
    assert event.reason == "the message is larger than 1000 octets"
    assert await InboundMessage.count() == 0


async def test_an_empty_message_is_given_up(receive: Receive, notify: Notify) -> None:
    receive(b"")

    event = await notify()

    assert (event.verdict, event.reason) == (EventVerdict.FAILED, "raw: must not be empty")


async def test_while_graph_is_busy_it_waits_as_asked(
    over: Deps, receive: Receive, notify: Notify, graph: FakeGraph, clock: Clock
) -> None:
    receive(message())
    graph.faults = [replace(BUSY, on="/$value", headers={"Retry-After": "600"})]

    event = await notify()

    assert (event.verdict, event.faults) == (None, 1)
    assert event.due_at == clock.now() + timedelta(minutes=10)
    clock.advance(timedelta(minutes=10))
    await process(over, str(event.id))
    assert await InboundMessage.count() == 1


async def test_mail_is_fetched_after_an_outage_of_weeks(
    over: Deps, receive: Receive, notify: Notify, graph: FakeGraph, clock: Clock
) -> None:
    receive(message())
    graph.always = replace(BUSY, on="/$value")
    event = await notify()
    for _ in range(20):
        clock.advance(timedelta(days=1))
        await process(over, str(event.id))
    assert await InboundMessage.count() == 0
    graph.always = None
    clock.advance(timedelta(days=1))

    await process(over, str(event.id))

    assert await InboundMessage.count() == 1


async def test_a_mailbox_that_never_answers_is_given_up(
    over: Deps, receive: Receive, notify: Notify, graph: FakeGraph, clock: Clock
) -> None:
    receive(message())
    graph.always = replace(BUSY, on="/$value")

    event = await notify()
    clock.advance(over.settings.event_retention)
    await process(over, str(event.id))

    last = await ProviderEvent.get(event.id)
    assert last is not None
    assert (last.verdict, last.claims) == (EventVerdict.FAILED, 2)
    assert last.reason is not None
    assert "ErrorServerBusy" in last.reason


async def test_an_account_that_is_gone_fetches_nothing(
    over: Deps, notify: Notify, clock: Clock, graph: FakeGraph
) -> None:
    graph.always = BUSY
    event = await notify()
    await ProviderAccount.find_all().delete()
    clock.advance(timedelta(hours=1))

    await process(over, str(event.id))

    last = await ProviderEvent.get(event.id)
    assert last is not None
    assert (last.verdict, last.reason) == (EventVerdict.FAILED, "the account was deleted")


@given(st.binary())
def test_any_octets_are_notifications_or_refused(body: bytes) -> None:
    try:
        read_notifications(body)
    except AppError:
        return


@given(
    st.dictionaries(
        st.sampled_from(["id", "clientState", "changeType", "lifecycleEvent", "resourceData"])
        | st.text(max_size=3),
        st.none() | st.text() | st.integers(0, 9) | st.dictionaries(st.just("id"), st.text()),
    )
)
def test_any_object_is_a_notification(item: dict[str, Any]) -> None:
    [one] = read_notifications(orjson.dumps({"value": [item]}))

    assert 0 < len(one.id) <= 256
    assert one.is_genuine(one.client_state)
    assert not one.is_genuine(one.client_state + "x")
    message_of(one.raw)
