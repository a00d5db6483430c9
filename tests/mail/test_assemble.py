"""Messages made of what a service tells: they say what was told, whatever that is."""

from email import message_from_bytes
from email.policy import default

from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.assemble import assemble, file_of
from app.mail.parse import parse

FIELDS = [("From", "Jan <jan@c.test>"), ("To", "crm@acme.test"), ("Subject", "Grüße")]


def test_text_html_pictures_and_files() -> None:
    files = [
        file_of("logo.gif", "image/gif", "<logo@c.test>", b"GIF"),
        file_of(None, None, None, b"\0\xff"),
    ]

    raw = assemble(FIELDS, text="Hello", html="<p>Hello</p>", files=files)

    read = message_from_bytes(raw, policy=default)
    kinds = [part.get_content_type() for part in read.walk()]
    assert kinds == [
        "multipart/mixed",
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/gif",
        "application/octet-stream",
    ]
    [file] = read.iter_attachments()
    assert (file.get_filename(), file.get_payload(decode=True)) == ("attachment", b"\0\xff")
    said = parse(raw)
    assert (said.subject, said.text, said.html) == ("Grüße", "Hello", "<p>Hello</p>")


def test_nothing_but_fields() -> None:
    said = parse(assemble(FIELDS, text=None, html=None))

    assert (said.text, said.html) == ("", None)
    assert said.sender is not None
    assert said.sender.address == "jan@c.test"


def test_what_no_header_can_hold_is_left_out() -> None:
    fields = [
        ("Subject", "One\r\nBcc: eve@c.test"),
        ("No name", "x"),
        ("", "x"),
        ("Größe", "x"),
        ("Content-Type", "text/x"),
        ("MIME-Version", "2.0"),
    ]

    head = assemble(fields, text="", html=None).partition(b"\r\n\r\n")[0]

    assert head.split(b"\r\n")[:2] == [b"Subject: One Bcc: eve@c.test", b"MIME-Version: 1.0"]
    assert b"text/x" not in head


@settings(max_examples=60)
@given(
    fields=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=50)), max_size=4),
    text=st.none() | st.text(max_size=100),
    html=st.none() | st.text(max_size=100),
    names=st.lists(st.tuples(*(st.none() | st.text(max_size=40) for _ in range(3))), max_size=3),
)
def test_whatever_is_told_makes_a_message(
    fields: list[tuple[str, str]],
    text: str | None,
    html: str | None,
    names: list[tuple[str | None, str | None, str | None]],
) -> None:
    files = [file_of(*three, b"content") for three in names]

    raw = assemble(fields, text=text, html=html, files=files)

    assert b"MIME-Version: 1.0\r\n" in raw
    parts = [part for part in message_from_bytes(raw).walk() if not part.is_multipart()]
    assert sum(part.get_payload(decode=True) == b"content" for part in parts) >= len(files)
