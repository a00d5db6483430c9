"""A mail from its acceptance to a Microsoft 365 mailbox, through crashes and lost answers."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    ProviderType,
)
from app.providers.graph import GraphProvider
from app.services import delivery, inbound
from tests.fakes.clock import Clock
from tests.fakes.graph import FakeGraph
from tests.fakes.graph_faults import (
    NOT_SENT_AND_DROPPED,
    SEND_NEVER_ANSWERED,
    SENT_AND_BROKEN,
    SENT_AND_DROPPED,
    Fault,
)
from tests.fakes.messages import message

Send = Callable[..., Awaitable[Communication]]
OpenGraph = Callable[..., GraphProvider]
LATER = timedelta(minutes=3)
SEND_HANGS = Fault(end="hang", on="/send")


@pytest.fixture
def over_graph(deps: Deps, open_graph: OpenGraph) -> Callable[..., Deps]:
    """`deps` of a worker that has just started, with a mailbox as its only provider."""

    def start(**changes: Any) -> Deps:
        return replace(deps, providers={ProviderType.GRAPH: open_graph(**changes)})

    return start


@pytest.fixture
def stored() -> Callable[[Communication], Awaitable[tuple[Communication, Delivery]]]:
    async def find(record: Communication) -> tuple[Communication, Delivery]:
        found = await Communication.shown("acme", str(record.id))
        row = await Delivery.of_communication(PydanticObjectId(record.id), 1)
        assert found is not None
        assert row is not None
        return found, row

    return find


Stored = Callable[[Communication], Awaitable[tuple[Communication, Delivery]]]


async def test_a_mail_goes_out(
    over_graph: Callable[..., Deps], graph: FakeGraph, send: Send, stored: Stored
) -> None:
    deps = over_graph()
    record = await send(over=deps)

    await delivery.dispatch(deps, str(record.id))

    (sent,) = graph.box.sent
    found, row = await stored(record)
    assert found.status is CommunicationStatus.SENT
    assert found.message_id == sent.item.id
    assert found.internet_message_id == sent.item.message_id == row.message_id
    assert found.events[-1].type == "SEND"


@pytest.mark.parametrize(
    "fault", [SENT_AND_DROPPED, SEND_NEVER_ANSWERED, SENT_AND_BROKEN, NOT_SENT_AND_DROPPED]
)
async def test_a_lost_answer_sends_one_mail(
    over_graph: Callable[..., Deps],
    graph: FakeGraph,
    send: Send,
    stored: Stored,
    clock: Clock,
    fault: Fault,
) -> None:
    graph.faults = [fault]
    record = await send(over=over_graph())
    await delivery.dispatch(over_graph(), str(record.id))
    found, row = await stored(record)
    assert found.status is CommunicationStatus.PENDING
    assert "the next attempt finds out whether the mail is out" in str(found.error_message)
    assert [attempt.outcome for attempt in row.attempts] == [AttemptOutcome.TRANSIENT]

    clock.advance(LATER)
    await delivery.deliver(over_graph(), str(row.id))

    (sent,) = graph.box.sent
    found, row = await stored(record)
    assert found.status is CommunicationStatus.SENT
    assert found.message_id == sent.item.id
    assert row.status is DeliveryStatus.SENT


@pytest.mark.parametrize("fault", [SEND_HANGS, SEND_NEVER_ANSWERED], ids=["before", "after"])
async def test_a_worker_that_dies_around_the_sending_sends_one_mail(
    over_graph: Callable[..., Deps],
    graph: FakeGraph,
    send: Send,
    stored: Stored,
    clock: Clock,
    fault: Fault,
) -> None:
    graph.faults = [fault]
    deps = over_graph(timeout=timedelta(seconds=30))
    record = await send(over=deps)
    job = asyncio.create_task(delivery.dispatch(deps, str(record.id)))
    async with asyncio.timeout(10):
        while not any("/send" in call for call in graph.calls()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    _, row = await stored(record)
    assert row.provider_state is not None

    # Another worker, a little later: it must not trust a draft that is only just being sent.
    careful = over_graph(settling=timedelta(minutes=1))
    await delivery.deliver(careful, str(row.id))
    before = len(graph.box.sent)
    clock.advance(LATER)
    await delivery.deliver(over_graph(), str(row.id))

    assert before == (fault is SEND_NEVER_ANSWERED)
    assert len(graph.box.sent) == 1
    found, row = await stored(record)
    assert found.status is CommunicationStatus.SENT
    assert [attempt.outcome for attempt in row.attempts] == ["INTERRUPTED", "SENT"]


async def test_what_is_found_nowhere_fails_and_says_that_it_may_have_arrived(
    over_graph: Callable[..., Deps], graph: FakeGraph, send: Send, stored: Stored, clock: Clock
) -> None:
    graph.faults = [SENT_AND_DROPPED]
    deps = replace(
        over_graph(), settings=over_graph().settings.model_copy(update={"send_attempts": 12})
    )
    record = await send(over=deps)
    await delivery.dispatch(deps, str(record.id))
    _, row = await stored(record)
    graph.box.items.clear()

    for _ in range(3):
        clock.advance(LATER)
        await delivery.deliver(deps, str(row.id))

    found, row = await stored(record)
    assert found.status is CommunicationStatus.FAILED
    assert "the mail may have arrived" in str(found.error_message)
    assert len(graph.box.sent) == 1
    assert [attempt.outcome for attempt in row.attempts][1:] == [AttemptOutcome.UNCERTAIN] * 3


async def test_a_reply_to_a_received_mail_is_threaded_by_exchange(
    over_graph: Callable[..., Deps], graph: FakeGraph, send: Send, caller: Caller
) -> None:
    deps = over_graph()
    received = await inbound.ingest(deps, caller, message("<question@b.test>"))
    item = graph.box.receive("<question@b.test>")
    await InboundMessage.get_motor_collection().update_one(
        {"_id": received.id}, {"$set": {"graphMessageId": item.id}}
    )

    record = await send({"conversationId": received.conversation_id}, over=deps)
    await delivery.dispatch(deps, str(record.id))

    (sent,) = graph.box.sent
    assert sent.item.answers == "<question@b.test>"
    assert sent.item.conversation_id == item.conversation_id


async def test_a_reply_to_what_came_otherwise_names_it_all_the_same(
    over_graph: Callable[..., Deps], graph: FakeGraph, send: Send, caller: Caller
) -> None:
    deps = over_graph()
    received = await inbound.ingest(deps, caller, message("<question@b.test>"))

    record = await send({"conversationId": received.conversation_id}, over=deps)
    await delivery.dispatch(deps, str(record.id))

    (sent,) = graph.box.sent
    assert sent.item.answers is None
    assert sent.item.fields["singleValueExtendedProperties"][0]["value"] == "<question@b.test>"


async def test_another_tenants_received_mail_is_not_answered(deps: Deps, caller: Caller) -> None:
    received = await inbound.ingest(deps, caller, message("<question@b.test>"))
    await InboundMessage.get_motor_collection().update_one(
        {"_id": received.id}, {"$set": {"graphMessageId": "AAkALg-1"}}
    )

    assert await InboundMessage.graph_id("acme", "<question@b.test>") == "AAkALg-1"
    assert await InboundMessage.graph_id("globex", "<question@b.test>") is None
    assert await InboundMessage.graph_id("acme", "<other@b.test>") is None
    assert await InboundMessage.graph_id("acme", None) is None


async def test_a_flood_waits_its_turn_without_using_up_attempts(
    over_graph: Callable[..., Deps], graph: FakeGraph, send: Send, stored: Stored
) -> None:
    deps = over_graph()
    records = [await send(over=deps) for _ in range(34)]

    for record in records:
        await delivery.dispatch(deps, str(record.id))

    assert len(graph.box.sent) == 30
    found, row = await stored(records[-1])
    assert found.status is CommunicationStatus.PENDING
    assert str(found.error_message).startswith("Waits for its turn")
    assert row.attempts == []
    assert row.due_at is not None
    assert timedelta(seconds=20) < row.due_at - deps.now() < timedelta(seconds=75)
