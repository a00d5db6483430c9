import asyncio
import hashlib
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps
from app.documents import content, conversations
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.inbound_messages import InboundMessage
from app.documents.origins import Origin
from app.documents.vocabulary import EventType, InboundStatus, ProviderType
from app.errors import InvalidInputError, PayloadTooLargeError
from app.mail.kinds import InboundKind
from app.services import delivery, records, sending
from app.services.inbound import ingest
from app.services.receiving import settling
from tests.fakes.clock import Clock
from tests.fakes.messages import message, octets_of
from tests.fakes.mongo_calls import MongoCalls

Dispatched = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]

DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}


@pytest.fixture
def sent(dispatched: Dispatched, stored: Stored) -> Callable[..., Awaitable[Communication]]:
    """A mail that is out, as it is stored."""

    async def send_out(changes: dict[str, Any] | None = None) -> Communication:
        return await stored((await dispatched(changes)).id)

    return send_out


@pytest.fixture
def replies_of(stored: Stored) -> Callable[[Communication], Awaitable[list[str | None]]]:
    """The ids of the received messages that a record's audit trail names."""

    async def look(record: Communication) -> list[str | None]:
        found = await stored(record.id)
        return [event.id for event in found.events if event.type is EventType.REPLY]

    return look


Sent = Callable[..., Awaitable[Communication]]
RepliesOf = Callable[[Communication], Awaitable[list[str]]]


async def test_a_reply_belongs_to_what_it_answers(
    deps: Deps, caller: Caller, sent: Sent, stored: Stored, clock: Clock
) -> None:
    record = await sent(DEAL)
    clock.advance(timedelta(minutes=5))

    reply = await ingest(deps, caller, message(in_reply_to=record.internet_message_id))

    shown = reply.model_dump(exclude={"id", "events", "raw", "raw_id", "content_id", "revision_id"})
    assert shown == {
        "tenant_id": "acme",
        "key": "<reply@customer.test>",
        "status": InboundStatus.NEW,
        "subject": "Re: Your offer",
        "from_email": "jan@customer.test",
        "from_name": "Jan",
        "recipients": ["crm@acme.test"],
        "cc": ["piet@customer.test"],
        "body_html": None,
        "body_text": "Fine!",
        "conversation_id": record.conversation_id,
        "parent_communication_id": record.id,
        "related_entity_type": "deal",
        "related_entity_id": "42",
        "internet_message_id": "<reply@customer.test>",
        "in_reply_to": record.internet_message_id,
        "graph_message_id": None,
        "graph_conversation_id": None,
        "graph_mailbox": None,
        "provider_type": None,
        "provider_message_id": None,
        "provider_account_id": None,
        "provider_keys": [],
        "fingerprint": reply.fingerprint,
        "envelope_recipients": [],
        "fetch_error": None,
        "parse_fault": None,
        "recipient_count": None,
        "answered": [record.internet_message_id],
        "answered_delivery_id": None,
        "leaving_id": None,
        "is_placed": False,
        "is_uncounted": None,
        "kind": InboundKind.PERSONAL,
        "attachments": [],
        "attachments_omitted": 0,
        "has_attachments": None,
        "calendar": None,
        "date": reply.date,
        "received_at": clock.now(),
        "created": clock.now(),
        "created_by": "alice",
        "updated": clock.now(),
        "updated_by": "alice",
    }
    assert [(event.type, event.author_id) for event in reply.events] == [
        (EventType.CREATE, "alice")
    ]
    event = (await stored(record.id)).events[-1]
    assert event.model_dump() == {
        "type": EventType.REPLY,
        "date": clock.now(),
        "author_id": None,
        "description": "from jan@customer.test",
        "id": str(reply.id),
    }
    assert (await stored(record.id)).updated == clock.now()


@pytest.mark.parametrize(
    "fields",
    [
        {"in_reply_to": "ID"},
        {"references": "ID"},
        {"in_reply_to": "<unknown@customer.test>", "references": "ID <colleague@customer.test>"},
        {"in_reply_to": "ID", "subject": "Something else entirely"},
        {"in_reply_to": "ID", "sender": "colleague@elsewhere.test"},
    ],
    ids=["In-Reply-To", "References", "an unseen mail between", "changed subject", "colleague"],
)
async def test_what_a_reply_is_known_by(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf, fields: dict[str, str]
) -> None:
    record = await sent()
    filled = {n: v.replace("ID", str(record.internet_message_id)) for n, v in fields.items()}

    reply = await ingest(deps, caller, message(**filled))

    assert reply.conversation_id == record.conversation_id
    assert reply.parent_communication_id == record.id
    assert await replies_of(record) == [str(reply.id)]


