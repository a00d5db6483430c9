from collections.abc import Awaitable, Callable
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest

from app.context import Deps
from app.documents.communications import Communication
from app.documents.deliveries import Delivery
from app.documents.vocabulary import DeliveryStatus, RecipientStatus
from app.mail.compose import compose
from app.mail.stored import load
from app.services import envelopes
from tests.fakes.clock import Clock


def written(row: Delivery) -> EmailMessage:
    """The mail of a delivery as SMTP carries it."""
    assert row.message is not None
    return message_from_bytes(compose(load(row.message)), EmailMessage, policy=default)


Send = Callable[..., Awaitable[Communication]]


async def test_the_envelope_of_a_record(deps: Deps, send: Send, clock: Clock) -> None:
    record = await send({"bcc": ["eve@customer.test"]})
    clock.advance(timedelta(seconds=1))

    row = await envelopes.prepare(deps, record)

    assert row.tenant_id == "acme"
    assert row.communication_id == record.id
    assert row.tracking_id == record.tracking_id
    assert (row.status, row.sending) == (DeliveryStatus.QUEUED, 1)
    assert row.created == row.due_at == clock.now()
    assert [(r.address, r.status) for r in row.recipients] == [
        ("jan@customer.test", RecipientStatus.PENDING),
        ("eve@customer.test", RecipientStatus.PENDING),
    ]
    assert (row.claims, row.attempts, row.lease) == (0, [], None)


async def test_the_mail_of_a_record(
    deps: Deps, send: Send, clock: Clock, mail: dict[str, Any]
) -> None:
    record = await send({"subject": "Größe", "body": "<p>Zoë 🦤 <b>bold</b></p>"})

    row = await envelopes.prepare(deps, record)

    message = written(row)
    assert message["From"] == "Acme <crm@acme.test>"
    assert message["Subject"] == "Größe"
    assert message["Message-ID"] == row.message_id
    assert message["Date"].datetime == clock.now()
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().strip() == "Zoë 🦤 bold"
    assert html.get_content().rstrip("\r\n") == record.body


async def test_the_text_shows_where_links_really_lead(deps: Deps, send: Send) -> None:
    row = await envelopes.prepare(deps, await send())

    message = written(row)
    plain = message.get_body(("plain",))
    assert plain is not None
    assert "https://acme.test/offer?id=1&x=2" in plain.get_content()
    assert "mail.example.test" not in plain.get_content()


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ({"senderEmail": "Alice <alice@acme.test>"}, "Alice <alice@acme.test>"),
        (
            {"senderEmail": "Alice <alice@acme.test>", "senderName": "Ms A"},
            "Ms A <alice@acme.test>",
        ),
        ({"senderEmail": "alice@acme.test"}, "alice@acme.test"),
    ],
)
async def test_the_sender_in_the_head(
    deps: Deps, send: Send, sender: dict[str, str], expected: str
) -> None:
    row = await envelopes.prepare(deps, await send(sender))

    assert written(row)["From"] == expected


async def test_nobody_gets_it_twice(deps: Deps, send: Send) -> None:
    record = await send(
        {
            "recipients": ["Jan <jan@customer.test>", "JAN@customer.test"],
            "cc": ["jan@CUSTOMER.test", "piet@customer.test"],
            "bcc": ["Piet@customer.test"],
        }
    )

    row = await envelopes.prepare(deps, record)

    assert [r.address for r in row.recipients] == ["jan@customer.test", "piet@customer.test"]


async def test_a_large_body_is_read_back_and_composed(deps: Deps, send: Send) -> None:
    body = "<p>" + "large " * 400_000 + "</p>"
    record = await send({"body": body, "trackingEnabled": False})
    found = await Communication.of_tenant("acme", str(record.id))
    assert found is not None
    assert found.body == ""

    row = await envelopes.prepare(deps, found)

    html = written(row).get_body(("html",))
    assert html is not None
    assert html.get_content().rstrip("\r\n") == body


async def test_the_mail_is_made_anew_for_each_preparation(deps: Deps, send: Send) -> None:
    record = await send()

    first, second = await envelopes.prepare(deps, record), await envelopes.prepare(deps, record)

    assert first.message_id != second.message_id
