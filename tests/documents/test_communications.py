import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Deps
from app.documents import dispatches
from app.documents.answers import as_accepted
from app.documents.communications import ClickedLink, Communication
from app.documents.vocabulary import CommunicationStatus, EventType
from tests.fakes.clock import Clock

Store = Callable[..., Awaitable[Communication]]
RowOf = Callable[[Communication], Awaitable[dict[str, Any] | None]]
Move = Callable[[Communication, Deps], Awaitable[Communication | None]]

S = CommunicationStatus
MOVES: dict[str, tuple[Move, set[S], S]] = {
    "begin_dispatch": (
        lambda record, deps: dispatches.begin(
            str(record.id), now=deps.now(), until=deps.now() + timedelta(seconds=30)
        ),
        {S.SCHEDULED, S.PENDING, S.SENDING},
        S.SENDING,
    ),
    "start_sending": (
        lambda record, deps: dispatches.continue_(record.id, deps.now()),
        {S.PENDING, S.SENDING},
        S.SENDING,
    ),
    "wait_for_retry, cancellable": (
        lambda record, deps: Communication.wait_for_retry(
            record.id, now=deps.now(), reason="busy", cancellable=True
        ),
        {S.SENDING},
        S.PENDING,
    ),
    "wait_for_retry, partly out": (
        lambda record, deps: Communication.wait_for_retry(
            record.id, now=deps.now(), reason="busy", cancellable=False
        ),
        {S.SENDING},
        S.SENDING,
    ),
    "sent": (
        lambda record, deps: Communication.make(
            record.id,
            Communication.sent(
                now=deps.now(),
                message_id="1",
                internet_message_id="<1@acme.test>",
                remark=None,
            ),
        ),
        {S.SENDING, S.PENDING},
        S.SENT,
    ),
    "mark_failed": (
        lambda record, deps: Communication.mark_failed(record.id, now=deps.now(), reason="no"),
        {S.SENDING, S.PENDING},
        S.FAILED,
    ),
}


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("name", MOVES)
async def test_a_move_leaves_only_the_states_it_names(
    deps: Deps, store_communication: Store, row_of: RowOf, name: str, status: S
) -> None:
    move, leaving, destination = MOVES[name]
    record = await store_communication(status=status)
    before = await row_of(record)

    moved = await move(record, deps)

    if status in leaving:
        assert moved is not None
        assert moved.status == destination
        assert (await Communication.get(record.id)) == moved
    else:
        assert moved is None
        assert await row_of(record) == before


@pytest.mark.parametrize("name", MOVES)
async def test_a_move_of_an_unknown_record_makes_none(
    deps: Deps, store_communication: Store, name: str
) -> None:
    record = await store_communication()
    await record.delete()

    assert await MOVES[name][0](record, deps) is None
    assert await Communication.count() == 0


@pytest.mark.parametrize("name", ["begin_dispatch", "sent", "mark_failed"])
async def test_of_many_movers_one_wins(deps: Deps, store_communication: Store, name: str) -> None:
    record = await store_communication()

    moved = await asyncio.gather(*(MOVES[name][0](record, deps) for _ in range(20)))

    assert sum(one is not None for one in moved) == 1


async def test_a_record_that_is_not_due_is_not_dispatched(
    deps: Deps, store_communication: Store, row_of: RowOf
) -> None:
    record = await store_communication(dispatch_at=deps.now() + timedelta(milliseconds=1))
    before = await row_of(record)

    assert await MOVES["begin_dispatch"][0](record, deps) is None
    assert await row_of(record) == before


async def test_a_dispatch_is_counted_and_comes_back(deps: Deps, store_communication: Store) -> None:
    record = await store_communication()

    begun = await MOVES["begin_dispatch"][0](record, deps)

    assert begun is not None
    assert begun.dispatches == 1
    assert begun.dispatch_at == deps.now() + timedelta(seconds=30)


async def test_sending_ends_the_dispatch_and_is_nobodys_update(
    deps: Deps, store_communication: Store, clock: Clock
) -> None:
    record = await store_communication()
    clock.advance(timedelta(seconds=1))

    sending = await dispatches.continue_(record.id, clock.now())

    assert sending is not None
    assert (sending.dispatch_at, sending.updated_by) == (None, None)
    assert sending.updated == clock.now()


async def test_what_was_sent_forgets_why_it_waited(
    store_communication: Store, clock: Clock
) -> None:
    record = await store_communication(status=S.SENDING, error_message="busy")

    sent = await Communication.make(
        record.id,
        Communication.sent(
            now=clock.now(),
            message_id="1",
            internet_message_id="<1@acme.test>",
            remark=None,
        ),
    )

    assert sent is not None
    assert (sent.error_message, sent.sent_at) == (None, clock.now())
    assert (sent.message_id, sent.internet_message_id) == ("1", "<1@acme.test>")
    assert [(e.type, e.author_id) for e in sent.events] == [
        (EventType.CREATE, "alice"),
        (EventType.SEND, None),
    ]


async def test_a_failure_is_not_dispatched_again(store_communication: Store, clock: Clock) -> None:
    record = await store_communication()

    failed = await Communication.mark_failed(record.id, now=clock.now(), reason="no such user")

    assert failed is not None
    assert (failed.dispatch_at, failed.error_message) == (None, "no such user")
    assert [row[:2] for row in await Communication.due(clock.now(), 10)] == []


