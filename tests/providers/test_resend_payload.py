import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.mail.compose import Attachment, Message
from app.mail.stored import dump, load
from app.providers.base import OutgoingMessage
from app.providers.resend_payload import request_body, tag_value
from tests.fakes.resend_contract import violations

JAN, PIET, EVE, KIM = "jan@b.test", "piet@b.test", "eve@b.test", "kim@b.test"
MESSAGE = Message(
    sender=Mailbox("crm@acme.test", "Acme"),
    to=(Mailbox(JAN, "Jan de Vries"),),
    cc=(Mailbox(PIET),),
    reply_to=Mailbox("sales@acme.test", "Sales, Acme"),
    subject="Uw offerte ✓",
    html='<p>Bonjour, été</p><img src="cid:logo">',
    text="Bonjour, été",
    message_id="<1@acme.test>",
    date=datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
    in_reply_to="<0@customer.test>",
    references=("<first@acme.test>", "<0@customer.test>"),
    headers=(("List-Unsubscribe", "<https://acme.test/u/1>"),),
    attachments=(
        Attachment("offer.pdf", "application/pdf", 4, "", None, b"%PDF"),
        Attachment("logo.png", "image/png", 3, "", "logo", b"PNG"),
    ),
)
# Changing a single octet of it would lose every mail that is tried again across the update.
GOLDEN = (
    '{"from":"Acme <crm@acme.test>","to":["Jan de Vries <jan@b.test>"],"cc":["piet@b.test"],'
    '"bcc":["eve@b.test"],"reply_to":["\\"Sales, Acme\\" <sales@acme.test>"],'
    '"subject":"Uw offerte ✓","html":"<p>Bonjour, été</p><img src=\\"cid:logo\\">",'
    '"text":"Bonjour, été","headers":{"List-Unsubscribe":"<https://acme.test/u/1>",'
    '"In-Reply-To":"<0@customer.test>","References":"<first@acme.test> <0@customer.test>"},'
    '"attachments":[{"content":"JVBERg==","filename":"offer.pdf",'
    '"content_type":"application/pdf"},{"content":"UE5H","filename":"logo.png",'
    '"content_type":"image/png","content_id":"logo"}],'
    '"tags":[{"name":"letterbox_delivery","value":"0123456789abcdef01234567"}]}'
)


def written(message: Message, *recipients: str) -> Any:
    return json.loads(request_body(message, recipients, delivery="d"))


def test_the_same_mail_is_the_same_octets_for_ever() -> None:
    body = request_body(MESSAGE, (JAN, PIET, EVE), delivery="0123456789abcdef01234567")

    assert body.decode() == GOLDEN
    assert violations("SendEmailRequest", json.loads(body)) == []


def test_a_mail_that_was_stored_is_the_same_octets(
    outgoing: Callable[..., OutgoingMessage],
) -> None:
    message = outgoing(in_reply_to="<0@b.test>", references=("<0@b.test>",)).message

    assert request_body(load(dump(message)), (JAN,), delivery="d") == request_body(
        message, (JAN,), delivery="d"
    )


def test_a_plain_mail_names_nothing_that_it_has_not(
    outgoing: Callable[..., OutgoingMessage],
) -> None:
    assert written(outgoing().message, JAN) == {
        "from": "Acme <crm@acme.test>",
        "to": [JAN],
        "subject": "Offer",
        "html": "<p>Hello</p>",
        "text": "Hello",
        "tags": [{"name": "letterbox_delivery", "value": "d"}],
    }


@pytest.mark.parametrize(
    ("recipients", "to", "cc", "bcc"),
    [
        ((JAN, PIET), ["Jan de Vries <jan@b.test>"], [PIET], []),
        (("JAN@b.test", "Piet@b.test"), ["Jan de Vries <jan@b.test>"], [PIET], []),
        ((JAN,), ["Jan de Vries <jan@b.test>"], [], []),
        ((JAN, EVE, KIM), ["Jan de Vries <jan@b.test>"], [], [EVE, KIM]),
        ((PIET, EVE), [PIET], [], [EVE]),
        ((EVE,), [EVE], [], []),
        ((EVE, KIM), ["Acme <crm@acme.test>"], [], [EVE, KIM]),
    ],
)
def test_only_who_is_to_get_it_stands_in_it_and_somebody_in_to(
    recipients: tuple[str, ...], to: list[str], cc: list[str], bcc: list[str]
) -> None:
    fields = written(MESSAGE, *recipients)

    assert (fields["to"], fields.get("cc", []), fields.get("bcc", [])) == (to, cc, bcc)


