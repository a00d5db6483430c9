from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from beanie import PydanticObjectId

from app.context import Caller, Deps, Scope
from app.documents.communications import ClickedLink, Communication
from app.documents.deliveries import Delivery
from app.documents.idempotency_keys import IdempotencyKey
from app.documents.vocabulary import (
    CommunicationStatus,
    CommunicationType,
    EventType,
    ProviderType,
)
from app.errors import FieldError, InvalidInputError, PayloadTooLargeError
from app.queue import ArqQueue
from app.services import delivery
from tests.fakes.clock import Clock
from tests.fakes.relay import Relay

Send = Callable[..., Awaitable[Communication]]
Stored = Callable[[PydanticObjectId], Awaitable[Communication]]
Footprint = Callable[[], Awaitable[dict[str, Any]]]
Queued = Callable[[], Awaitable[dict[str, float]]]

BASE = "http://mail.example.test/api/v1/communications"


async def test_every_field_lands_in_the_record(
    deps: Deps, send: Send, stored: Stored, clock: Clock
) -> None:
    accepted = await send(
        {
            "subject": "Offer {{ number }}",
            "body": '<p>Dear {{ name }}, <a href="https://acme.test/?a=1&amp;b=2">see</a></p>',
            "recipients": ["Jan de Vries <jan@customer.test>", "piet@customer.test"],
            "cc": ["cc@customer.test"],
            "bcc": ["bcc@customer.test"],
            "replyTo": "Sales <sales@acme.test>",
            "senderEmail": "alice@acme.test",
            "senderName": "Alice of Acme",
            "type": "OFFERTE",
            "providerType": "SMTP",
            "relatedEntityType": "deal",
            "relatedEntityId": "4711",
            "conversationId": "thread-1",
            "variables": {"number": 12, "name": "Jan & Co", "unused": None},
            "trackingEnabled": True,
            "linkTrackingEnabled": True,
        }
    )

    record = await stored(accepted.id)
    tracking = record.tracking_id
    now = clock.now()
    expected = {
        "_id": accepted.id,
        "tenantId": "acme",
        "status": CommunicationStatus.PENDING,
        "type": CommunicationType.OFFERTE,
        "subject": "Offer 12",
        "body": (
            f'<p>Dear Jan &amp; Co, <a href="{BASE}/link/{tracking}/0">see</a></p>'
            f'<img src="{BASE}/track/{tracking}" width="1" height="1" alt="" style="display:none">'
        ),
        "originalBody": '<p>Dear {{ name }}, <a href="https://acme.test/?a=1&amp;b=2">see</a></p>',
        "variables": {"number": 12, "name": "Jan & Co", "unused": None},
        "templateId": None,
        "templateName": None,
        "senderEmail": "alice@acme.test",
        "senderName": "Alice of Acme",
        "replyTo": "Sales <sales@acme.test>",
        "recipients": ["Jan de Vries <jan@customer.test>", "piet@customer.test"],
        "cc": ["cc@customer.test"],
        "bcc": ["bcc@customer.test"],
        "recipientListId": None,
        "providerType": ProviderType.SMTP,
        "relatedEntityType": "deal",
        "relatedEntityId": "4711",
        "conversationId": "thread-1",
        "messageId": None,
        "internetMessageId": None,
        "scheduledAt": None,
        "sentAt": None,
        "errorMessage": None,
        "trackingEnabled": True,
        "linkTrackingEnabled": True,
        "opened": False,
        "openedAt": None,
        "lastOpenedAt": None,
        "openCount": 0,
        "clickedLinks": [
            {
                "originalUrl": "https://acme.test/?a=1&b=2",
                "url": f"{BASE}/link/{tracking}/0",
                "clickCount": 0,
                "machineClickCount": 0,
                "clickedAt": None,
                "lastClickedAt": None,
            }
        ],
        "created": now,
        "createdBy": "alice",
        "updated": now,
        "updatedBy": "alice",
        "trackingId": tracking,
        "contentId": None,
        "dispatchAt": now,
        "dispatches": 0,
    }
    shown = record.model_dump(by_alias=True)
    assert {name: shown[name] for name in expected} == expected
    assert [(e.type, e.date, e.author_id, e.description) for e in record.events] == [
        (EventType.CREATE, now, "alice", None)
    ]
    assert record.events[0].id
    assert len(tracking) >= 22
    assert record == accepted