@pytest.mark.parametrize(
    "id_", ["nonsense", "", "0" * 23, "0" * 25, "\ud800" * 24, "0" * 22 + "  "]
)
async def test_a_malformed_id_finds_nothing(deps: Deps, id_: str) -> None:
    assert await Communication.of_tenant("acme", id_) is None
    assert await Communication.shown("acme", id_) is None
    assert await dispatches.begin(id_, now=deps.now(), until=deps.now()) is None


async def test_a_record_is_found_by_its_own_tenant_only(store_communication: Store) -> None:
    record = await store_communication()

    assert await Communication.of_tenant("acme", str(record.id)) == record
    assert await Communication.of_tenant("acme", str(record.id).upper()) == record
    assert await Communication.of_tenant("globex", str(record.id)) is None
    assert await Communication.of_tenant("", str(record.id)) is None
    assert await Communication.of_tenant("acme", str(PydanticObjectId())) is None


def test_the_tenant_of_a_filter_is_the_callers() -> None:
    criteria = Communication.owned("acme", {"tenantId": "globex", "status": "SENT"})

    assert (criteria["tenantId"], criteria["status"]) == ("acme", "SENT")


async def test_names_are_stored_as_documented(
    store_communication: Store, row_of: RowOf, clock: Clock
) -> None:
    record = await store_communication()

    row = await row_of(record)

    assert row is not None
    expected = {
        "_id": record.id,
        "tenantId": "acme",
        "created": clock.now(),
        "status": "PENDING",
        "subject": "Your offer",
        "body": "<p>as sent</p>",
        "originalBody": "<p>as given</p>",
        "senderEmail": "crm@acme.test",
        "recipients": ["jan@customer.test"],
        "cc": [],
        "bcc": [],
        "providerType": "SMTP",
        "conversationId": "thread",
        "trackingEnabled": True,
        "linkTrackingEnabled": True,
        "opened": False,
        "openCount": 0,
        "clickedLinks": [
            {
                "originalUrl": "https://acme.test",
                "url": "https://t.test",
                "clickCount": 0,
                "machineClickCount": 0,
            }
        ],
        "createdBy": "alice",
        "updated": clock.now(),
        "updatedBy": "alice",
        "trackingId": "tracking",
        "dispatchAt": clock.now(),
        "dispatches": 0,
    }
    assert {name: row.get(name) for name in expected} == expected
    (event,) = row["events"]
    assert (event["type"], event["date"], event["authorId"]) == ("CREATE", clock.now(), "alice")
    assert None not in row.values()


async def test_an_id_is_stored_once(store_communication: Store, row_of: RowOf) -> None:
    record = await store_communication()
    before = await row_of(record)

    assert await record.model_copy(update={"subject": "Another"}).store() is False
    assert await row_of(record) == before


@pytest.mark.parametrize("length", [4 * 1024 * 1024, 4 * 1024 * 1024 + 1])
async def test_bodies_are_read_back_whatever_their_size(
    store_communication: Store, row_of: RowOf, length: int
) -> None:
    record = await store_communication(body="é" + "x" * (length - 5), original_body="abc")

    row = await row_of(record)
    found = await Communication.shown("acme", str(record.id))

    assert row is not None
    assert ("contentId" in row) is (length > 4 * 1024 * 1024)
    assert found is not None
    assert (found.body, found.original_body) == (record.body, "abc")


async def test_due_are_those_whose_time_has_come_longest_first(
    store_communication: Store, clock: Clock
) -> None:
    now = clock.now()
    late = await store_communication(dispatch_at=now, dispatches=2)
    earlier = await store_communication(dispatch_at=now - timedelta(hours=1))
    await store_communication(dispatch_at=now + timedelta(milliseconds=1))
    await store_communication(dispatch_at=None)

    assert [row[:2] for row in await Communication.due(now, 10)] == [
        (str(earlier.id), 0),
        (str(late.id), 2),
    ]
    assert [row[:2] for row in await Communication.due(now, 1)] == [(str(earlier.id), 0)]


async def test_the_status_of_a_record(store_communication: Store) -> None:
    record = await store_communication(status=S.BOUNCED)

    assert await Communication.status_of(record.id) == S.BOUNCED
    assert await Communication.status_of(PydanticObjectId()) is None


async def test_the_first_answer_of_a_record_that_has_lived(
    store_communication: Store, clock: Clock
) -> None:
    record = await store_communication()
    lived = record.model_copy(
        update={
            "status": S.DELIVERED,
            "message_id": "1",
            "internet_message_id": "<1@acme.test>",
            "sent_at": clock.now(),
            "error_message": "Not delivered to x",
            "opened": True,
            "opened_at": clock.now(),
            "last_opened_at": clock.now(),
            "open_count": 7,
            "clicked_links": [
                ClickedLink(
                    original_url="https://acme.test",
                    url="https://t.test",
                    click_count=3,
                    clicked_at=clock.now(),
                    last_clicked_at=clock.now(),
                )
            ],
            "events": record.events * 3,
            "updated": clock.now() + timedelta(hours=1),
            "updated_by": None,
        }
    )

    assert as_accepted(lived) == record


async def test_the_first_answer_of_a_scheduled_record(
    store_communication: Store, clock: Clock
) -> None:
    record = await store_communication(status=S.SENT, scheduled_at=clock.now())

    assert as_accepted(record).status == S.SCHEDULED
