from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents import conversations as documents
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.documents.vocabulary import CommunicationStatus, Direction
from app.errors import InvalidInputError, NotFoundError
from app.services import delivery, inbound, records, scheduling, sending
from app.services.conversations import thread, timeline
from app.services.inputs import parse
from app.services.scheduling import ScheduleCommunication
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay

DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}
MINUTE = timedelta(minutes=1)
Sent = Callable[..., Awaitable[Communication]]


@pytest.fixture
def about(deps: Deps, dispatched: Sent, clock: Clock) -> Sent:
    """A mail of conversation `c` about deal 42 that goes out, each a minute after the one before;
    as it is stored afterwards."""

    async def send(changes: dict[str, Any] | None = None) -> Communication:
        clock.advance(MINUTE)
        record = await dispatched({**DEAL, "conversationId": "c", **(changes or {})})
        found = await Communication.shown("acme", str(record.id))
        assert found is not None
        return found

    return send


@pytest.fixture
def scheduled(
    deps: Deps, caller: Caller, clock: Clock, mail: dict[str, Any]
) -> Callable[[timedelta], Awaitable[Communication]]:
    """A mail of conversation `c` about deal 42 that is due after this time."""

    async def schedule(after: timedelta) -> Communication:
        asked = {**mail, **DEAL, "conversationId": "c", "scheduledAt": clock.now() + after}
        return await scheduling.schedule(deps, caller, parse(ScheduleCommunication, asked))

    return schedule


@pytest.fixture
def answered(deps: Deps, caller: Caller, clock: Clock) -> Callable[..., Awaitable[InboundMessage]]:
    """The reply to a record, a minute later."""

    async def answer(record: Communication, id_: str, *, by: Caller = caller) -> InboundMessage:
        clock.advance(MINUTE)
        raw = message(f"<{id_}@customer.test>", in_reply_to=record.internet_message_id)
        return await inbound.ingest(deps, by, raw)

    return answer


Answered = Callable[..., Awaitable[InboundMessage]]
Scheduled = Callable[[timedelta], Awaitable[Communication]]


async def test_a_thread_is_in_the_order_in_which_mail_went_out_or_is_to(
    deps: Deps, caller: Caller, about: Sent, scheduled: Scheduled, relay: Relay, clock: Clock
) -> None:
    late = await scheduled(timedelta(days=2))
    soon = await scheduled(timedelta(days=1))
    sent = await about()
    relay.data_replies = ["554 No"]
    failed = await about()
    again = await about()
    clock.advance(MINUTE)
    await sending.resend(deps, caller, str(sent.id))
    await delivery.dispatch(deps, str(sent.id))

    found = await thread(caller, str(late.id))

    expected = [failed, again, sent, soon, late]
    assert [record.id for record in found.outbound] == [record.id for record in expected]
    assert failed.status == CommunicationStatus.FAILED
    assert found.inbound == []


async def test_a_thread_holds_each_direction_oldest_first(
    caller: Caller, about: Sent, answered: Answered
) -> None:
    first = await about()
    replies = [await answered(first, id_) for id_ in ("b", "a", "c")]
    second = await about()
    replies.append(await answered(second, "d"))

    found = await thread(caller, str(first.id))

    assert [record.id for record in found.outbound] == [first.id, second.id]
    assert [one.id for one in found.inbound] == [one.id for one in replies]
    assert [one.parent_communication_id for one in found.inbound] == [first.id] * 3 + [second.id]


async def test_what_went_out_at_one_time_stands_in_the_order_of_its_ids(
    caller: Caller, dispatched: Sent
) -> None:
    mails = [await dispatched({**DEAL, "conversationId": "c"}) for _ in range(3)]
    ids = [record.id for record in mails]

    assert [record.id for record in (await thread(caller, str(ids[0]))).outbound] == ids
    assert [entry.id for entry in await timeline(caller, "deal", "42")] == [
        str(id_) for id_ in reversed(ids)
    ]


async def test_what_is_deleted_or_anothers_is_in_no_thread_and_no_timeline(
    deps: Deps, caller: Caller, other_tenant: Caller, about: Sent, answered: Answered, send: Any
) -> None:
    kept, deleted = await about(), await about()
    reply = await answered(kept, "reply")
    await records.delete(deps, caller, str(deleted.id))
    theirs = await send({**DEAL, "conversationId": "c"}, by=other_tenant)
    await answered(kept, "theirs", by=other_tenant)

    found = await thread(caller, str(kept.id))
    entries = await timeline(caller, "deal", "42")

    assert ([r.id for r in found.outbound], [m.id for m in found.inbound]) == (
        [kept.id],
        [reply.id],
    )
    assert [entry.id for entry in entries] == [str(reply.id), str(kept.id)]
    for id_ in (deleted.id, theirs.id):
        with pytest.raises(NotFoundError):
            await thread(caller, str(id_))
    assert [r.id for r in (await thread(other_tenant, str(theirs.id))).outbound] == [theirs.id]


