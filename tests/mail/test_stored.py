from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.mail.compose import Attachment, Message, compose
from app.mail.stored import dump, load

MESSAGE = Message(
    sender=Mailbox("crm@acme.test", "Acme"),
    to=(Mailbox("jan@b.test", "Jan"),),
    cc=(Mailbox("piet@b.test"),),
    reply_to=Mailbox("help@acme.test"),
    subject="Größe",
    html="<p>Zoë 🦤</p>\r\n",
    text="Zoë\n",
    message_id="<1@acme.test>",
    date=datetime(2026, 11, 24, 9, 30, 1, 5000, tzinfo=UTC),
    in_reply_to="<0@acme.test>",
    references=("<0@acme.test>",),
    headers=(("X-Letterbox", "1"),),
    attachments=(Attachment("a.png", "image/png", 3, "ab" * 32, "logo"),),
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def test_a_message_is_read_back_as_it_was() -> None:
    assert load(dump(MESSAGE)) == MESSAGE


def test_contents_of_attachments_are_left_out() -> None:
    [attachment] = MESSAGE.attachments

    filled = replace(MESSAGE, attachments=(replace(attachment, content=b"abc"),))

    assert dump(filled) == dump(MESSAGE)


def test_what_an_earlier_release_kept_is_read() -> None:
    kept = (
        b'{"sender":{"address":"crm@acme.test","name":null},"to":[],"subject":"S","html":"<p>",'
        b'"text":"","message_id":"<1@acme.test>","date":"2026-11-24T09:30:00Z"}'
    )

    found = load(kept)

    assert (found.subject, found.date, found.attachments) == (
        "S",
        datetime(2026, 11, 24, 9, 30, tzinfo=UTC),
        (),
    )


@given(subject=TEXT, html=TEXT, text=TEXT, minutes=st.integers(-720, 720))
def test_any_message_is_read_back_as_it_was(
    subject: str, html: str, text: str, minutes: int
) -> None:
    date = MESSAGE.date.astimezone(timezone(timedelta(minutes=minutes)))
    message = replace(MESSAGE, subject=subject, html=html, text=text, date=date, attachments=())

    found = load(dump(message))

    assert found == message
    if subject.isprintable():
        assert compose(found) == compose(message)
