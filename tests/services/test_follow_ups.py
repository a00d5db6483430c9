"""Follow-ups that a reply calls off: what counts as one, and the race with dispatch."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import CommunicationStatus, EventType
from app.errors import InvalidInputError
from app.services import delivery, follow_ups, inbound, scheduling, sending
from app.services.inputs import parse
from app.services.scheduling import ScheduleCommunication
from app.services.sending import SendCommunication
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay
from tests.fakes.reports import postfix

HOUR = timedelta(hours=1)
Stored = Callable[[Any], Awaitable[Communication]]
Sent = Callable[..., Awaitable[Communication]]
Schedule = Callable[..., Awaitable[Communication]]
Receive = Callable[..., Awaitable[InboundMessage]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
async def first(dispatched: Sent, stored: Stored) -> Communication:
    """The mail that is followed up."""
    return await stored((await dispatched()).id)


@pytest.fixture
def follow_up(
    deps: Deps, caller: Caller, clock: Clock, mail: dict[str, Any], first: Communication
) -> Schedule:
    """Accepts a mail of the same conversation that is due in an hour."""

    async def accept(**changes: Any) -> Communication:
        asked = {
            **mail,
            "conversationId": first.conversation_id,
            "scheduledAt": clock.now() + HOUR,
            "cancelOnReply": True,
            **changes,
        }
        return await scheduling.schedule(deps, caller, parse(ScheduleCommunication, asked))

    return accept


@pytest.fixture
def receive(deps: Deps, clock: Clock, first: Communication) -> Receive:
    """Takes an answer to the first mail in, a minute later."""

    async def ingest(raw: bytes | None = None, *, tenant: str = "acme") -> InboundMessage:
        clock.advance(timedelta(minutes=1))
        raw = raw or message(in_reply_to=first.internet_message_id)
        return await inbound.ingest(deps, Caller.of_door(tenant, "test"), raw)

    return ingest


async def test_an_answer_calls_it_off(
    deps: Deps, follow_up: Schedule, receive: Receive, stored: Stored, clock: Clock, relay: Relay
) -> None:
    record = await follow_up()
    out = len(relay.taken)

    reply = await receive()

    called_off = await stored(record.id)
    assert called_off.status is CommunicationStatus.CANCELLED
    assert called_off.dispatch_at is None
    last = called_off.events[-1]
    assert (last.type, last.author_id, last.date) == (EventType.CANCEL, None, clock.now())
    assert last.description == f"answered by {reply.id}"
    clock.advance(2 * HOUR)
    await delivery.dispatch(deps, str(record.id))
    assert len(relay.taken) == out


@pytest.mark.parametrize(
    "changes",
    [{"cancelOnReply": False}, {"cancelOnReply": None}, {"conversationId": "another"}],
    ids=["not asked for", "null", "another conversation"],
)
async def test_other_mail_goes_out_as_ever(
    deps: Deps,
    follow_up: Schedule,
    receive: Receive,
    stored: Stored,
    clock: Clock,
    changes: dict[str, Any],
) -> None:
    record = await follow_up(**changes)

    await receive()

    clock.advance(HOUR)
    await delivery.dispatch(deps, str(record.id))
    assert (await stored(record.id)).status is CommunicationStatus.SENT


async def test_an_answer_to_what_was_said_before_calls_nothing_off(
    deps: Deps, follow_up: Schedule, receive: Receive, stored: Stored, clock: Clock
) -> None:
    await receive()
    clock.advance(timedelta(minutes=1))
    record = await follow_up()

    await receive()

    clock.advance(HOUR)
    await delivery.dispatch(deps, str(record.id))
    assert (await stored(record.id)).status is CommunicationStatus.SENT


async def test_a_bounce_is_no_answer(
    deps: Deps,
    follow_up: Schedule,
    receive: Receive,
    stored: Stored,
    clock: Clock,
    first: Communication,
) -> None:
    record = await follow_up()

    await receive(postfix(first.internet_message_id or "", to=first.recipients[0]))

    clock.advance(HOUR)
    await delivery.dispatch(deps, str(record.id))
    assert (await stored(record.id)).status is CommunicationStatus.SENT


async def test_an_answer_to_another_tenant_calls_nothing_off(
    follow_up: Schedule, receive: Receive, stored: Stored
) -> None:
    record = await follow_up()

    await receive(tenant="umbrella")

    assert (await stored(record.id)).status is CommunicationStatus.SCHEDULED


async def test_it_is_called_off_when_due_where_nobody_did_before(
    deps: Deps,
    follow_up: Schedule,
    receive: Receive,
    stored: Stored,
    clock: Clock,
    relay: Relay,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever took the answer in was killed before it got so far."""
    record = await follow_up()
    out = len(relay.taken)
    with monkeypatch.context() as killed:
        killed.setattr(follow_ups, "call_off", _killed)
        with pytest.raises(asyncio.CancelledError):
            await receive()
    assert (await stored(record.id)).status is CommunicationStatus.SCHEDULED

    clock.advance(HOUR)
    await delivery.dispatch(deps, str(record.id))

    called_off = await stored(record.id)
    assert called_off.status is CommunicationStatus.CANCELLED
    assert called_off.events[-1].type is EventType.CANCEL
    assert len(relay.taken) == out
    assert await delivery.sweep(deps) == 0


async def _killed(*_: object) -> None:
    raise asyncio.CancelledError


async def test_what_may_be_out_is_not_called_off(
    deps: Deps, follow_up: Schedule, receive: Receive, stored: Stored, clock: Clock
) -> None:
    record = await follow_up()
    clock.advance(HOUR)
    await delivery.dispatch(deps, str(record.id))

    await receive()

    assert (await stored(record.id)).status is CommunicationStatus.SENT


async def test_of_an_answer_and_dispatch_at_once_one_wins(
    deps: Deps, follow_up: Schedule, receive: Receive, stored: Stored, clock: Clock, relay: Relay
) -> None:
    record = await follow_up()
    out = len(relay.taken)
    clock.advance(HOUR)

    await asyncio.gather(receive(), delivery.dispatch(deps, str(record.id)))

    status = (await stored(record.id)).status
    assert (status, len(relay.taken) - out) in {
        (CommunicationStatus.CANCELLED, 0),
        (CommunicationStatus.SENT, 1),
    }


@pytest.mark.parametrize(
    ("changes", "message_"),
    [
        ({"conversationId": None}, "needs the conversationId in which a reply is waited for"),
        (
            {"recipientListId": "665f1c2e9b1e8a0012345678", "recipients": []},
            "is not for mail to a list, which has no replies of its own",
        ),
    ],
)
async def test_what_no_answer_could_call_off_is_refused(
    follow_up: Schedule, footprint: Footprint, changes: dict[str, Any], message_: str
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await follow_up(**changes)

    assert ("cancelOnReply", message_) in {(one.path, one.message) for one in refused.value.fields}
    assert await footprint() == before


async def test_what_goes_at_once_cannot_wait_for_an_answer(
    deps: Deps, caller: Caller, mail: dict[str, Any], footprint: Footprint
) -> None:
    before = await footprint()
    asked = {**mail, "conversationId": "c", "cancelOnReply": True}

    with pytest.raises(InvalidInputError) as refused:
        await sending.accept(deps, caller, parse(SendCommunication, asked))

    [fault] = refused.value.fields
    assert fault.path == "cancelOnReply"
    assert fault.message == "is for mail that waits: give it a scheduledAt"
    assert await footprint() == before
