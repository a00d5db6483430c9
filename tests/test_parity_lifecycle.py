"""Scheduling, cancelling, sending again, commenting and deleting: alike at both doors."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Deps, Scope
from app.documents import content
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import CommunicationStatus, DeliveryStatus
from app.errors import ErrorCode
from app.services import delivery, records
from tests.doors import Answer, Door
from tests.fakes.clock import Clock
from tests.fakes.messages import message
from tests.fakes.relay import Relay

LATER = "2026-11-24T10:30:00Z"
WAITING = {CommunicationStatus.SCHEDULED, CommunicationStatus.PENDING}
RESENDABLE = {
    CommunicationStatus.SENT,
    CommunicationStatus.DELIVERED,
    CommunicationStatus.BOUNCED,
    CommunicationStatus.COMPLAINED,
    CommunicationStatus.FAILED,
}


@pytest.fixture
async def sent(door: Door, mail: dict[str, Any], deps: Deps) -> dict[str, Any]:
    accepted = await door.send(mail)
    await delivery.dispatch(deps, accepted.record["id"])
    record: dict[str, Any] = (await door.find(accepted.record["id"])).record
    return record


async def put_in(status: CommunicationStatus) -> None:
    await Communication.get_motor_collection().update_many({}, {"$set": {"status": status.value}})


def events(record: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(event["type"], event["authorId"]) for event in record["events"]]


async def test_a_scheduled_mail_waits_for_its_time(
    door: Door, mail: dict[str, Any], deps: Deps, clock: Clock, relay: Relay
) -> None:
    accepted = await door.schedule({**mail, "scheduledAt": LATER})
    id_ = accepted.record["id"]

    clock.advance(timedelta(minutes=59, seconds=59))
    await delivery.dispatch(deps, id_)
    early = list(relay.taken)
    clock.advance(timedelta(seconds=1))
    await delivery.dispatch(deps, id_)

    found = (await door.find(id_)).record
    assert accepted.record["status"] == "SCHEDULED"
    assert accepted.record["scheduledAt"] == LATER
    assert events(accepted.record) == [("CREATE", "alice"), ("SCHEDULE", "alice")]
    assert early == []
    assert found["status"] == "SENT"
    assert found["sentAt"] == LATER
    assert len(relay.taken) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-24T10:30:00", "2026-11-24T10:30:00Z"),
        ("2026-11-24T12:30:00+02:00", "2026-11-24T10:30:00Z"),
        ("2026-11-24T10:30:00.1239Z", "2026-11-24T10:30:00.123Z"),
    ],
)
async def test_a_time_is_read_in_any_iso_form(
    door: Door, mail: dict[str, Any], text: str, shown: str
) -> None:
    answer = await door.schedule({**mail, "scheduledAt": text})

    assert answer.record["scheduledAt"] == shown


@pytest.mark.parametrize(
    "time",
    ["2026-11-24T09:30:00Z", "2019-08-24T14:15:22Z", None, "", "tomorrow", 1795514400,
     "9999-12-31T23:59:59-12:00", {}],
    ids=str,
)  # fmt: skip
async def test_a_time_that_is_past_or_none_is_refused(
    door: Door, mail: dict[str, Any], time: object
) -> None:
    answer = await door.schedule({**mail, "scheduledAt": time})

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert "scheduledAt" in answer.detail or "DateTime" in answer.detail
    assert await Communication.count() == 0


async def test_a_schedule_is_repeated_by_its_key_even_when_its_time_is_past(
    door: Door, mail: dict[str, Any], deps: Deps, clock: Clock, relay: Relay
) -> None:
    first = await door.schedule({**mail, "scheduledAt": LATER}, key="key-1")
    clock.advance(timedelta(hours=2))
    await delivery.dispatch(deps, first.record["id"])

    again = await door.schedule({**mail, "scheduledAt": LATER}, key="key-1")

    assert again.record == first.record
    assert len(relay.taken) == 1


async def test_all_scheduled_mails_are_listed_next_first(
    door: Door, mail: dict[str, Any], deps: Deps
) -> None:
    late = await door.schedule({**mail, "scheduledAt": "2026-12-24T10:00:00Z"})
    soon = await door.schedule({**mail, "scheduledAt": LATER})
    await door.send(mail)
    await door.cancel((await door.schedule({**mail, "scheduledAt": LATER})).record["id"])

    listed = await door.scheduled()

    assert listed.record == [soon.record, late.record]


async def test_a_cancelled_mail_never_goes_out(
    door: Door, mail: dict[str, Any], deps: Deps, clock: Clock, relay: Relay
) -> None:
    accepted = await door.schedule({**mail, "scheduledAt": LATER})

    cancelled = await door.cancel(accepted.record["id"])
    clock.advance(timedelta(hours=2))
    await delivery.dispatch(deps, accepted.record["id"])

    assert cancelled.record["status"] == "CANCELLED"
    assert events(cancelled.record)[-1] == ("CANCEL", "alice")
    assert cancelled.record["updatedBy"] == "alice"
    assert relay.taken == []
    assert (await door.find(accepted.record["id"])).record == cancelled.record


@pytest.mark.parametrize("status", list(CommunicationStatus))
async def test_only_what_waits_can_be_cancelled(
    door: Door, mail: dict[str, Any], status: CommunicationStatus
) -> None:
    accepted = await door.send(mail)
    await put_in(status)
    before = (await door.find(accepted.record["id"])).record

    answer = await door.cancel(accepted.record["id"])

    after = (await door.find(accepted.record["id"])).record
    if status in WAITING:
        assert after["status"] == "CANCELLED"
    else:
        assert answer.code is ErrorCode.CONFLICT
        assert after == before


async def test_cancel_and_dispatch_race_and_exactly_one_wins(
    door: Door, mail: dict[str, Any], deps: Deps, relay: Relay
) -> None:
    for _ in range(10):
        accepted = await door.send(mail)
        id_ = accepted.record["id"]
        answer, _ = await asyncio.gather(door.cancel(id_), delivery.dispatch(deps, id_))

        status = (await door.find(id_)).record["status"]
        assert status == ("CANCELLED" if answer.code is None else "SENT")
    sent = await Communication.find({"status": "SENT"}).count()
    assert len(relay.taken) == sent


async def test_a_mail_that_waits_for_another_attempt_can_be_cancelled(
    door: Door, mail: dict[str, Any], deps: Deps, relay: Relay, clock: Clock
) -> None:
    relay.data_replies = ["451 later"]
    accepted = await door.send(mail)
    await delivery.dispatch(deps, accepted.record["id"])

    cancelled = await door.cancel(accepted.record["id"])
    clock.advance(timedelta(hours=1))
    (waiting,) = await Delivery.find_all().to_list()
    await delivery.deliver(deps, str(waiting.id))

    (closed,) = await Delivery.find_all().to_list()
    assert cancelled.record["status"] == "CANCELLED"
    assert closed.status == DeliveryStatus.CANCELLED
    assert relay.taken == []


async def test_a_sent_mail_is_sent_again_under_a_new_message_id(
    door: Door, sent: dict[str, Any], deps: Deps, relay: Relay
) -> None:
    answer = await door.resend(sent["id"])
    await delivery.dispatch(deps, sent["id"])

    found = (await door.find(sent["id"])).record
    first, second = relay.taken
    assert answer.record["status"] == "PENDING"
    assert events(answer.record)[-1] == ("RESEND", "alice")
    assert [type_ for type_, _ in events(found)] == ["CREATE", "SEND", "RESEND", "SEND"]
    assert found["status"] == "SENT"
    assert found["internetMessageId"] == second.message["Message-ID"]
    assert first.message["Message-ID"] != second.message["Message-ID"]
    assert first.message["Subject"] == second.message["Subject"]
    assert await Delivery.count() == 2


async def test_a_resend_is_repeated_by_its_key_without_sending(
    door: Door, sent: dict[str, Any], deps: Deps, relay: Relay
) -> None:
    await door.resend(sent["id"], key="key-1")
    await delivery.dispatch(deps, sent["id"])

    again = await door.resend(sent["id"], key="key-1")
    await delivery.dispatch(deps, sent["id"])

    assert again.code is None
    assert len(relay.taken) == 2
    assert (await door.resend(sent["id"], key="key-2")).record["status"] == "PENDING"


async def test_a_key_of_a_send_is_no_key_of_a_resend(
    door: Door, mail: dict[str, Any], deps: Deps
) -> None:
    accepted = await door.send(mail, key="key-1")
    await delivery.dispatch(deps, accepted.record["id"])

    answer = await door.resend(accepted.record["id"], key="key-1")

    assert answer.code is ErrorCode.CONFLICT
    assert (await door.find(accepted.record["id"])).record["status"] == "SENT"


@pytest.mark.parametrize("status", list(CommunicationStatus))
async def test_only_what_is_settled_can_be_sent_again(
    door: Door, mail: dict[str, Any], status: CommunicationStatus
) -> None:
    accepted = await door.send(mail)
    await put_in(status)
    before = (await door.find(accepted.record["id"])).record

    answer = await door.resend(accepted.record["id"])

    after = (await door.find(accepted.record["id"])).record
    if status in RESENDABLE:
        assert after["status"] == "PENDING"
    else:
        assert answer.code is ErrorCode.CONFLICT
        assert after == before


async def test_a_comment_is_an_event_of_its_author(
    door: Door, sent: dict[str, Any], clock: Clock
) -> None:
    clock.advance(timedelta(minutes=5))
    answer = await door.comment(sent["id"], "Called Jan.\nHe will sign — \u20ac 5.")

    event = answer.record["events"][-1]
    assert (event["type"], event["authorId"]) == ("COMMENT", "alice")
    assert event["description"] == "Called Jan.\nHe will sign — \u20ac 5."
    assert event["date"] == answer.record["updated"] == "2026-11-24T09:35:00Z"
    assert answer.record["updatedBy"] == "alice"
    assert (await door.find(sent["id"])).record == answer.record


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001, "a\0b", None, 1, ["a"]], ids=repr)
async def test_a_comment_that_says_nothing_is_refused(
    door: Door, sent: dict[str, Any], text: object
) -> None:
    answer = await door.comment(sent["id"], text)

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert (await door.find(sent["id"])).record == sent


async def test_a_record_that_comments_have_filled_takes_no_more(
    door: Door, mail: dict[str, Any], deps: Deps
) -> None:
    id_ = (await door.send(mail)).record["id"]
    await door.comment(id_, "first")
    collection = Communication.get_motor_collection()
    last = {"$arrayElemAt": ["$events", -1]}
    long = {"$mergeObjects": [last, {"description": "x" * 10_000}]}
    many = {"$map": {"input": {"$range": [0, 1300]}, "in": long}}
    await collection.update_many({}, [{"$set": {"events": {"$concatArrays": ["$events", many]}}}])

    answer = await door.comment(id_, "x" * 10_000)

    assert answer.code is ErrorCode.CONFLICT
    await delivery.dispatch(deps, id_)
    assert (await door.find(id_)).record["status"] == "SENT"


async def test_a_deleted_record_is_gone_at_once(door: Door, sent: dict[str, Any]) -> None:
    answer = await door.delete(sent["id"])

    assert answer.code is None
    assert (await door.find(sent["id"])).code is ErrorCode.NOT_FOUND
    assert (await door.delete(sent["id"])).code is ErrorCode.NOT_FOUND
    assert (await door.comment(sent["id"], "late")).code is ErrorCode.NOT_FOUND
    assert (await door.resend(sent["id"])).code is ErrorCode.NOT_FOUND


@pytest.mark.parametrize("scheduled", [True, False])
async def test_a_deleted_mail_never_goes_out(
    door: Door, mail: dict[str, Any], scheduled: bool, deps: Deps, clock: Clock, relay: Relay
) -> None:
    accepted = await (
        door.schedule({**mail, "scheduledAt": LATER}) if scheduled else door.send(mail)
    )

    await door.delete(accepted.record["id"])
    clock.advance(timedelta(hours=2))
    await delivery.dispatch(deps, accepted.record["id"])

    assert relay.taken == []
    assert (await door.scheduled()).record == []
    assert await Communication.due(deps.now(), 10) == []


async def test_links_of_a_deleted_mail_keep_leading_somewhere_until_it_is_purged(
    door: Door, sent: dict[str, Any], deps: Deps, clock: Clock, client: httpx2.AsyncClient
) -> None:
    link = sent["clickedLinks"][0]["url"].removeprefix("http://mail.example.test")
    await door.delete(sent["id"])

    clock.advance(deps.settings.retention - timedelta(seconds=1))
    kept = await records.purge(deps)
    before = await client.get(link)
    clock.advance(timedelta(seconds=1))
    purged = await records.purge(deps)
    after = await client.get(link)

    assert (kept, before.status_code) == (0, 302)
    assert (purged, after.status_code) == (1, 404)
    assert await Communication.count() == 0
    assert await Delivery.count() == 0


async def test_a_record_whose_body_is_lost_can_be_deleted(door: Door, mail: dict[str, Any]) -> None:
    id_ = (await door.send({**mail, "body": "x" * content.INLINE_LIMIT})).record["id"]
    database: Any = Communication.get_motor_collection().database
    await database["communications.content.files"].delete_many({})

    assert (await door.delete(id_)).code is None
    assert (await door.delete(id_)).code is ErrorCode.NOT_FOUND


async def test_a_list_is_deleted_and_unknown_ids_are_passed_over(
    door: Door, mail: dict[str, Any]
) -> None:
    ids = [(await door.send(mail)).record["id"] for _ in range(3)]

    answer = await door.delete_list([ids[0], "unknown", "6b050e9454d4a1b9322b3eaa", ids[2]])

    assert answer.code is None
    assert (await door.find(ids[0])).code is ErrorCode.NOT_FOUND
    assert (await door.find(ids[1])).code is None
    assert (await door.find(ids[2])).code is ErrorCode.NOT_FOUND


CHANGES: dict[str, Callable[[Door, str], Awaitable[Answer]]] = {
    "cancel": lambda door, id_: door.cancel(id_),
    "resend": lambda door, id_: door.resend(id_),
    "comment": lambda door, id_: door.comment(id_, "hello"),
    "delete": lambda door, id_: door.delete(id_),
    "delete-list": lambda door, id_: door.delete_list([id_]),
}
NEEDED = {
    "cancel": Scope.COMMUNICATIONS_SEND,
    "resend": Scope.COMMUNICATIONS_SEND,
    "comment": Scope.COMMUNICATIONS_WRITE,
    "delete": Scope.COMMUNICATIONS_DELETE,
    "delete-list": Scope.COMMUNICATIONS_DELETE,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("id_", ["unknown", "6b050e9454d4a1b9322b3eaa"])
async def test_an_unknown_record_is_not_found(door: Door, change: str, id_: str) -> None:
    answer = await CHANGES[change](door, id_)

    assert answer.code is (None if change == "delete-list" else ErrorCode.NOT_FOUND)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("status", [CommunicationStatus.PENDING, CommunicationStatus.SENT])
async def test_another_tenants_record_is_not_found_and_unchanged(
    door: Door,
    mail: dict[str, Any],
    change: str,
    status: CommunicationStatus,
    client: httpx2.AsyncClient,
    token: Callable[..., str],
) -> None:
    accepted = await door.send(mail)
    await put_in(status)
    before = (await door.find(accepted.record["id"])).record
    ours = client.headers["Authorization"]

    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"
    answer = await CHANGES[change](door, accepted.record["id"])
    client.headers["Authorization"] = ours

    assert answer.code is (None if change == "delete-list" else ErrorCode.NOT_FOUND)
    assert (await door.find(accepted.record["id"])).record == before


@pytest.mark.parametrize("change", CHANGES)
async def test_each_change_needs_its_scope(
    door: Door,
    sent: dict[str, Any],
    change: str,
    client: httpx2.AsyncClient,
    token: Callable[..., str],
) -> None:
    ours = client.headers["Authorization"]
    others = [scope for scope in Scope if scope != NEEDED[change]]

    client.headers["Authorization"] = f"Bearer {token(scopes=others)}"
    forbidden = await CHANGES[change](door, sent["id"])
    del client.headers["Authorization"]
    unauthenticated = await CHANGES[change](door, sent["id"])
    client.headers["Authorization"] = ours

    assert forbidden.code is ErrorCode.FORBIDDEN
    assert NEEDED[change].value in forbidden.detail
    assert unauthenticated.code is ErrorCode.UNAUTHENTICATED
    assert (await door.find(sent["id"])).record == sent


async def test_an_answer_calls_a_follow_up_off(
    door: Door, mail: dict[str, Any], deps: Deps, clock: Clock
) -> None:
    first = (await door.send(mail)).record
    await delivery.dispatch(deps, first["id"])
    sent = (await door.find(first["id"])).record
    follow_up = {"conversationId": sent["conversationId"], "cancelOnReply": True}
    planned = (await door.schedule({**mail, **follow_up, "scheduledAt": LATER})).record
    clock.advance(timedelta(minutes=1))

    reply = (await door.ingest(message(in_reply_to=sent["internetMessageId"]))).record

    found = (await door.find(planned["id"])).record
    assert (planned["status"], found["status"]) == ("SCHEDULED", "CANCELLED")
    assert events(found)[-1] == ("CANCEL", None)
    assert found["events"][-1]["description"] == f"answered by {reply['id']}"


async def test_a_follow_up_that_nothing_calls_off_is_refused(
    door: Door, mail: dict[str, Any], footprint: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    before = await footprint()

    answer = await door.schedule({**mail, "cancelOnReply": True, "scheduledAt": LATER})

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert answer.detail == (
        "cancelOnReply: needs the conversationId in which a reply is waited for"
    )
    assert await footprint() == before
