import re
from collections.abc import Callable
from dataclasses import fields
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.mail.compose import Message, compose

body_text = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    "=. \r\n\té<>\0F", max_size=300
)


def test_the_whole_message(make_message: Callable[..., Message]) -> None:
    message = make_message(
        sender=Mailbox("crm@letterbox.test", "Verkoop B.V."),
        to=(Mailbox("jan@b.nl", "Jan de Vries"), Mailbox("piet@b.nl")),
        cc=(Mailbox("cc@b.nl"),),
        reply_to=Mailbox("reply@b.nl"),
        subject="Offerte voor José",
        in_reply_to="<p@b.nl>",
        references=("<o@b.nl>", "<p@b.nl>"),
        headers=(("List-Id", "News <news.b.nl>"),),
        html="<p>Één = 1</p>\n"
        "One line of text that runs on and on beyond the seventy-six characters of a line",
        text="ééé",
    )

    lines = compose(message).decode("ascii").split("\r\n")

    boundary = lines[12].removeprefix(' boundary="').removesuffix('"')
    assert re.fullmatch("=_[0-9a-f]{40}", boundary)
    assert lines == [
        'From: "Verkoop B.V." <crm@letterbox.test>',
        "To: Jan de Vries <jan@b.nl>, piet@b.nl",
        "Cc: cc@b.nl",
        "Reply-To: reply@b.nl",
        "Subject: Offerte voor =?utf-8?b?Sm9zw6k=?=",
        "Date: Tue, 24 Nov 2026 09:05:06 +0000",
        "Message-ID: <1@letterbox.test>",
        "In-Reply-To: <p@b.nl>",
        "References: <o@b.nl> <p@b.nl>",
        "List-Id: News <news.b.nl>",
        "MIME-Version: 1.0",
        "Content-Type: multipart/alternative;",
        f' boundary="{boundary}"',
        "",
        f"--{boundary}",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: base64",
        "",
        "w6nDqcOp",
        f"--{boundary}",
        'Content-Type: text/html; charset="utf-8"',
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "<p>=C3=89=C3=A9n =3D 1</p>",
        "One line of text that runs on and on beyond the seventy-six characters of a=",
        " line",
        f"--{boundary}--",
        "",
    ]


def test_there_is_no_bcc() -> None:
    assert "bcc" not in {field.name for field in fields(Message)}


def test_a_retry_composes_the_same_bytes(make_message: Callable[..., Message]) -> None:
    assert compose(make_message()) == compose(make_message())


def test_another_message_id_gives_another_boundary(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    first = parse(compose(make_message()))
    second = parse(compose(make_message(message_id="<2@letterbox.test>")))

    assert first.get_boundary() != second.get_boundary()


@given(html=body_text, text=body_text)
def test_any_bodies_come_back_with_crlf_lines(
    make_message: Callable[..., Message],
    parse: Callable[[bytes], EmailMessage],
    html: str,
    text: str,
) -> None:
    raw = compose(make_message(html=html, text=text))
    parts = list(parse(raw).iter_parts())

    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    for part, body in zip(parts, (text, html), strict=True):
        payload = part.get_payload(decode=True)
        assert isinstance(payload, bytes)
        assert payload.decode() == re.sub("\r\n|\r|\n", "\r\n", body)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert b"\r" not in raw.replace(b"\r\n", b"")


def test_a_lone_surrogate_in_a_body_becomes_a_question_mark(
    make_message: Callable[..., Message], parse: Callable[[bytes], EmailMessage]
) -> None:
    text = next(parse(compose(make_message(text="half \ud83d"))).iter_parts())

    assert text.get_content() == "half ?"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("html", "encoding"),
    [
        ("<p>Hello</p>\n", "quoted-printable"),
        ("a", "quoted-printable"),
        ("é", "base64"),
        ("=", "base64"),
    ],
)
def test_ten_megabytes_compose(
    make_message: Callable[..., Message], html: str, encoding: str
) -> None:
    body = html * (10_000_000 // len(html.encode()))

    raw = compose(make_message(html=body))

    assert (
        f'text/html; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n'.encode() in raw
    )
    assert len(raw) < 14_000_000
