"""Received mail, threads, timelines and analytics: both doors alike."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Deps, Scope
from app.documents.communications import Communication
from app.documents.inbound_messages import InboundMessage
from app.errors import ErrorCode
from app.services import delivery
from tests.doors import Door, GraphqlDoor, RestDoor
from tests.fakes.clock import Clock
from tests.fakes.messages import message

DEAL = {"relatedEntityType": "deal", "relatedEntityId": "42"}
UNKNOWN = "6b050e9454d4a1b9322b3eaa"


@pytest.fixture
def exchange(
    door: Door, deps: Deps, clock: Clock, mail: dict[str, Any]
) -> Callable[[], Awaitable[tuple[dict[str, Any], dict[str, Any]]]]:
    """A mail that is out and the reply to it, a minute later, as the door shows them."""

    async def have() -> tuple[dict[str, Any], dict[str, Any]]:
        accepted = (await door.send({**mail, **DEAL, "cc": ["cees@acme.test"]})).record
        await delivery.dispatch(deps, accepted["id"])
        sent = (await door.find(accepted["id"])).record
        clock.advance(timedelta(minutes=1))
        reply = (await door.ingest(message(in_reply_to=sent["internetMessageId"]))).record
        return (await door.find(sent["id"])).record, reply

    return have


Exchange = Callable[[], Awaitable[tuple[dict[str, Any], dict[str, Any]]]]


async def test_a_received_message_is_shown_as_documented(exchange: Exchange) -> None:
    sent, reply = await exchange()

    event = reply.pop("events")[0]
    assert {**event, "id": ""} == {
        "authorId": "alice",
        "date": "2026-11-24T09:31:00Z",
        "description": None,
        "id": "",
        "type": "CREATE",
    }
    assert {**reply, "id": ""} == {
        "bodyHtml": None,
        "bodyText": "Fine!",
        "cc": ["piet@customer.test"],
        "conversationId": sent["conversationId"],
        "created": "2026-11-24T09:31:00Z",
        "createdBy": "alice",
        "fromEmail": "jan@customer.test",
        "fromName": "Jan",
        "graphMessageId": None,
        "id": "",
        "inReplyTo": sent["internetMessageId"],
        "internetMessageId": "<reply@customer.test>",
        "parentCommunicationId": sent["id"],
        "receivedAt": "2026-11-24T09:31:00Z",
        "recipients": ["crm@acme.test"],
        "relatedEntityId": "42",
        "relatedEntityType": "deal",
        "status": "NEW",
        "subject": "Re: Your offer",
        "tenantId": "acme",
        "updated": "2026-11-24T09:31:00Z",
        "updatedBy": "alice",
    }
    assert [one["type"] for one in sent["events"]] == ["CREATE", "SEND", "REPLY"]


async def test_what_is_handed_in_again_gives_the_same_answer(
    door: Door, client: httpx2.AsyncClient
) -> None:
    first = await door.ingest(message())

    assert (await RestDoor(client).ingest(message())).record == first.record
    assert (await GraphqlDoor(client).ingest(message())).record == first.record
    assert await InboundMessage.count() == 1


async def test_a_thread_holds_both_directions_oldest_first(
    door: Door, exchange: Exchange, deps: Deps, clock: Clock, mail: dict[str, Any]
) -> None:
    sent, reply = await exchange()
    clock.advance(timedelta(minutes=1))
    second = (await door.ingest(message("<2@c.test>", in_reply_to="<reply@customer.test>"))).record
    conversation = {"conversationId": sent["conversationId"]}
    waiting = (await door.send({**mail, **conversation, "subject": "Then"})).record
    await door.ingest(message("<other@c.test>"))

    found = await door.thread(waiting["id"])

    sent = (await door.find(sent["id"])).record
    assert found.record == {"inbound": [reply, second], "outbound": [sent, waiting]}
    assert await door.thread(sent["id"]) == found


async def test_bodies_of_any_size_stand_in_a_thread(door: Door, mail: dict[str, Any]) -> None:
    text = "Zoë " * 1_500_000
    accepted = (await door.send({**mail, "body": f"<p>{text}</p>"})).record
    raw = b"Message-ID: <big@c.test>\n\n" + text.encode()
    reply = (await door.ingest(raw)).record

    found = await door.thread(accepted["id"])

    assert found.record["outbound"] == [accepted]
    assert accepted["originalBody"] == f"<p>{text}</p>"
    assert reply["bodyText"] == text


async def test_a_timeline_holds_both_directions_newest_first(
    door: Door, exchange: Exchange, clock: Clock, mail: dict[str, Any]
) -> None:
    sent, reply = await exchange()
    at = "2026-12-01T08:00:00Z"
    planned = (await door.schedule({**mail, **DEAL, "scheduledAt": at})).record
    clock.advance(timedelta(minutes=1))
    waiting = (await door.send({**mail, **DEAL})).record
    await door.send({**mail, "relatedEntityType": "deal", "relatedEntityId": "43"})

    found = (await door.timeline("deal", "42")).record

    shown = [(entry["id"], entry["direction"], entry["date"], entry["status"]) for entry in found]
    assert shown == [
        (planned["id"], "OUTBOUND", at, "SCHEDULED"),
        (waiting["id"], "OUTBOUND", "2026-11-24T09:32:00Z", "PENDING"),
        (reply["id"], "INBOUND", "2026-11-24T09:31:00Z", "NEW"),
        (sent["id"], "OUTBOUND", "2026-11-24T09:30:00Z", "SENT"),
    ]
    assert found[2:] == [
        {
            "bodyHtml": None,
            "bodyText": "Fine!",
            "cc": ["piet@customer.test"],
            "conversationId": sent["conversationId"],
            "date": "2026-11-24T09:31:00Z",
            "direction": "INBOUND",
            "fromEmail": "jan@customer.test",
            "fromName": "Jan",
            "id": reply["id"],
            "opened": False,
            "recipients": ["crm@acme.test"],
            "status": "NEW",
            "subject": "Re: Your offer",
        },
        {
            "bodyHtml": sent["body"],
            "bodyText": None,
            "cc": ["cees@acme.test"],
            "conversationId": sent["conversationId"],
            "date": "2026-11-24T09:30:00Z",
            "direction": "OUTBOUND",
            "fromEmail": "crm@acme.test",
            "fromName": "Acme",
            "id": sent["id"],
            "opened": False,
            "recipients": ["jan@customer.test"],
            "status": "SENT",
            "subject": "Your offer",
        },
    ]


async def test_an_entity_without_mail_has_an_empty_timeline(door: Door) -> None:
    assert (await door.timeline("deal", "44")).record == []


async def test_analytics_are_shown_as_documented(
    door: Door, deps: Deps, mail: dict[str, Any]
) -> None:
    accepted = (await door.send({**mail, "type": "OFFERTE"})).record
    await delivery.dispatch(deps, accepted["id"])
    rates = {"clickRate": 0, "openRate": 0, "totalClicked": 0, "totalOpened": 0, "totalSent": 1}

    found = await door.analytics()

    assert found.record == {
        **rates,
        "failureRate": 0,
        "byTemplate": [],
        "byType": [{"type": "OFFERTE", **rates}],
        "sendVolumeByDay": [{"count": 1, "date": "2026-11-24"}],
    }


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        ({"from": "2026-11-24T09:30:00Z"}, ["2026-11-24"]),
        ({"from": "2026-11-24T09:30:00.001Z"}, []),
        ({"to": "2026-11-24T09:30:00Z"}, []),
        ({"from": "2026-11-24", "to": "2026-11-25T00:00"}, ["2026-11-24"]),
        ({"timezone": "Pacific/Kiritimati"}, ["2026-11-24"]),
        ({"timezone": "Pacific/Auckland"}, ["2026-11-24"]),
        ({"timezone": "Pacific/Honolulu"}, ["2026-11-23"]),
    ],
)
async def test_a_period_and_its_days(
    door: Door, deps: Deps, mail: dict[str, Any], asked: dict[str, str], days: list[str]
) -> None:
    accepted = (await door.send(mail)).record
    await delivery.dispatch(deps, accepted["id"])

    found = (await door.analytics(**asked)).record

    assert [day["date"] for day in found["sendVolumeByDay"]] == days
    assert found["totalSent"] == len(days)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"from": "2026-11-25T00:00:00Z", "to": "2026-11-24T00:00:00Z"}, "from"),
        ({"from": "yesterday"}, "from"),
        ({"to": "0001-01-01T00:00:00+14:00"}, "to"),
        ({"timezone": "Europe/Nowhere"}, "timezone"),
        ({"timezone": "+01:00"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"timezone": ""}, "timezone"),
    ],
)
async def test_a_period_that_is_none_is_refused(
    door: Door, asked: dict[str, str], field: str
) -> None:
    answer = await door.analytics(**asked)

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert field in answer.detail


@pytest.mark.parametrize(("entity_type", "entity_id"), [("", "42"), ("deal", " "), ("", "")])
async def test_a_blank_entity_is_refused(door: Door, entity_type: str, entity_id: str) -> None:
    answer = await door.timeline(entity_type, entity_id)

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert "is required" in answer.detail


async def test_an_empty_message_is_refused(door: Door) -> None:
    answer = await door.ingest(b"")

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert await InboundMessage.count() == 0


async def test_whom_the_envelope_named_is_kept(door: Door) -> None:
    first = await door.ingest(message(), ["Sales+x@acme.test", "crm@bücher.test"])
    await door.ingest(message(), ["crm@acme.test", "Sales+x@acme.test"])

    kept = await InboundMessage.get(first.record["id"])
    assert kept is not None
    assert kept.envelope_recipients == ["Sales+x@acme.test", "crm@bücher.test", "crm@acme.test"]
    assert kept.recipients == ["crm@acme.test"]


@pytest.mark.parametrize(
    ("recipients", "words"),
    [
        (["crm@acme.test", "nobody"], "[1]: must be an address such as crm@acme.example"),
        ([""], "[0]: must be an address such as crm@acme.example"),
        (["crm@acme.test\r\nBcc: x"], "[0]: must be an address such as crm@acme.example"),
        (["x" * 310 + "@acme.test"], "[0]: must be an address such as crm@acme.example"),
        (["crm@acme.test"] * 1001, ": must be at most 1000 addresses"),
    ],
    ids=["second", "empty", "line break", "long", "many"],
)
async def test_who_is_no_recipient_is_refused(
    door: Door, recipients: list[str], words: str
) -> None:
    answer = await door.ingest(message(), recipients)

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert words in answer.detail
    assert await InboundMessage.count() == 0


async def test_a_message_over_the_limit_is_refused(door: Door, deps: Deps) -> None:
    answer = await door.ingest(b"x" * (deps.settings.inbound_limit + 1))

    assert answer.code is ErrorCode.PAYLOAD_TOO_LARGE
    assert await InboundMessage.count() == 0


@pytest.mark.parametrize("id_", ["x", UNKNOWN, "é" * 24])
async def test_an_unknown_thread_is_not_found(door: Door, id_: str) -> None:
    assert (await door.thread(id_)).code is ErrorCode.NOT_FOUND


async def test_another_tenant_sees_and_changes_nothing(
    door: Door,
    exchange: Exchange,
    client: httpx2.AsyncClient,
    token: Callable[..., str],
    footprint: Callable[[], Awaitable[dict[str, Any]]],
) -> None:
    sent, _ = await exchange()
    before = await footprint()
    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"

    assert (await door.thread(sent["id"])).code is ErrorCode.NOT_FOUND
    assert (await door.timeline("deal", "42")).record == []
    assert (await door.analytics()).record["totalSent"] == 0
    assert await footprint() == before

    theirs = (await door.ingest(message(in_reply_to=sent["internetMessageId"]))).record
    assert theirs["parentCommunicationId"] is None
    found = await Communication.shown("acme", sent["id"])
    assert found is not None
    assert [event.type for event in found.events] == ["CREATE", "SEND", "REPLY"]


async def test_without_a_token_nothing_is_told_or_done(
    door: Door, client: httpx2.AsyncClient
) -> None:
    del client.headers["Authorization"]

    for answer in (
        await door.ingest(message()),
        await door.thread(UNKNOWN),
        await door.timeline("deal", "42"),
        await door.analytics(),
    ):
        assert answer.code is ErrorCode.UNAUTHENTICATED
    assert await InboundMessage.count() == 0


async def test_each_needs_its_scope(
    door: Door, client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    reading = Scope.COMMUNICATIONS_READ
    client.headers["Authorization"] = f"Bearer {token(scopes=[s for s in Scope if s != reading])}"
    for answer in (
        await door.thread(UNKNOWN),
        await door.timeline("deal", "42"),
        await door.analytics(),
    ):
        assert answer.code is ErrorCode.FORBIDDEN
        assert "communications:read" in answer.detail

    client.headers["Authorization"] = f"Bearer {token(scopes=[reading])}"
    answer = await door.ingest(message())
    assert answer.code is ErrorCode.FORBIDDEN
    assert "inbound:write" in answer.detail
    assert await InboundMessage.count() == 0