async def test_a_timeline_merges_both_directions_newest_first(
    caller: Caller, about: Sent, scheduled: Scheduled, answered: Answered, clock: Clock
) -> None:
    waiting = await scheduled(timedelta(days=1))
    first = await about()
    reply = await answered(first, "reply")
    second = await about({"conversationId": "another"})
    await about({"relatedEntityType": "person"})
    await about({"relatedEntityId": "43"})

    entries = await timeline(caller, "deal", "42")

    assert [(entry.id, entry.direction, entry.status, entry.date) for entry in entries] == [
        (str(waiting.id), Direction.OUTBOUND, "SCHEDULED", waiting.scheduled_at),
        (str(second.id), Direction.OUTBOUND, "SENT", second.sent_at),
        (str(reply.id), Direction.INBOUND, "NEW", reply.received_at),
        (str(first.id), Direction.OUTBOUND, "SENT", first.sent_at),
    ]
    assert [entry.conversation_id for entry in entries] == ["c", "another", "c", "c"]


async def test_an_entry_is_the_mail_as_it_was_sent_or_came(
    caller: Caller, about: Sent, answered: Answered
) -> None:
    given = {"cc": ["cees@acme.test"], "bcc": ["archive@acme.test"]}
    record = await about({**given, "senderName": "Alice", "senderEmail": "alice@acme.test"})
    await answered(record, "reply")

    came, went = await timeline(caller, "deal", "42")

    assert (went.from_email, went.from_name) == ("alice@acme.test", "Alice")
    assert (went.recipients, went.cc) == (["jan@customer.test"], ["cees@acme.test"])
    assert (went.body_html, went.body_text, went.opened) == (record.body, None, False)
    assert (came.from_email, came.from_name) == ("jan@customer.test", "Jan")
    assert (came.recipients, came.cc) == (["crm@acme.test"], ["piet@customer.test"])
    assert (came.body_html, came.body_text, came.opened) == (None, "Fine!", False)


async def test_blanks_around_an_entity_are_no_part_of_it(caller: Caller, about: Sent) -> None:
    record = await about({"relatedEntityType": " deal", "relatedEntityId": "42 "})

    for asked in (("deal", "42"), (" deal ", "\t42")):
        assert [entry.id for entry in await timeline(caller, *asked)] == [str(record.id)]
    assert list(await timeline(caller, "Deal", "42")) == []


@pytest.mark.parametrize(
    ("entity_type", "entity_id", "faults"),
    [
        ("", "42", ["entityType"]),
        ("deal", " \t", ["entityId"]),
        ("", "", ["entityType", "entityId"]),
    ],
)
async def test_a_blank_entity_is_refused(
    deps: Deps, caller: Caller, entity_type: str, entity_id: str, faults: list[str]
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await timeline(caller, entity_type, entity_id)

    assert [fault.path for fault in refused.value.fields] == faults


@pytest.mark.parametrize("text", ["$ne", "\0", "x" * 100_000, "4\u20282", "💌"])
async def test_an_odd_entity_has_no_mail(
    deps: Deps, caller: Caller, about: Sent, text: str
) -> None:
    await about()

    assert list(await timeline(caller, "deal", text)) == []
    assert list(await timeline(caller, text, "42")) == []


async def test_of_each_direction_the_latest_are_shown(
    caller: Caller, about: Sent, answered: Answered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MEMBERS_LIMIT", 2)
    mails = [await about() for _ in range(3)]
    replies = [await answered(mails[0], str(number)) for number in range(3)]

    found = await thread(caller, str(mails[0].id))
    entries = await timeline(caller, "deal", "42")

    assert [record.id for record in found.outbound] == [record.id for record in mails[1:]]
    assert [one.id for one in found.inbound] == [one.id for one in replies[1:]]
    expected = [replies[2], replies[1], mails[2], mails[1]]
    assert [entry.id for entry in entries] == [str(one.id) for one in expected]


async def test_more_answers_than_are_looked_at_together_are_joined_all_the_same(
    deps: Deps, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "MEMBERS_LIMIT", 2)
    waiting = [
        await inbound.ingest(deps, caller, message(f"<{n}@c.test>", in_reply_to="<late@c.test>"))
        for n in range(5)
    ]

    late = await inbound.ingest(deps, caller, message("<late@c.test>"))

    found = await InboundMessage.with_ids("acme", [str(one.id) for one in (late, *waiting)])
    assert len({one.conversation_id for one in found.values()}) == 1
