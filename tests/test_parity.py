"""Both doors give the same state, the same code and the same refusal."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from app.context import Deps, Scope
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.idempotency_keys import IdempotencyKey
from app.errors import ErrorCode
from app.services import delivery
from tests.doors import RECORD_FIELDS, Door, GraphqlDoor, RestDoor
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay

DOCUMENTED = {*RECORD_FIELDS, "clickedLinks", "events"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("subject missing", {"subject": None}, "subject"),
    ("subject blank", {"subject": "  "}, "subject"),
    ("subject too long", {"subject": "x" * 901}, "subject"),
    ("subject with CRLF", {"subject": "Hi\r\nBcc: x@evil.test"}, "subject"),
    ("body missing", {"body": None}, "body"),
    ("body blank", {"body": " \n "}, "body"),
    ("body with NUL", {"body": "<p>\0</p>"}, "body"),
    ("recipients missing", {"recipients": None}, "recipients"),
    ("recipients empty", {"recipients": []}, "recipients"),
    ("recipients no list of strings", {"recipients": [1]}, "recipients"),
    ("a recipient that is no address", {"recipients": ["a@b.test", "nobody"]}, "recipients[1]"),
    ("a recipient with CRLF", {"recipients": ["a@b.test\r\nBcc: x@y.test"]}, "recipients[0]"),
    ("cc that is no address", {"cc": ["a@b.test", "c@d.test", "@"]}, "cc[2]"),
    ("bcc that is no address", {"bcc": ["a b@c.test"]}, "bcc[0]"),
    ("replyTo that is no address", {"replyTo": "me"}, "replyTo"),
    ("replyTo with LF", {"replyTo": "a@b.test\nX: y"}, "replyTo"),
    ("senderEmail that is no address", {"senderEmail": "a@"}, "senderEmail"),
    ("senderName with CRLF", {"senderName": "A\r\nBcc: x@y.test"}, "senderName"),
    ("51 addresses", {"cc": ["a@b.test"] * 50}, "recipients"),
    ("unknown type", {"type": "OFFER"}, "type"),
    ("unknown provider", {"providerType": "FAX"}, "providerType"),
    ("a provider not set up", {"providerType": "RESEND"}, "providerType"),
    ("variables no object", {"variables": [1]}, "variables"),
    ("a variable missing", {"body": "{{ name }}", "variables": {}}, "body"),
    ("tracking no boolean", {"trackingEnabled": "yes"}, "trackingEnabled"),
    ("unknown template", {"templateId": "6b050e9454d4a1b9322b3eaa"}, "templateId"),
    ("unknown list", {"recipientListId": "6b050e9454d4a1b9322b3eaa"}, "recipientListId"),
]


async def stored() -> int:
    return sum([await d.get_motor_collection().count_documents({}) for d in (
        Communication, Delivery, IdempotencyKey)])  # fmt: skip


async def test_a_mail_is_accepted_and_read_back_the_same(door: Door, mail: dict[str, Any]) -> None:
    accepted = await door.send(mail)
    found = await door.find(accepted.record["id"])

    assert accepted.code is None
    assert accepted.record.keys() == DOCUMENTED
    assert found.record == accepted.record
    assert accepted.record["status"] == "PENDING"
    assert accepted.record["originalBody"] == mail["body"]


async def test_both_doors_show_one_record_alike(
    client: httpx2.AsyncClient, mail: dict[str, Any], deps: Deps
) -> None:
    rest, graphql = RestDoor(client), GraphqlDoor(client)
    accepted = await rest.send({**mail, "variables": {"a": [1, {"b": None}]}, "type": "OFFERTE"})
    await delivery.dispatch(deps, accepted.record["id"])

    by_rest = await rest.find(accepted.record["id"])
    by_graphql = await graphql.find(accepted.record["id"])

    assert by_rest.record["status"] == "SENT"
    assert by_graphql.record == by_rest.record


async def test_every_optional_field_works(door: Door, mail: dict[str, Any]) -> None:
    given = {
        **mail,
        "cc": ["Cees <cees@customer.test>"],
        "bcc": ["archive@acme.test"],
        "replyTo": "sales@acme.test",
        "senderEmail": "alice@acme.test",
        "senderName": "Alice de Vries",
        "type": "FACTUUR",
        "providerType": "SMTP",
        "relatedEntityType": "deal",
        "relatedEntityId": "42",
        "variables": {"amount": 12.5, "lines": ["a", "b"]},
        "trackingEnabled": False,
        "linkTrackingEnabled": True,
        "conversationId": "conversation-7",
    }

    accepted = await door.send(given)

    kept = {name: accepted.record[name] for name in given if name != "body"}
    assert kept == {name: value for name, value in given.items() if name != "body"}
    assert "/track/" not in accepted.record["body"]
    assert "/link/" in accepted.record["body"]


@pytest.mark.parametrize(
    ("change", "field"), [(c, f) for _, c, f in REFUSED], ids=[name for name, _, _ in REFUSED]
)
async def test_bad_input_is_named_and_nothing_is_stored(
    door: Door, mail: dict[str, Any], change: dict[str, Any], field: str, relay: Relay
) -> None:
    answer = await door.send({**mail, **change}, key="key-1")

    assert answer.code is ErrorCode.BAD_USER_INPUT
    assert field in answer.detail.replace(".[", "[")
    assert await stored() == 0
    assert relay.taken == []


async def test_a_body_over_the_limit_is_too_large(
    door: Door, mail: dict[str, Any], deps: Deps
) -> None:
    answer = await door.send({**mail, "body": "x" * (deps.settings.body_limit + 1)})

    assert answer.code is ErrorCode.PAYLOAD_TOO_LARGE
    assert await stored() == 0


async def test_the_same_key_and_body_give_the_first_answer_again(
    door: Door, mail: dict[str, Any], deps: Deps, clock: Clock, relay: Relay
) -> None:
    first = await door.send(mail, key="key-1")
    clock.advance(timedelta(hours=23, minutes=59))
    await delivery.dispatch(deps, first.record["id"])

    second = await door.send(mail, key="key-1")

    assert second.record == first.record
    assert await Communication.count() == 1
    assert len(relay.taken) == 1


async def test_the_same_key_with_another_body_is_a_conflict(
    door: Door, mail: dict[str, Any]
) -> None:
    await door.send(mail, key="key-1")

    answer = await door.send({**mail, "subject": "Another"}, key="key-1")

    assert answer.code is ErrorCode.CONFLICT
    assert await Communication.count() == 1


async def test_a_key_is_forgotten_after_a_day(
    door: Door, mail: dict[str, Any], clock: Clock
) -> None:
    first = await door.send(mail, key="key-1")
    clock.advance(timedelta(hours=24))

    second = await door.send(mail, key="key-1")

    assert second.record["id"] != first.record["id"]


async def test_a_key_used_at_one_door_holds_at_the_other(
    client: httpx2.AsyncClient, mail: dict[str, Any]
) -> None:
    first = await RestDoor(client).send(mail, key="key-1")

    second = await GraphqlDoor(client).send(mail, key="key-1")

    assert second.record == first.record
    assert await Communication.count() == 1


@pytest.mark.parametrize("id_", ["x", "6b050e9454d4a1b9322b3eaa", "%00", "..", "é" * 24])
async def test_an_unknown_record_is_not_found(door: Door, id_: str) -> None:
    assert (await door.find(id_)).code is ErrorCode.NOT_FOUND


async def test_another_tenants_record_is_not_found(
    door: Door, mail: dict[str, Any], client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    accepted = await door.send(mail)
    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"

    assert (await door.find(accepted.record["id"])).code is ErrorCode.NOT_FOUND


async def test_another_tenants_key_is_its_own(
    door: Door, mail: dict[str, Any], client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    first = await door.send(mail, key="key-1")
    client.headers["Authorization"] = f"Bearer {token(tenant='rival')}"

    second = await door.send({**mail, "subject": "Ours"}, key="key-1")

    assert second.code is None
    assert second.record["tenantId"] == "rival"
    assert second.record["id"] != first.record["id"]


async def test_without_a_token_nothing_is_done(
    door: Door, mail: dict[str, Any], client: httpx2.AsyncClient
) -> None:
    del client.headers["Authorization"]

    assert (await door.send(mail)).code is ErrorCode.UNAUTHENTICATED
    assert (await door.find("6b050e9454d4a1b9322b3eaa")).code is ErrorCode.UNAUTHENTICATED
    assert await stored() == 0


async def test_an_expired_token_is_refused(
    door: Door, mail: dict[str, Any], client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    client.headers["Authorization"] = f"Bearer {token(lifetime=timedelta(seconds=-1))}"

    assert (await door.send(mail)).code is ErrorCode.UNAUTHENTICATED
    assert await stored() == 0


async def test_sending_needs_its_scope(
    door: Door, mail: dict[str, Any], client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    client.headers["Authorization"] = f"Bearer {token(scopes=[Scope.COMMUNICATIONS_READ])}"

    answer = await door.send(mail)

    assert answer.code is ErrorCode.FORBIDDEN
    assert "communications:send" in answer.detail
    assert await stored() == 0


async def test_reading_needs_its_scope(
    door: Door, mail: dict[str, Any], client: httpx2.AsyncClient, token: Callable[..., str]
) -> None:
    accepted = await door.send(mail)
    client.headers["Authorization"] = f"Bearer {token(scopes=[Scope.COMMUNICATIONS_SEND])}"

    assert (await door.find(accepted.record["id"])).code is ErrorCode.FORBIDDEN
