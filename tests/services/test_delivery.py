import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import (
    AttemptOutcome,
    CommunicationStatus,
    DeliveryStatus,
    EventType,
    ProviderType,
    RecipientStatus,
)
from app.providers.base import ParkedError, TransientError
from app.services import delivery
from tests.fakes.clock import Clock
from tests.fakes.messages import octets_of
from tests.fakes.relay import Relay, drop_connection, never_answer

Scripted = Callable[..., tuple[Deps, Any]]
Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
DeliveryOf = Callable[[PydanticObjectId], Awaitable[Delivery]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Queued = Callable[[], Awaitable[dict[str, float]]]
Adjusted = Callable[..., Deps]

JAN, PIET, EVE = "jan@customer.test", "piet@customer.test", "eve@customer.test"


async def test_a_mail_is_sent(
    deps: Deps, send: Send, stored: Stored, delivery_of: DeliveryOf, relay: Relay, clock: Clock
) -> None:
    accepted = await send()
    clock.advance(timedelta(seconds=3))

    await delivery.dispatch(deps, str(accepted.id))

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert record.status == CommunicationStatus.SENT
    assert record.sent_at == record.updated == clock.now()
    assert record.updated_by is None
    assert record.error_message is None
    assert record.dispatch_at is None
    assert record.internet_message_id == row.message_id
    assert record.message_id == row.message_id.strip("<>")
    assert row.message_id.endswith("@acme.test>")
    assert [(e.type, e.date, e.author_id) for e in record.events] == [
        (EventType.CREATE, accepted.created, "alice"),
        (EventType.SEND, clock.now(), None),
    ]
    assert row.status == DeliveryStatus.SENT
    assert row.tracking_id == record.tracking_id
    assert (row.due_at, row.lease, row.claims) == (None, None, 1)
    assert [(a.date, a.outcome, a.detail) for a in row.attempts] == [
        (clock.now(), AttemptOutcome.SENT, None)
    ]
    assert [(r.address, r.status, r.reply) for r in row.recipients] == [
        (JAN, RecipientStatus.ACCEPTED, None)
    ]
    (mail,) = relay.taken
    assert mail.content == await octets_of(row)
    assert (mail.sender, mail.recipients) == ("crm@acme.test", (JAN,))
    assert mail.message["Message-ID"] == record.internet_message_id


async def test_blind_copies_stand_in_the_envelope_only(dispatched: Send, relay: Relay) -> None:
    await dispatched(
        {"cc": [PIET], "bcc": ["Secret Eve <eve@customer.test>"], "replyTo": "s@acme.test"}
    )

    (mail,) = relay.taken
    assert mail.recipients == (JAN, PIET, EVE)
    assert b"eve" not in mail.content.lower()
    assert mail.message["Bcc"] is None
    assert (mail.message["To"], mail.message["Cc"]) == (JAN, PIET)
    assert mail.message["Reply-To"] == "s@acme.test"


async def test_two_workers_send_once(
    deps: Deps, send: Send, relay: Relay, stored: Stored, delivery_of: DeliveryOf
) -> None:
    record = await send()

    await asyncio.gather(*(delivery.dispatch(deps, str(record.id)) for _ in range(10)))

    assert len(relay.taken) == 1
    assert (await stored(record.id)).dispatches == 1
    assert (await delivery_of(record.id)).claims == 1


async def test_two_workers_deliver_once(
    deps: Deps, dispatched: Send, relay: Relay, delivery_of: DeliveryOf, clock: Clock
) -> None:
    relay.data_replies = ["451 later"]
    row = await delivery_of((await dispatched()).id)
    clock.advance(timedelta(minutes=1))

    await asyncio.gather(*(delivery.deliver(deps, str(row.id)) for _ in range(10)))

    assert len(relay.taken) == 1


async def test_what_was_sent_is_not_sent_again(
    deps: Deps, dispatched: Send, delivery_of: DeliveryOf, footprint: Footprint
) -> None:
    record = await dispatched()
    before = await footprint()

    await delivery.dispatch(deps, str(record.id))
    await delivery.deliver(deps, str((await delivery_of(record.id)).id))

    assert await footprint() == before


@pytest.mark.parametrize("id_", ["0123456789abcdef01234567", "nonsense", "", "\ud800" * 24, "\0"])
async def test_an_unknown_id_is_nothing_to_do(
    deps: Deps, footprint: Footprint, relay: Relay, id_: str
) -> None:
    before = await footprint()

    await delivery.dispatch(deps, id_)
    await delivery.deliver(deps, id_)

    assert await footprint() == before
    assert relay.connections == 0


@pytest.mark.parametrize(
    ("replies", "data_replies", "words"),
    [
        ({JAN: "451 4.7.1 greylisted, try later"}, [], f"{JAN}: 451 4.7.1 greylisted, try later"),
        ({JAN: "421 4.3.2 shutting down"}, [], f"{JAN}: 421 4.3.2 shutting down"),
        ({}, ["452 4.3.1 no space"], "452 4.3.1 no space"),
    ],
)
async def test_a_passing_refusal_is_tried_again(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    queued: Queued,
    relay: Relay,
    clock: Clock,
    replies: dict[str, str],
    data_replies: list[str],
    words: str,
) -> None:
    relay.replies, relay.data_replies = replies, data_replies
    accepted = await dispatched()

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message == f"Attempt 1 of 3 failed: {words}"
    assert record.sent_at is None
    assert [event.type for event in record.events] == [EventType.CREATE]
    assert row.status == DeliveryStatus.QUEUED
    assert row.lease is None
    assert [(a.date, a.outcome, a.detail) for a in row.attempts] == [
        (clock.now(), AttemptOutcome.TRANSIENT, words)
    ]
    assert [r.status for r in row.recipients] == [RecipientStatus.PENDING]
    assert relay.taken == []
    assert row.due_at is not None
    # The first wait is 10 s in the tests' settings, with a fifth of jitter.
    assert timedelta(seconds=8) <= row.due_at - clock.now() <= timedelta(seconds=12)
    job = f"deliver:{row.id}:1"
    assert (await queued())[job] == pytest.approx(row.due_at.timestamp() * 1000)

    relay.replies = {}
    await delivery.dispatch(deps, str(accepted.id))
    clock.advance(row.due_at - clock.now() - timedelta(milliseconds=1))
    await delivery.deliver(deps, str(row.id))
    assert relay.taken == []
    clock.advance(timedelta(milliseconds=1))
    await delivery.deliver(deps, str(row.id))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.SENT
    assert record.error_message is None
    assert record.internet_message_id == row.message_id
    assert [mail.content for mail in relay.taken] == [await octets_of(row)]
    assert [a.outcome for a in (await delivery_of(accepted.id)).attempts] == [
        AttemptOutcome.TRANSIENT,
        AttemptOutcome.SENT,
    ]


async def test_a_connection_lost_after_data_is_tried_again_with_the_same_mail(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    relay.on_data = drop_connection
    accepted = await dispatched()

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message is not None
    assert record.error_message.startswith(
        "Attempt 1 of 3 failed: the relay did not confirm the mail, which may have arrived: "
    )
    assert (await delivery_of(accepted.id)).attempts[0].outcome == AttemptOutcome.UNCERTAIN
    # The relay may have taken it: then the same mail comes again, which its Message-ID shows.
    relay.taken.clear()
    relay.on_data = None
    clock.advance(timedelta(seconds=12))
    row = await delivery_of(accepted.id)
    await delivery.deliver(deps, str(row.id))

    assert [mail.content for mail in relay.taken] == [await octets_of(row)]
    assert (await stored(accepted.id)).status == CommunicationStatus.SENT


async def test_a_mail_that_is_never_confirmed_is_not_sent_for_ever(
    deps: Deps,
    send: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    patient = replace(deps, settings=deps.settings.model_copy(update={"send_attempts": 12}))
    relay.on_data = drop_connection
    record = await send()
    await delivery.dispatch(patient, str(record.id))

    for _ in range(5):
        clock.advance(timedelta(hours=2))
        await delivery.deliver(patient, str((await delivery_of(record.id)).id))

    failed = await stored(record.id)
    row = await delivery_of(record.id)
    assert [attempt.outcome for attempt in row.attempts] == [AttemptOutcome.UNCERTAIN] * 3
    assert failed.status == CommunicationStatus.FAILED
    assert failed.error_message is not None
    assert failed.error_message.startswith("Gave up after 3 attempts: the relay did not confirm")


async def test_a_relay_that_never_answers_is_tried_again(
    open_relay: Callable[..., Deps],
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
) -> None:
    relay.on_data = never_answer

    accepted = await dispatched(over=open_relay(smtp_data_timeout=timedelta(seconds=1)))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message == (
        "Attempt 1 of 3 failed: the relay did not confirm the mail, which may have arrived: "
        "no answer within 1 seconds"
    )
    assert [a.outcome for a in (await delivery_of(accepted.id)).attempts] == [
        AttemptOutcome.UNCERTAIN
    ]


async def test_a_relay_that_is_down_is_tried_again(
    deps: Deps, open_relay: Callable[..., Deps], closed_port: int, dispatched: Send, stored: Stored
) -> None:
    accepted = await dispatched(over=open_relay(smtp_port=closed_port))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message is not None
    assert record.error_message.startswith(
        f"Attempt 1 of 3 failed: no connection to the relay 127.0.0.1:{closed_port}: "
    )


@pytest.mark.parametrize(
    ("replies", "data_replies", "words"),
    [
        ({JAN: "550 5.1.1 no such user"}, [], f"{JAN}: 550 5.1.1 no such user"),
        ({}, ["554 5.7.1 looks like spam"], "554 5.7.1 looks like spam"),
    ],
)
async def test_a_refusal_for_good_fails_with_the_relays_words(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    queued: Queued,
    relay: Relay,
    clock: Clock,
    replies: dict[str, str],
    data_replies: list[str],
    words: str,
) -> None:
    relay.replies, relay.data_replies = replies, data_replies

    accepted = await dispatched()

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == words
    assert (record.sent_at, record.message_id, record.internet_message_id) == (None, None, None)
    assert [(e.type, e.description) for e in record.events] == [
        (EventType.CREATE, None),
        (EventType.FAIL, words),
    ]
    assert row.status == DeliveryStatus.FAILED
    assert (row.due_at, row.lease) == (None, None)
    assert [(a.outcome, a.detail) for a in row.attempts] == [(AttemptOutcome.PERMANENT, words)]
    assert [r.status for r in row.recipients] == [RecipientStatus.REFUSED]
    assert list(await queued()) == [f"dispatch:{accepted.id}:0"]
    clock.advance(timedelta(days=1))
    assert await delivery.sweep(deps) == 0
    assert relay.taken == []


async def test_who_is_refused_for_good_is_named_beside_those_who_get_it(
    dispatched: Send, stored: Stored, delivery_of: DeliveryOf, relay: Relay
) -> None:
    relay.replies = {PIET: "550 no such user", EVE: "551 moved"}

    accepted = await dispatched({"recipients": [JAN, PIET], "bcc": [EVE]})

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    remark = f"Not delivered to {PIET} (550 no such user); {EVE} (551 moved)"
    assert record.status == CommunicationStatus.SENT
    assert record.error_message == remark
    assert record.events[-1].type == EventType.SEND
    assert record.events[-1].description == remark
    assert [mail.recipients for mail in relay.taken] == [(JAN,)]
    assert row.status == DeliveryStatus.SENT
    assert [(r.address, r.status, r.reply) for r in row.recipients] == [
        (JAN, RecipientStatus.ACCEPTED, None),
        (PIET, RecipientStatus.REFUSED, "550 no such user"),
        (EVE, RecipientStatus.REFUSED, "551 moved"),
    ]


async def test_only_who_was_refused_for_now_is_tried_again(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    relay.replies = {PIET: "450 busy", EVE: "550 no such user"}
    accepted = await dispatched({"recipients": [JAN, PIET, EVE]})

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    # Part of it is out: it is no longer pending, and cannot be cancelled.
    assert record.status == CommunicationStatus.SENDING
    assert record.error_message == "Attempt 1 of 3 failed: 450 busy; 550 no such user"
    assert row.waiting() == [PIET]
    assert [r.status for r in row.recipients] == [
        RecipientStatus.ACCEPTED,
        RecipientStatus.PENDING,
        RecipientStatus.REFUSED,
    ]

    relay.replies = {}
    clock.advance(timedelta(seconds=12))
    await delivery.deliver(deps, str(row.id))

    record = await stored(accepted.id)
    assert [mail.recipients for mail in relay.taken] == [(JAN,), (PIET,)]
    assert relay.taken[0].content == relay.taken[1].content
    assert record.status == CommunicationStatus.SENT
    assert record.error_message == f"Not delivered to {EVE} (550 no such user)"
    assert [e.type for e in record.events] == [EventType.CREATE, EventType.SEND]


async def test_giving_up_fails_with_the_last_words(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
    queued: Queued,
) -> None:
    relay.replies = {JAN: "450 busy"}
    accepted = await dispatched()
    row = await delivery_of(accepted.id)

    for _ in range(2):
        assert (await stored(accepted.id)).status == CommunicationStatus.PENDING
        clock.advance(timedelta(hours=2))
        await delivery.deliver(deps, str(row.id))

    record, row = await stored(accepted.id), await delivery_of(accepted.id)
    words = f"Gave up after 3 attempts: {JAN}: 450 busy"
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == words
    assert record.events[-1].description == words
    assert row.status == DeliveryStatus.FAILED
    assert [a.outcome for a in row.attempts] == [AttemptOutcome.TRANSIENT] * 3
    assert [r.status for r in row.recipients] == [RecipientStatus.REFUSED]
    assert relay.taken == []
    assert set(await queued()) == {
        f"dispatch:{accepted.id}:0",
        f"deliver:{row.id}:1",
        f"deliver:{row.id}:2",
    }


async def test_giving_up_on_some_is_sent_to_the_others(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    relay.replies = {PIET: "450 busy"}
    accepted = await dispatched({"recipients": [JAN, PIET]})
    row = await delivery_of(accepted.id)

    for _ in range(2):
        clock.advance(timedelta(hours=2))
        await delivery.deliver(deps, str(row.id))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.SENT
    assert record.error_message == f"Not delivered to {PIET} (450 busy)"
    assert record.message_id == row.message_id.strip("<>")
    assert [mail.recipients for mail in relay.taken] == [(JAN,)]


async def test_all_refused_over_several_attempts_are_all_named(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
) -> None:
    relay.replies = {JAN: "550 no such user", PIET: "450 busy"}
    accepted = await dispatched({"recipients": [JAN, PIET]})
    relay.replies = {PIET: "550 closed"}
    clock.advance(timedelta(minutes=1))

    await delivery.deliver(deps, str((await delivery_of(accepted.id)).id))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == f"{JAN}: 550 no such user; {PIET}: 550 closed"
    assert relay.taken == []


async def test_the_time_between_attempts_grows(
    adjusted: Adjusted, send: Send, delivery_of: DeliveryOf, relay: Relay, clock: Clock
) -> None:
    deps = adjusted(send_attempts=6, retry_delay_limit=timedelta(seconds=40))
    relay.replies = {JAN: "450 busy"}
    record = await send(over=deps)
    waits = []

    await delivery.dispatch(deps, str(record.id))
    for _ in range(4):
        row = await delivery_of(record.id)
        assert row.due_at is not None
        waits.append((row.due_at - clock.now()).total_seconds())
        clock.advance(row.due_at - clock.now())
        await delivery.deliver(deps, str(row.id))

    for wait, middle in zip(waits, [10, 20, 40, 40], strict=True):
        assert 0.8 * middle <= wait <= 1.2 * middle


@pytest.mark.parametrize(
    ("asked", "waited"),
    [
        (timedelta(seconds=300), timedelta(seconds=300)),
        (timedelta(days=9), timedelta(days=1)),
        (timedelta(seconds=-1), timedelta(0)),
    ],
)
async def test_the_wait_the_provider_asks_for_is_kept(
    scripted: Scripted, send: Send, delivery_of: DeliveryOf, clock: Clock,
    asked: timedelta, waited: timedelta,
) -> None:  # fmt: skip
    over, _ = scripted(TransientError("429 Too many requests", retry_after=asked))
    record = await send()

    await delivery.dispatch(over, str(record.id))

    row = await delivery_of(record.id)
    assert row.due_at is not None
    wait = row.due_at - clock.now()
    # Without a word from the provider it is 10 seconds, with a fifth of jitter.
    assert wait == waited or timedelta(seconds=8) <= wait <= timedelta(seconds=12)
    assert wait >= waited
    assert [attempt.outcome for attempt in row.attempts] == [AttemptOutcome.TRANSIENT]


async def test_a_parked_mail_waits_its_turn_and_that_is_no_attempt(
    scripted: Scripted, send: Send, stored: Stored, delivery_of: DeliveryOf, clock: Clock
) -> None:
    over, provider = scripted(
        *[ParkedError("the daily quota is used up", retry_after=timedelta(hours=2))] * 5
    )
    record = await send()
    await delivery.dispatch(over, str(record.id))

    for _ in range(4):
        row, waiting = await delivery_of(record.id), await stored(record.id)
        assert row.due_at == clock.now() + timedelta(hours=2)
        assert (row.lease, row.attempts) == (None, [])
        assert waiting.status == CommunicationStatus.PENDING
        assert waiting.error_message == "Waits for its turn: the daily quota is used up"
        clock.advance(timedelta(hours=2))
        await delivery.deliver(over, str(row.id))
    clock.advance(timedelta(hours=2))
    await delivery.deliver(over, str(row.id))

    record = await stored(record.id)
    assert (record.status, record.error_message) == (CommunicationStatus.SENT, None)
    assert len(provider.taken) == 1


async def test_a_mail_is_not_parked_for_ever(
    scripted: Scripted, send: Send, stored: Stored, delivery_of: DeliveryOf, clock: Clock
) -> None:
    over, _ = scripted(*[ParkedError("no quota", retry_after=timedelta(days=1))] * 9)
    record = await send()
    await delivery.dispatch(over, str(record.id))
    row = await delivery_of(record.id)

    for _ in range(5):
        clock.advance(timedelta(days=1))
        await delivery.deliver(over, str(row.id))

    record = await stored(record.id)
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == "Gave up after 3 attempts: no quota"


async def test_a_provider_that_is_not_set_up_here_is_tried_again(
    deps: Deps, dispatched: Send, stored: Stored
) -> None:
    accepted = await dispatched(over=replace(deps, providers={}))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    assert record.error_message == "Attempt 1 of 3 failed: SMTP is not set up on this worker"


async def test_a_fault_of_ours_does_not_lose_the_mail(
    deps: Deps,
    dispatched: Send,
    stored: Stored,
    delivery_of: DeliveryOf,
    relay: Relay,
    clock: Clock,
    faulty_provider: Any,
) -> None:
    accepted = await dispatched(over=replace(deps, providers={ProviderType.SMTP: faulty_provider}))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.PENDING
    # The fault's own words stay in the log.
    assert record.error_message == "Attempt 1 of 3 failed: internal error (ZeroDivisionError)"
    clock.advance(timedelta(seconds=12))
    await delivery.deliver(deps, str((await delivery_of(accepted.id)).id))
    assert len(relay.taken) == 1


async def test_words_in_another_charset_are_kept_readable(
    open_relay: Callable[..., Deps], script: Any, dispatched: Send, stored: Stored
) -> None:
    script.replies["RCPT"] = "550 Boîte pleine\r\n".encode("latin-1")

    accepted = await dispatched(over=open_relay(smtp_port=script.port))

    record = await stored(accepted.id)
    assert record.status == CommunicationStatus.FAILED
    assert record.error_message == f"{JAN}: 550 Bo\ufffdte pleine"


async def test_the_next_mail_of_a_conversation_answers_the_last(
    deps: Deps, dispatched: Send, stored: Stored, relay: Relay, clock: Clock
) -> None:
    ids = []
    for _ in range(3):
        record = await dispatched({"conversationId": "thread"})
        ids.append((await stored(record.id)).internet_message_id)
        clock.advance(timedelta(minutes=1))
    await dispatched({"conversationId": "another"})

    heads = [(mail.message["In-Reply-To"], mail.message["References"]) for mail in relay.taken]
    assert heads == [
        (None, None),
        (ids[0], ids[0]),
        (ids[1], f"{ids[0]} {ids[1]}"),
        (None, None),
    ]


async def test_a_conversation_of_another_tenant_is_not_answered(
    deps: Deps, send: Send, dispatched: Send, relay: Relay, other_tenant: Any
) -> None:
    await dispatched({"conversationId": "thread"})
    foreign = await send({"conversationId": "thread"}, by=other_tenant)

    await delivery.dispatch(deps, str(foreign.id))

    assert relay.taken[1].message["In-Reply-To"] is None
    assert relay.taken[1].message["References"] is None