async def test_what_is_left_out_has_its_default(send: Send, stored: Stored) -> None:
    accepted = await send()

    record = await stored(accepted.id)
    assert record.sender_email == "crm@acme.test"
    assert record.sender_name == "Acme"
    assert record.provider_type == ProviderType.SMTP
    assert record.tracking_enabled is True
    assert record.link_tracking_enabled is True
    assert record.type is None
    assert record.variables is None
    assert record.cc == []
    assert record.bcc == []
    assert len(record.conversation_id) == 32


async def test_each_mail_has_its_own_conversation_and_tracking_id(send: Send) -> None:
    first, second = await send(), await send()

    assert first.conversation_id != second.conversation_id
    assert first.tracking_id != second.tracking_id


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("crm@acme.test", "Acme")),
        ({"senderName": "Bob"}, ("crm@acme.test", "Bob")),
        ({"senderEmail": "bob@acme.test"}, ("bob@acme.test", None)),
        ({"senderEmail": "", "senderName": " "}, ("crm@acme.test", "Acme")),
        ({"senderEmail": "bob@acme.test", "senderName": "Bob"}, ("bob@acme.test", "Bob")),
    ],
)
async def test_sender(send: Send, given: dict[str, str], expected: tuple[str, str | None]) -> None:
    record = await send(given)

    assert (record.sender_email, record.sender_name) == expected


