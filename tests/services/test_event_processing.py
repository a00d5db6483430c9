"""Reports that come as mail, from their octets to the record they are about."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.base import StoreUnavailableError
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.provider_events import ProviderEvent
from app.documents.recipient_lists import RecipientList
from app.documents.suppressions import Suppression
from app.documents.vocabulary import (
    CommunicationStatus,
    DeliveryStatus,
    EventSource,
    EventType,
    EventVerdict,
    RecipientStatus,
)
from app.mail.kinds import InboundKind
from app.services import conversations, delivery, event_processing, records
from app.services.event_processing import process
from app.services.inbound import ingest
from tests.fakes import reports
from tests.fakes.clock import Clock
from tests.fakes.messages import message

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Queued = Callable[[], Awaitable[dict[str, float]]]
Receive = Callable[..., Awaitable[ProviderEvent]]

JAN = "jan@customer.test"


@pytest.fixture
def receive(deps: Deps, caller: Caller) -> Receive:
    """Takes in a report and looks into it; what came of it."""

    async def take_in(raw: bytes, *, by: Caller = caller) -> ProviderEvent:
        await ingest(deps, by, raw)
        [event] = await ProviderEvent.find({"tenantId": by.tenant}).sort("-_id").limit(1).to_list()
        await process(deps, str(event.id))
        found = await ProviderEvent.get(event.id)
        assert found is not None
        return found

    return take_in


@pytest.fixture
def sent(dispatched: Dispatched, delivery_of: DeliveryOf) -> Callable[..., Awaitable[Delivery]]:
    """The delivery of a mail that is out."""

    async def send_out(changes: dict[str, Any] | None = None) -> Delivery:
        return await delivery_of((await dispatched(changes)).id)

    return send_out


Sent = Callable[..., Awaitable[Delivery]]


@pytest.mark.parametrize(
    "written_by",
    [reports.postfix, reports.office365, reports.gmail, reports.exim, reports.old_exim],
    ids=["Postfix", "Office 365", "Gmail", "Exim", "Exim in words"],
)
async def test_a_bounce_by_mail(
    deps: Deps,
    caller: Caller,
    sent: Sent,
    stored: Stored,
    receive: Receive,
    clock: Clock,
    written_by: Callable[[str], bytes],
) -> None:
    row = await sent()
    clock.advance(timedelta(minutes=1))

    event = await receive(written_by(row.message_id))

    record = await stored(row.communication_id)
    assert record.status == CommunicationStatus.BOUNCED
    assert [e.type for e in record.events] == [EventType.CREATE, EventType.SEND, EventType.BOUNCE]
    [suppression] = await Suppression.find_all().to_list()
    assert suppression.address == JAN
    assert record.error_message == f"Not delivered to {JAN} ({suppression.detail})"
    assert (event.source, event.verdict) == (EventSource.MAIL, EventVerdict.APPLIED)
    assert (event.delivery_id, event.communication_id) == (row.id, row.communication_id)
    assert (event.due_at, event.settled_at, event.reason) == (None, clock.now(), None)
    assert event.expires == clock.now() + timedelta(days=30)
    # It is kept in the conversation of the mail it is about, and is nobody's answer.
    [kept] = await InboundMessage.newest("acme", None, 10)
    assert (event.inbound_id, kept.kind) == (kept.id, InboundKind.DELIVERY_REPORT)
    assert kept.conversation_id == record.conversation_id
    thread = await conversations.thread(caller, str(record.id))
    assert [one.id for one in thread.inbound] == [kept.id]


async def test_a_complaint_by_mail(sent: Sent, stored: Stored, receive: Receive) -> None:
    row = await sent()

    event = await receive(reports.complaint(row.message_id))

    record = await stored(row.communication_id)
    assert event.verdict == EventVerdict.APPLIED
    assert record.status == CommunicationStatus.COMPLAINED
    assert record.error_message == f"Reported as spam by {JAN}"
    assert record.events[-1].type is EventType.COMPLAIN
    assert await Suppression.count() == 1


async def test_a_complaint_of_somebody_among_several(
    sent: Sent, stored: Stored, receive: Receive
) -> None:
    row = await sent({"cc": ["piet@customer.test"]})

    event = await receive(reports.complaint(row.message_id))

    assert event.verdict == EventVerdict.NO_MOVE
    assert event.reason == "it is not about an address of this mail"
    assert (await stored(row.communication_id)).status == CommunicationStatus.SENT


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"action": "delayed", "status": "4.4.1"}, "SENT"),
        ({"status": "5.7.1", "diagnosis": "550 5.7.1 spam"}, "BOUNCED"),
        ({"status": "5.2.2", "diagnosis": "552 5.2.2 full"}, "BOUNCED"),
        ({"status": "4.4.7", "diagnosis": "expired"}, "BOUNCED"),
    ],
)
async def test_what_is_not_the_addresss_fault_suppresses_nothing(
    sent: Sent,
    stored: Stored,
    delivery_of: DeliveryOf,
    receive: Receive,
    changes: dict[str, str],
    status: str,
) -> None:
    row = await sent()

    event = await receive(reports.postfix(row.message_id, **changes))

    assert event.verdict == EventVerdict.APPLIED
    assert (await stored(row.communication_id)).status == status
    assert (await delivery_of(row.communication_id)).recipients[0].status in {
        RecipientStatus.DEFERRED,
        RecipientStatus.BOUNCED,
    }
    assert await Suppression.count() == 0


async def test_a_bounce_of_list_mail_is_its_members_own(
    make_list: Callable[..., Awaitable[RecipientList]],
    send_list: Dispatched,
    run_list: Callable[..., Awaitable[None]],
    rows_of: Callable[..., Awaitable[list[Delivery]]],
    stored: Stored,
    receive: Receive,
) -> None:
    made = await make_list({"email": JAN}, {"email": "piet@customer.test"})
    record = await send_list(made)
    await run_list(record)
    out = await stored(record.id)
    [jan, piet] = await rows_of(record)

    event = await receive(reports.postfix(jan.message_id))

    assert (event.verdict, event.delivery_id) == (EventVerdict.APPLIED, jan.id)
    [jan, after] = await rows_of(record)
    assert (jan.status, jan.recipients[0].status) == (
        DeliveryStatus.SENT,
        RecipientStatus.BOUNCED,
    )
    assert after == piet
    # One member in 100,000 says nothing of the whole.
    assert await stored(record.id) == out
    assert [one.address for one in await Suppression.find_all().to_list()] == [JAN]
    again = await send_list(made)
    await run_list(again)
    assert [row.status for row in await rows_of(again)] == [
        DeliveryStatus.SUPPRESSED,
        DeliveryStatus.SENT,
    ]


async def test_a_mail_that_is_unknown(sent: Sent, stored: Stored, receive: Receive) -> None:
    row = await sent()

    event = await receive(reports.postfix("<unknown@elsewhere.test>"))

    assert event.verdict == EventVerdict.UNKNOWN
    assert event.reason == "no mail of ours has its Message-ID"
    assert (await stored(row.communication_id)).status == CommunicationStatus.SENT
    assert await InboundMessage.count() == 1


async def test_another_tenants_mail_is_unknown(
    sent: Sent, stored: Stored, receive: Receive, other_tenant: Caller
) -> None:
    row = await sent()

    event = await receive(reports.postfix(row.message_id), by=other_tenant)

    assert event.verdict == EventVerdict.UNKNOWN
    assert (await stored(row.communication_id)).status == CommunicationStatus.SENT
    assert await Suppression.count() == 0


async def test_a_report_of_what_went_well(sent: Sent, stored: Stored, receive: Receive) -> None:
    row = await sent()

    event = await receive(reports.postfix(row.message_id, action="relayed", status="2.0.0"))

    assert (event.verdict, event.reason) == (EventVerdict.NO_MOVE, "it tells of no failure")
    assert (await stored(row.communication_id)).status == CommunicationStatus.SENT


async def test_what_comes_again_counts_once(
    deps: Deps, caller: Caller, sent: Sent, receive: Receive, footprint: Footprint
) -> None:
    raw = reports.postfix((await sent()).message_id)
    event = await receive(raw)
    before = await footprint()

    await ingest(deps, caller, raw)
    await process(deps, str(event.id))

    # Whose turn it was last stands there too.
    assert {**await footprint(), "turns": []} == {**before, "turns": []}


async def test_told_by_two_reports_it_counts_once(
    sent: Sent, stored: Stored, receive: Receive
) -> None:
    row = await sent()
    await receive(reports.postfix(row.message_id))

    second = await receive(reports.exim(row.message_id))

    assert (second.verdict, second.reason) == (
        EventVerdict.NO_MOVE,
        "the address is BOUNCED already",
    )
    record = await stored(row.communication_id)
    assert [event.type for event in record.events].count(EventType.BOUNCE) == 1


async def test_a_customers_answer_is_no_event(deps: Deps, caller: Caller, sent: Sent) -> None:
    row = await sent()

    answer = await ingest(deps, caller, message(in_reply_to=row.message_id))

    assert answer.kind is InboundKind.PERSONAL
    assert await ProviderEvent.count() == 0


async def test_a_report_before_the_hand_over_is_recorded(
    deps: Deps,
    caller: Caller,
    scripted: Callable[..., tuple[Deps, Any]],
    send: Dispatched,
    stored: Stored,
    queued: Queued,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over, provider = scripted()
    hand_over = provider.send
    early: list[ProviderEvent] = []

    async def bounced_at_once(outgoing: Any) -> Any:
        receipt = await hand_over(outgoing)
        await ingest(deps, caller, reports.postfix(outgoing.message.message_id))
        [event] = await ProviderEvent.find_all().to_list()
        await process(deps, str(event.id))
        early.extend(await ProviderEvent.find_all().to_list())
        return receipt

    monkeypatch.setattr(provider, "send", bounced_at_once)
    record = await send()
    await delivery.dispatch(over, str(record.id))

    [waiting] = early
    assert (waiting.verdict, waiting.due_at) == (None, clock.now() + timedelta(seconds=15))
    assert (await stored(record.id)).status == CommunicationStatus.SENT
    # Whoever wrote that it is out has woken it.
    assert f"event:{waiting.id}:1" in await queued()
    await process(deps, str(waiting.id))
    assert (await stored(record.id)).status == CommunicationStatus.BOUNCED


async def test_settled_just_then_it_does_not_wait(
    deps: Deps,
    caller: Caller,
    claimed: Callable[[], Awaitable[Delivery]],
    queued: Queued,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = await claimed()
    await ingest(deps, caller, reports.postfix(row.message_id))
    [event] = await ProviderEvent.find_all().to_list()
    wait = ProviderEvent.wait

    async def meanwhile(self: ProviderEvent, due_at: Any, **rest: Any) -> Any:
        await row.close(DeliveryStatus.SENT)
        return await wait(self, due_at, **rest)

    monkeypatch.setattr(ProviderEvent, "wait", meanwhile)
    await process(deps, str(event.id))

    assert f"event:{event.id}:1" in await queued()


async def test_the_sweep_finds_what_fell_out_of_the_queue(
    deps: Deps, caller: Caller, sent: Sent, queued: Queued, redis: Any, clock: Clock
) -> None:
    row = await sent()
    await ingest(deps, caller, reports.postfix(row.message_id))
    [event] = await ProviderEvent.find_all().to_list()
    assert f"event:{event.id}:0" in await queued()
    await redis.flushdb()

    assert await delivery.sweep(deps) == 1

    assert f"event:{event.id}:0" in await queued()
    await process(deps, str(event.id))
    clock.advance(timedelta(days=1))
    assert await delivery.sweep(deps) == 0


async def test_ten_workers_look_into_it_once(
    deps: Deps, caller: Caller, sent: Sent, stored: Stored
) -> None:
    row = await sent()
    await ingest(deps, caller, reports.postfix(row.message_id))
    [event] = await ProviderEvent.find_all().to_list()

    await asyncio.gather(*(process(deps, str(event.id)) for _ in range(10)))

    found = await ProviderEvent.get(event.id)
    assert found is not None
    assert (found.claims, found.verdict) == (1, EventVerdict.APPLIED)


async def test_a_fault_of_ours_is_tried_again_and_given_up(
    deps: Deps, caller: Caller, sent: Sent, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await sent()
    await ingest(deps, caller, reports.postfix(row.message_id))
    [event] = await ProviderEvent.find_all().to_list()

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("app.services.news.apply", broken)
    await process(deps, str(event.id))
    first = await ProviderEvent.get(event.id)
    for _ in range(event_processing.FAULT_LIMIT):
        clock.advance(timedelta(hours=1))
        await process(deps, str(event.id))

    last = await ProviderEvent.get(event.id)
    assert first is not None
    assert last is not None
    assert (first.verdict, first.faults) == (None, 1)
    assert first.due_at == first.created + timedelta(seconds=15)
    assert (last.verdict, last.reason) == (EventVerdict.FAILED, "it could not be looked into")
    assert (last.due_at, last.claims) == (None, event_processing.FAULT_LIMIT)


async def test_without_the_store_it_stays_due(
    deps: Deps, caller: Caller, sent: Sent, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = await sent()
    await ingest(deps, caller, reports.postfix(row.message_id))
    [event] = await ProviderEvent.find_all().to_list()

    async def away(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError

    with monkeypatch.context() as patch:
        patch.setattr("app.services.news.apply", away)
        with pytest.raises(StoreUnavailableError):
            await process(deps, str(event.id))
    clock.advance(deps.settings.lease)
    await process(deps, str(event.id))

    found = await ProviderEvent.get(event.id)
    assert found is not None
    assert (found.verdict, found.faults, found.claims) == (EventVerdict.APPLIED, 0, 2)


@pytest.mark.parametrize("id_", ["0123456789abcdef01234567", "nonsense", "", "\ud800" * 24, "\0"])
async def test_an_unknown_event_is_nothing_to_do(
    deps: Deps, footprint: Footprint, id_: str
) -> None:
    before = await footprint()

    await process(deps, id_)

    assert await footprint() == before


async def test_a_large_report_is_read_too(sent: Sent, stored: Stored, receive: Receive) -> None:
    row = await sent()
    raw = reports.postfix(row.message_id).replace(b"Dear Jan", b"Dear Jan" * 50_000)

    event = await receive(raw)

    assert event.verdict == EventVerdict.APPLIED


async def test_a_deleted_record_is_left_as_it_is(
    deps: Deps, caller: Caller, sent: Sent, receive: Receive
) -> None:
    row = await sent()
    await records.delete(deps, caller, str(row.communication_id))

    event = await receive(reports.postfix(row.message_id))

    assert event.verdict == EventVerdict.APPLIED
    assert await Suppression.count() == 1


async def test_a_message_that_is_gone_tells_nothing(deps: Deps, caller: Caller, sent: Sent) -> None:
    row = await sent()
    await ingest(deps, caller, reports.postfix(row.message_id))
    [event] = await ProviderEvent.find_all().to_list()
    await InboundMessage.find_all().delete()

    await process(deps, str(event.id))

    found = await ProviderEvent.get(event.id)
    assert found is not None
    assert (found.verdict, found.reason) == (EventVerdict.NO_MOVE, "the message is no report")