def test_who_stands_in_to_and_cc_gets_it_once(outgoing: Callable[..., OutgoingMessage]) -> None:
    message = outgoing(to=(Mailbox(JAN),), cc=(Mailbox("Jan@b.test"), Mailbox(PIET))).message

    fields = written(message, JAN, PIET)

    assert (fields["to"], fields["cc"]) == ([JAN], [PIET])


def test_a_mail_to_nobody_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="no recipient"):
        request_body(MESSAGE, (), delivery="d")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (None, "a@b.test"),
        ("", "a@b.test"),
        ("O'Brien-Łuć", "O'Brien-Łuć <a@b.test>"),
        ("Acme, Inc.", '"Acme, Inc." <a@b.test>'),
        ('The "Big" \\ One', '"The \\"Big\\" \\\\ One" <a@b.test>'),
        ("Jan <jan@evil.test>", '"Jan <jan@evil.test>" <a@b.test>'),
        ("a@c.test", '"a@c.test" <a@b.test>'),
    ],
)
def test_names(outgoing: Callable[..., OutgoingMessage], name: str | None, shown: str) -> None:
    assert written(outgoing(sender=Mailbox("a@b.test", name)).message, JAN)["from"] == shown


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "two\nlines"},
        {"subject": "half \ud800"},
        {"sender": Mailbox("crm@acme.test", "a\r\nBcc: eve@b.test")},
        {"sender": Mailbox("not an address")},
        {"reply_to": Mailbox("jän@b.test")},
        {"headers": (("Bcc", EVE),)},
        {"headers": (("Content-Type", "text/plain"),)},
        {"headers": (("X-Two", "a\r\nb"),)},
        {"headers": (("X Two", "a"),)},
    ],
)
def test_what_no_mail_can_hold_is_not_written(
    outgoing: Callable[..., OutgoingMessage], changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        request_body(outgoing(**changes).message, (JAN,), delivery="d")


def test_a_blind_recipient_must_be_an_address() -> None:
    with pytest.raises(ValueError, match="Bcc holds something that is not an address"):
        request_body(MESSAGE, (JAN, "jän@b.test"), delivery="d")


def test_an_attachment_without_its_content_is_a_fault_of_ours(
    outgoing: Callable[..., OutgoingMessage],
) -> None:
    bare = Attachment("offer.pdf", "application/pdf", 4, "")

    with pytest.raises(RuntimeError, match="not loaded"):
        request_body(outgoing(attachments=(bare,)).message, (JAN,), delivery="d")


def test_long_references_are_one_line(outgoing: Callable[..., OutgoingMessage]) -> None:
    ids = tuple(f"<{number}.{'x' * 30}@customer.test>" for number in range(15))

    fields = written(outgoing(references=ids).message, JAN)

    assert fields["headers"] == {"References": " ".join(ids)}


@given(text=st.text(max_size=600))
def test_any_text_becomes_a_tag(text: str) -> None:
    value = tag_value(text)

    assert len(value) == min(len(text), 256)
    assert all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in value)


@given(
    body=st.text(st.characters(codec=None), max_size=200),
    subject=st.text(max_size=100),
    name=st.text(max_size=60),
)
def test_whatever_is_written_is_as_resend_describes_it(body: str, subject: str, name: str) -> None:
    message = Message(
        sender=Mailbox("crm@acme.test", name),
        to=(Mailbox(JAN, name),),
        subject=subject,
        html=f"<p>{body}</p>",
        text=body,
        message_id="<1@acme.test>",
        date=MESSAGE.date,
    )
    try:
        octets = request_body(message, (JAN,), delivery="d")
    except ValueError:
        return

    fields = json.loads(octets)
    assert violations("SendEmailRequest", fields) == []
    assert octets == request_body(message, (JAN,), delivery="d")