async def test_no_sender_at_all_is_refused(
    adjusted: Callable[..., Deps], send: Send, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send(over=adjusted(default_sender_email=None))

    assert [field.path for field in refused.value.fields] == ["senderEmail"]
    assert await footprint() == before


@pytest.mark.parametrize(
    ("given", "opens", "clicks"),
    [
        ({}, True, True),
        ({"trackingEnabled": True}, True, True),
        ({"trackingEnabled": False}, False, False),
        ({"trackingEnabled": False, "linkTrackingEnabled": True}, False, True),
        ({"linkTrackingEnabled": False}, True, False),
        ({"trackingEnabled": None, "linkTrackingEnabled": None}, True, True),
    ],
)
async def test_tracking_of_links_follows_tracking(
    send: Send, given: dict[str, Any], opens: bool, clicks: bool
) -> None:
    record = await send(given)

    link = f"{BASE}/link/{record.tracking_id}/0"
    assert (record.tracking_enabled, record.link_tracking_enabled) == (opens, clicks)
    assert (f"{BASE}/track/{record.tracking_id}" in record.body) is opens
    assert (f'href="{link}"' in record.body) is clicks
    assert record.clicked_links == (
        [ClickedLink(original_url="https://acme.test/offer?id=1&x=2", url=link)] if clicks else []
    )


async def test_without_tracking_the_body_goes_out_as_given(
    send: Send, mail: dict[str, Any]
) -> None:
    record = await send({"trackingEnabled": False})

    assert record.body == mail["body"]
    assert record.original_body == mail["body"]


async def test_a_job_is_queued_for_the_record(send: Send, queued: Queued) -> None:
    record = await send()

    assert list(await queued()) == [f"dispatch:{record.id}:0"]


async def test_variables_fill_subject_and_body(send: Send) -> None:
    record = await send(
        {
            "subject": "For {{ who }}",
            "body": "<p>{{ who }}{% for i in items %} {{ i }}{% endfor %}</p>",
            "variables": {"who": "<Jan> & Co", "items": [1, 2]},
            "trackingEnabled": False,
        }
    )

    assert record.subject == "For <Jan> & Co"
    assert record.body == "<p>&lt;Jan&gt; &amp; Co 1 2</p>"


async def test_without_variables_braces_stay_as_they_are(send: Send) -> None:
    record = await send(
        {"subject": "{{ a }}", "body": "{{ b }} {% if %}", "trackingEnabled": False}
    )

    assert (record.subject, record.body) == ("{{ a }}", "{{ b }} {% if %}")


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        (
            {"subject": "{{ b }} {{ a }}", "body": "{{ c }}", "variables": {}},
            [("subject", "missing variables: a, b"), ("body", "missing variables: c")],
        ),
        (
            {"subject": "Hi {{ name }}", "variables": {"name": "x\r\nBcc: eve@evil.test"}},
            [("subject", "must not contain line breaks or other control characters")],
        ),
        ({"subject": "{{ a }}", "variables": {"a": " "}}, [("subject", "must not be blank")]),
        ({"body": "{{ a }}", "variables": {"a": " "}}, [("body", "must not be blank")]),
        (
            {"subject": "{{ a }}", "variables": {"a": "x" * 901}},
            [("subject", "must have at most 900 characters")],
        ),
        (
            {"subject": "{% set a = 1 %}", "variables": {}},
            [("subject", "template error: assign is not allowed here (line 1)")],
        ),
        ({"templateId": "t1"}, [("templateId", "no template has this id")]),
        (
            {"recipientListId": "l1", "recipients": []},
            [("recipientListId", "no recipient list has this id")],
        ),
        (
            {"providerType": "GRAPH"},
            [("providerType", "GRAPH is not set up here; usable: SMTP")],
        ),
        (
            {"body": '<a href="https://a.test">x</a>' * 1001},
            [
                (
                    "body",
                    (
                        "has 1001 links; at most 1000 are tracked, "
                        "send linkTrackingEnabled: false for more"
                    ),
                )
            ],
        ),
        (
            {"recipients": ["a@b.test"] * 20, "cc": ["a@b.test"] * 20, "bcc": ["a@b.test"] * 11},
            [
                (
                    "recipients",
                    "recipients, cc and bcc have 51 addresses; at most 50 fit one mail",
                )
            ],
        ),
    ],
    ids=[
        "missing variables",
        "line break smuggled into the subject",
        "subject blank once filled in",
        "body blank once filled in",
        "subject too long once filled in",
        "a program",
        "unknown template",
        "unknown recipient list",
        "provider not set up",
        "too many links",
        "too many addresses",
    ],
)
async def test_what_cannot_be_sent_is_refused(
    send: Send, footprint: Footprint, changes: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send(changes, key="the key must not be taken either")

    assert list(refused.value.fields) == [FieldError(*fault) for fault in faults]
    assert refused.value.detail == "; ".join(f"{path}: {words}" for path, words in faults)
    assert await footprint() == before


async def test_all_that_cannot_be_sent_is_named_at_once(send: Send) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await send({"recipientListId": "l", "providerType": "RESEND"})

    assert [field.path for field in refused.value.fields] == [
        "recipientListId",
        "recipients",
        "providerType",
    ]


async def test_fifty_addresses_fit_one_mail(send: Send, deps: Deps, relay: Relay) -> None:
    record = await send(
        {
            "recipients": [f"to{n}@b.test" for n in range(20)],
            "cc": [f"cc{n}@b.test" for n in range(20)],
            "bcc": [f"bcc{n}@b.test" for n in range(10)],
        }
    )

    await delivery.dispatch(deps, str(record.id))

    assert len(relay.taken[0].recipients) == 50


async def test_a_thousand_links_are_tracked(send: Send) -> None:
    record = await send({"body": '<a href="https://a.test">x</a>' * 1000})

    assert len(record.clicked_links) == 1000


async def test_more_links_go_untracked_when_asked(send: Send) -> None:
    record = await send(
        {"body": '<a href="https://a.test">x</a>' * 1001, "linkTrackingEnabled": False}
    )

    assert record.clicked_links == []


async def test_a_body_at_the_limit_is_accepted(adjusted: Callable[..., Deps], send: Send) -> None:
    # é has two octets in UTF-8.
    record = await send({"body": "é" * 50}, over=adjusted(body_limit=100))

    assert record.original_body == "é" * 50


async def test_a_body_one_octet_over_the_limit_is_too_large(
    adjusted: Callable[..., Deps], send: Send, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(PayloadTooLargeError) as refused:
        await send({"body": "é" * 50 + "a"}, over=adjusted(body_limit=100), key="k")

    words = "must be at most 100 octets in UTF-8"
    assert refused.value.fields == (FieldError("body", words),)
    assert refused.value.detail == f"body: {words}"
    assert await footprint() == before


async def test_a_body_over_the_limit_once_filled_in_is_refused(
    adjusted: Callable[..., Deps], send: Send, footprint: Footprint
) -> None:
    before = await footprint()

    with pytest.raises(InvalidInputError) as refused:
        await send(
            {"body": "{{ a }}{{ a }}", "variables": {"a": "x" * 51}}, over=adjusted(body_limit=100)
        )

    assert refused.value.fields == (
        FieldError("body", "the filled-in text is larger than 100 octets"),
    )
    assert await footprint() == before


async def test_ten_megabytes_are_stored_read_back_and_delivered(
    deps: Deps, send: Send, stored: Stored, relay: Relay
) -> None:
    line = "<p>" + "A line of the long report, plain and simple. " * 20 + "</p>\n"
    limit = deps.settings.body_limit
    body = line * (limit // len(line))
    body += "." * (limit - len(body))

    accepted = await send({"body": body})
    await delivery.dispatch(deps, str(accepted.id))

    record = await stored(accepted.id)
    assert record.original_body == body
    assert record.body == accepted.body
    assert record.body.startswith(body)
    assert record.status == CommunicationStatus.SENT
    html = relay.taken[0].message.get_body(("html",))
    assert html is not None
    assert html.get_content().replace("\r\n", "\n").rstrip("\n") == record.body
    row = await Communication.get_motor_collection().find_one({"_id": accepted.id})
    assert row is not None
    assert (row["body"], row["originalBody"]) == ("", "")


async def test_names_and_recipients_are_kept_as_given(
    deps: Deps, send: Send, stored: Stored, relay: Relay
) -> None:
    accepted = await send(
        {"recipients": ['"Vries, Jan de" <Jan.DeVries@Customer.test>', "Zoë <zoe@münchen.test>"]}
    )

    await delivery.dispatch(deps, str(accepted.id))

    record = await stored(accepted.id)
    assert record.recipients == [
        '"Vries, Jan de" <Jan.DeVries@Customer.test>',
        "Zoë <zoe@münchen.test>",
    ]
    assert relay.taken[0].recipients == ("Jan.DeVries@customer.test", "zoe@xn--mnchen-3ya.test")
    to = relay.taken[0].message["To"].addresses
    assert [(one.display_name, one.addr_spec) for one in to] == [
        ("Vries, Jan de", "Jan.DeVries@customer.test"),
        ("Zoë", "zoe@xn--mnchen-3ya.test"),
    ]


async def test_variables_are_kept_with_their_nulls(send: Send, stored: Stored) -> None:
    variables = {"a": None, "b": [None, {"c": None}], "a.b": 1, "": 2.5, "n": -(2**63)}

    accepted = await send({"variables": variables})

    assert (await stored(accepted.id)).variables == variables


async def test_mail_is_accepted_while_the_queue_is_down(
    deps: Deps, send: Send, stored: Stored, closed_port: int, queued: Queued
) -> None:
    queue = ArqQueue(f"redis://127.0.0.1:{closed_port}/0")

    accepted = await send(over=replace(deps, queue=queue), key="k")

    assert (await stored(accepted.id)).status == CommunicationStatus.PENDING
    assert await queued() == {}
    await delivery.sweep(deps)
    assert list(await queued()) == [f"dispatch:{accepted.id}:0"]
    await queue.close()


async def test_the_record_is_another_tenants_to_nobody(send: Send) -> None:
    accepted = await send()

    assert await Communication.shown("acme", str(accepted.id)) is not None
    assert await Communication.shown("globex", str(accepted.id)) is None


async def test_the_record_belongs_to_the_callers_tenant_and_user(send: Send) -> None:
    record = await send(by=Caller("globex", "bob", frozenset(Scope)))

    assert (record.tenant_id, record.created_by, record.updated_by) == ("globex", "bob", "bob")
    assert record.events[0].author_id == "bob"


async def test_nothing_but_the_record_is_written_without_a_key(send: Send) -> None:
    await send()

    assert await IdempotencyKey.count() == 0
    assert await Delivery.count() == 0


async def test_created_is_the_time_of_acceptance(send: Send, clock: Clock) -> None:
    clock.advance(timedelta(milliseconds=1))

    record = await send()

    assert record.created == record.updated == record.events[0].date == clock.now()