async def test_the_nearest_of_several_records_is_the_one_answered(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf
) -> None:
    first, second = await sent(), await sent()

    reply = await ingest(
        deps,
        caller,
        message(references=f"{first.internet_message_id} {second.internet_message_id}"),
    )

    assert reply.parent_communication_id == second.id
    assert await replies_of(first) == []


async def test_the_subject_alone_joins_nothing(deps: Deps, caller: Caller, sent: Sent) -> None:
    record = await sent()

    other = await ingest(deps, caller, message(subject=f"Re: {record.subject}"))

    assert other.conversation_id != record.conversation_id
    assert (other.parent_communication_id, other.related_entity_id) == (None, None)
    assert await InboundMessage.newest("acme", InboundStatus.NEW, 10) == [other]


async def test_a_reply_to_a_reply(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf
) -> None:
    record = await sent(DEAL)
    first = await ingest(
        deps, caller, message("<1@c.test>", in_reply_to=record.internet_message_id)
    )

    second = await ingest(deps, caller, message("<2@c.test>", in_reply_to="<1@c.test>"))

    assert second.conversation_id == record.conversation_id
    assert second.parent_communication_id == record.id
    assert second.related_entity_id == "42"
    assert await replies_of(record) == [str(first.id), str(second.id)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
async def test_replies_in_any_order_end_in_one_conversation(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf, order: tuple[int, ...]
) -> None:
    record = await sent(DEAL)
    chain = [record.internet_message_id, *(f"<{number}@c.test>" for number in range(4))]

    for number in order:
        await ingest(deps, caller, message(f"<{number}@c.test>", in_reply_to=chain[number]))

    found = await InboundMessage.newest("acme", None, 10)
    assert {one.conversation_id for one in found} == {record.conversation_id}
    assert {one.parent_communication_id for one in found} == {record.id}
    assert {one.related_entity_id for one in found} == {"42"}
    assert sorted(await replies_of(record)) == sorted(str(one.id) for one in found)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_a_conversation_of_others_in_any_order_is_one(
    deps: Deps, caller: Caller, order: tuple[int, ...]
) -> None:
    parents = [None, "<0@c.test>", "<1@c.test>"]

    for number in order:
        await ingest(deps, caller, message(f"<{number}@c.test>", in_reply_to=parents[number]))

    found = await InboundMessage.newest("acme", None, 10)
    assert len({one.conversation_id for one in found}) == 1
    assert {one.parent_communication_id for one in found} == {None}


async def test_replies_that_arrive_at_the_same_time_end_in_one_conversation(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf
) -> None:
    record = await sent()
    chain = [record.internet_message_id, *(f"<{number}@c.test>" for number in range(8))]

    await asyncio.gather(
        *(
            ingest(deps, caller, message(f"<{number}@c.test>", in_reply_to=chain[number]))
            for number in reversed(range(8))
        )
    )

    found = await InboundMessage.newest("acme", None, 10)
    assert {one.conversation_id for one in found} == {record.conversation_id}
    assert sorted(await replies_of(record)) == sorted(str(one.id) for one in found)


async def test_many_that_answered_what_was_unknown_are_looked_up_once(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = await sent(DEAL)
    root = "<root@customer.test>"
    for number in range(20):
        await ingest(deps, caller, message(f"<{number}@customer.test>", in_reply_to=root))
    both = message("<both@customer.test>", in_reply_to=root, references=record.internet_message_id)
    await ingest(deps, caller, both)
    looked_up: list[list[InboundMessage]] = []
    look_up = conversations.answers_to

    async def counted(tenant: str, message_id: str, *, outside: str) -> list[InboundMessage]:
        looked_up.append(await look_up(tenant, message_id, outside=outside))
        return looked_up[-1]

    monkeypatch.setattr(conversations, "answers_to", counted)

    await ingest(deps, caller, message(root))

    assert [len(found) for found in looked_up] == [21, 0]
    collection = InboundMessage.get_motor_collection()
    assert await collection.distinct("conversationId") == [record.conversation_id]
    assert await collection.distinct("relatedEntityId") == ["42"]
    assert len(await replies_of(record)) == 22


async def test_many_that_come_together_take_the_questions_of_one(
    deps: Deps, caller: Caller, sent: Sent, mongo_calls: MongoCalls
) -> None:
    record = await sent(DEAL)
    answered = record.internet_message_id
    await ingest(deps, caller, message("<first@c.test>", in_reply_to=answered))
    calls: list[list[str]] = []
    for names in (["0"], [str(number) for number in range(1, 21)]):
        raws = [message(f"<{name}@c.test>", in_reply_to=answered) for name in names]
        mongo_calls.clear()
        await asyncio.gather(*(ingest(deps, caller, raw) for raw in raws))
        calls.append(mongo_calls.names)

    one, many = calls
    assert one == many
    assert len(one) < 24


async def test_a_later_mail_of_ours_moves_along_with_its_conversation(
    deps: Deps, caller: Caller, sent: Sent, stored: Stored
) -> None:
    record = await sent()
    early = await ingest(deps, caller, message("<2@c.test>", in_reply_to="<1@c.test>"))
    answer = await sent({"conversationId": early.conversation_id})

    await ingest(deps, caller, message("<1@c.test>", in_reply_to=record.internet_message_id))

    assert (await stored(answer.id)).conversation_id == record.conversation_id


async def test_a_message_that_answers_itself_is_kept(deps: Deps, caller: Caller) -> None:
    raw = message("<1@c.test>", in_reply_to="<1@c.test>", references="<1@c.test>")

    found = await ingest(deps, caller, raw)

    assert (found.in_reply_to, found.answered) == ("<1@c.test>", [])


async def test_messages_that_answer_each_other_are_one_conversation(
    deps: Deps, caller: Caller
) -> None:
    first = await ingest(deps, caller, message("<1@c.test>", in_reply_to="<2@c.test>"))

    second = await ingest(deps, caller, message("<2@c.test>", in_reply_to="<1@c.test>"))

    assert second.conversation_id == first.conversation_id


@pytest.mark.parametrize("id_", ["<reply@customer.test>", None], ids=["by id", "by octets"])
async def test_what_comes_again_is_the_one_that_is_kept(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf, clock: Clock, id_: str | None
) -> None:
    record = await sent()
    raw = message(id_, in_reply_to=record.internet_message_id)
    first = await ingest(deps, caller, raw)
    clock.advance(timedelta(days=3))

    again = await ingest(deps, replace(caller, user="bob"), raw)

    assert again == first
    assert await InboundMessage.count() == 1
    assert await replies_of(record) == [str(first.id)]


async def test_how_it_is_written_makes_no_other_message(deps: Deps, caller: Caller) -> None:
    first = await ingest(deps, caller, message(text="Fine!\r\nJan"))

    again = await ingest(
        deps, caller, b"Received: by relay.test\r\n" + message(text="Fine!\nJan \n")
    )

    assert again == first


@pytest.mark.parametrize(
    "other",
    [{"text": "Not fine!"}, {"sender": "eve@else.test"}, {"subject": "Something else"}],
    ids=["text", "author", "subject"],
)
async def test_another_message_with_the_same_id_is_kept_too(
    deps: Deps, caller: Caller, other: dict[str, str]
) -> None:
    first = await ingest(deps, caller, message())

    second = await ingest(deps, caller, message(**other))
    again = [await ingest(deps, caller, message(**fields)) for fields in (other, {})]

    assert first.id != second.id
    assert [one.id for one in again] == [second.id, first.id]
    assert second.internet_message_id == first.internet_message_id
    assert second.conversation_id != first.conversation_id
    assert await InboundMessage.count() == 2


async def test_several_with_one_id_at_the_same_time_are_all_kept(
    deps: Deps, caller: Caller
) -> None:
    raws = [message(text=f"Number {number}") for number in range(4)] * 2

    kept = await asyncio.gather(*(ingest(deps, caller, raw) for raw in raws))

    assert [one.id for one in kept[:4]] == [one.id for one in kept[4:]]
    assert await InboundMessage.count() == 4


async def test_what_could_not_be_fetched_is_completed_in_its_place(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf
) -> None:
    record = await sent()
    told = Origin(ProviderType.RESEND, "1", recipients=("a@acme.test",), fetch_error="a quota")
    files: Any = InboundMessage.get_motor_collection().database["inboundMessages.content.files"]
    before = await files.count_documents({})
    lacking = await ingest(deps, caller, message(text=""), origin=told)
    whole = message(in_reply_to=record.internet_message_id, text="x" * 100_000)

    found = await ingest(deps, caller, whole, origin=replace(told, fetch_error=None))
    again = await ingest(deps, caller, message(text=""), origin=told)

    assert (found.id, found.events, found.created) == (lacking.id, lacking.events, lacking.created)
    assert (found.body_text, found.fetch_error) == ("x" * 100_000, None)
    assert await InboundMessage.octets(found.id) == whole
    assert await replies_of(record) == [str(found.id)]
    assert again == found
    assert await files.count_documents({}) == before + 1


async def test_without_an_id_other_octets_are_another_message(deps: Deps, caller: Caller) -> None:
    raw = message(None)
    first = await ingest(deps, caller, raw)

    other = await ingest(deps, caller, message(None, text="Fine?"))

    assert first.key == f"sha256:{hashlib.sha256(raw).hexdigest()}"
    assert first.internet_message_id is None
    assert other.id != first.id


async def test_delivered_twice_at_the_same_time_it_is_one(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf
) -> None:
    record = await sent()
    raw = message(in_reply_to=record.internet_message_id, text="x" * 100_000)
    files: Any = InboundMessage.get_motor_collection().database["inboundMessages.content.files"]
    before = await files.count_documents({})

    answers = await asyncio.gather(*(ingest(deps, caller, raw) for _ in range(8)))

    assert {answer.id for answer in answers} == {answers[0].id}
    assert await InboundMessage.count() == 1
    assert await replies_of(record) == [str(answers[0].id)]
    assert await files.count_documents({}) == before + 1


async def test_a_delivery_that_was_cut_off_is_completed_by_the_next(
    deps: Deps,
    caller: Caller,
    sent: Sent,
    replies_of: RepliesOf,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = await sent()
    raw = message(in_reply_to=record.internet_message_id)

    async def cut_off(*_: Any, **__: Any) -> None:
        raise ConnectionError("MongoDB went away")

    with monkeypatch.context() as patch:
        patch.setattr(settling, "record_replies", cut_off)
        with pytest.raises(ConnectionError):
            await ingest(deps, caller, raw)
    assert await replies_of(record) == []

    reply = await ingest(deps, caller, raw)

    assert await replies_of(record) == [str(reply.id)]


async def test_tenants_share_nothing(
    deps: Deps, caller: Caller, other_tenant: Caller, sent: Sent, replies_of: RepliesOf
) -> None:
    record = await sent(DEAL)
    raw = message(in_reply_to=record.internet_message_id)
    ours = await ingest(deps, caller, raw)

    theirs = await ingest(deps, other_tenant, raw)

    assert theirs.id != ours.id
    assert theirs.tenant_id == "globex"
    assert theirs.conversation_id != ours.conversation_id
    assert (theirs.parent_communication_id, theirs.related_entity_id) == (None, None)
    assert await replies_of(record) == [str(ours.id)]
    assert await InboundMessage.newest("globex", None, 10) == [theirs]


async def test_a_message_of_another_tenant_is_no_parent(
    deps: Deps, caller: Caller, other_tenant: Caller
) -> None:
    theirs = await ingest(deps, other_tenant, message("<1@c.test>"))

    ours = await ingest(deps, caller, message("<2@c.test>", in_reply_to="<1@c.test>"))
    late = await ingest(deps, other_tenant, message("<0@c.test>"))

    assert ours.conversation_id != theirs.conversation_id
    assert late.conversation_id != theirs.conversation_id


async def test_a_reply_to_an_earlier_sending_is_known(
    deps: Deps, caller: Caller, sent: Sent, stored: Stored, clock: Clock
) -> None:
    record = await sent()
    clock.advance(timedelta(hours=1))
    await sending.resend(deps, caller, str(record.id))
    await delivery.dispatch(deps, str(record.id))
    assert (await stored(record.id)).internet_message_id != record.internet_message_id

    reply = await ingest(deps, caller, message(in_reply_to=record.internet_message_id))

    assert reply.parent_communication_id == record.id


async def test_a_reply_may_be_here_before_the_record_says_it_is_sent(
    deps: Deps, caller: Caller, claimed: Callable[[], Awaitable[Delivery]]
) -> None:
    row = await claimed()

    reply = await ingest(deps, caller, message(in_reply_to=row.message_id))

    assert reply.parent_communication_id == row.communication_id


async def test_a_deleted_record_is_not_answered(deps: Deps, caller: Caller, sent: Sent) -> None:
    record = await sent()
    await records.delete(deps, caller, str(record.id))

    reply = await ingest(deps, caller, message(in_reply_to=record.internet_message_id))

    assert reply.parent_communication_id is None
    assert reply.conversation_id != record.conversation_id


async def test_our_next_mail_answers_the_customers(
    deps: Deps, caller: Caller, sent: Sent, clock: Clock
) -> None:
    first = await sent()
    clock.advance(timedelta(minutes=1))
    await ingest(deps, caller, message("<1@c.test>", in_reply_to=first.internet_message_id))
    clock.advance(timedelta(minutes=1))

    second = await sent({"conversationId": first.conversation_id})

    row = await Delivery.of_communication(second.id, 1)
    assert row is not None
    written = message_from_bytes(await octets_of(row), policy=default)
    assert written["In-Reply-To"] == "<1@c.test>"
    assert str(written["References"]).split() == [first.internet_message_id, "<1@c.test>"]


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("Tue, 24 Nov 2026 10:20:00 +0100", "2026-11-24T09:20:00+00:00"),
        ("Tue, 24 Nov 2150 10:20:00 +0100", "2100-11-24T09:30:00+00:00"),
        ("some time ago", "2100-11-24T09:30:00+00:00"),
        (None, "2100-11-24T09:30:00+00:00"),
    ],
)
async def test_when_it_was_received(
    deps: Deps, caller: Caller, received: str | None, expected: str
) -> None:
    found = await ingest(deps, caller, message(received=received))

    assert found.received_at.isoformat() == expected
    assert found.created == deps.now()


async def test_mail_that_is_html_only_has_a_text_too(deps: Deps, caller: Caller) -> None:
    html = '<p>Fine, <a href="https://c.test">see</a></p>'

    found = await ingest(deps, caller, b"Content-Type: text/html\n\n" + html.encode())

    assert found.body_html == html
    assert found.body_text == "Fine, see (https://c.test)\n"


@pytest.mark.parametrize("raw", [b"\0", b"\xff" * 100, b"no mail at all", b"\r\n\r\n", b"From:"])
async def test_whatever_comes_is_kept_and_shown(deps: Deps, caller: Caller, raw: bytes) -> None:
    found = await ingest(deps, caller, raw)

    assert found.from_email == ""
    assert await InboundMessage.newest("acme", None, 10) == [found]
    row = await InboundMessage.get_motor_collection().find_one({"_id": found.id})
    assert row is not None
    assert row["raw"] == raw


async def test_a_large_message_is_kept_whole(deps: Deps, caller: Caller) -> None:
    text = "Zoë " * 1_500_000
    raw = message(text=text)

    found = await ingest(deps, caller, raw)

    assert found.body_text == text
    row = await InboundMessage.get_motor_collection().find_one({"_id": found.id})
    assert row is not None
    assert await content.get(InboundMessage, row["rawId"]) == raw
    assert json.loads(await content.get(InboundMessage, row["contentId"])) == [text, None]
    assert await InboundMessage.newest("acme", None, 10) == [found]


async def test_no_octets_are_refused(deps: Deps, caller: Caller) -> None:
    with pytest.raises(InvalidInputError, match="raw: must not be empty"):
        await ingest(deps, caller, b"")

    assert await InboundMessage.count() == 0


async def test_too_many_octets_are_refused(adjusted: Callable[..., Deps], caller: Caller) -> None:
    deps = adjusted(inbound_limit=100)
    await ingest(deps, caller, b"x" * 100)

    with pytest.raises(PayloadTooLargeError, match="raw: must be at most 100 octets"):
        await ingest(deps, caller, b"x" * 101)

    assert await InboundMessage.count() == 1


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("Auto-Submitted: auto-replied", InboundKind.AUTO_REPLY),
        ("Precedence: bulk", InboundKind.AUTO_REPLY),
        ("Return-Path: <>", InboundKind.AUTO_REPLY),
    ],
)
async def test_what_no_person_wrote_is_in_the_conversation_and_no_reply(
    deps: Deps, caller: Caller, sent: Sent, replies_of: RepliesOf, field: str, kind: InboundKind
) -> None:
    record = await sent()
    raw = message(in_reply_to=record.internet_message_id)

    kept = await ingest(deps, caller, f"{field}\r\n".encode() + raw)

    assert kept.kind is kind
    assert kept.conversation_id == record.conversation_id
    assert await replies_of(record) == []


async def test_answers_of_people_are_counted_on_what_they_answer(
    deps: Deps, caller: Caller, sent: Sent, stored: Stored, clock: Clock
) -> None:
    record = await sent()
    before = (record.reply_count, record.replied_at)
    first = clock.now()
    raw = message("<1@customer.test>", in_reply_to=record.internet_message_id)
    await ingest(deps, caller, raw)
    clock.advance(timedelta(minutes=5))
    await ingest(deps, caller, raw)
    await ingest(deps, caller, message("<2@customer.test>", in_reply_to="<1@customer.test>"))

    after = await stored(record.id)
    assert before == (0, None)
    assert (after.reply_count, after.replied_at) == (2, first)
