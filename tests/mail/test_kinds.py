"""Who wrote it: the fields by which machines say so, and those that say nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.kinds import InboundKind, kind_of
from tests.fakes import reports


def mail(*fields: str, subject: str = "Re: Your offer") -> bytes:
    head = ["From: Jan <jan@customer.test>", f"Subject: {subject}", *fields]
    return "\r\n".join([*head, "", "Fine!"]).encode()


ANSWER = "In-Reply-To: <a@acme.test>"


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (ANSWER,),
        ("Auto-Submitted: no",),
        ("Auto-Submitted: No; owner=x",),
        ("X-Auto-Response-Suppress: All",),
        ("Return-Path: <jan@customer.test>",),
        ("Precedence: first-class",),
        (ANSWER, "List-Id: Sales <sales.customer.test>", "Precedence: list"),
        (ANSWER, "List-Unsubscribe: <https://groups.example/leave>"),
    ],
)
def test_a_persons_words_are_personal(fields: tuple[str, ...]) -> None:
    assert kind_of(mail(*fields)) is InboundKind.PERSONAL


@pytest.mark.parametrize(
    "fields",
    [
        ("Auto-Submitted: auto-replied",),
        ("Auto-Submitted: auto-replied; owner-email=jan@customer.test",),
        ("auto-submitted: Auto-Replied (vacation)",),
        (ANSWER, "Auto-Submitted: auto-generated"),
        (ANSWER, "Return-Path: <>"),
        (ANSWER, "Precedence: bulk"),
        ("Precedence: auto_reply",),
        ("X-Precedence: auto_reply",),
        ("X-Autoreply: yes",),
        ("X-Autorespond: out",),
        ("X-Mail-Autoreply: 1",),
        ("X-Autoreply-From: jan@customer.test",),
    ],
)
def test_a_responders_words_are_an_automatic_answer(fields: tuple[str, ...]) -> None:
    assert kind_of(mail(*fields)) is InboundKind.AUTO_REPLY


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Your offer",
        "Out of Office: Your offer",
        "Automatisch antwoord: Uw offerte",
        "Afwezig tot maandag",
        "Abwesenheitsnotiz: Ihr Angebot",
        "=?utf-8?q?R=C3=A9ponse_automatique_=3A_Votre_offre?=",
        "Respuesta autom\u00e1tica: su oferta",
    ],
)
def test_a_subject_that_only_responders_write_counts_last(subject: str) -> None:
    assert kind_of(mail(subject=subject)) is InboundKind.AUTO_REPLY
    assert kind_of(mail(subject=f"Re: {subject}")) is InboundKind.PERSONAL


@pytest.mark.parametrize(
    "fields",
    [
        ("Auto-Submitted: auto-generated",),
        ("Auto-Submitted: auto-notified",),
        ("Return-Path: < >",),
    ],
)
def test_what_answers_nothing_and_nobody_wrote_is_automatic(fields: tuple[str, ...]) -> None:
    assert kind_of(mail(*fields)) is InboundKind.AUTOMATIC


@pytest.mark.parametrize(
    "fields",
    [
        ("List-Id: News <news.shop.test>",),
        ("List-Unsubscribe: <https://shop.test/u/1>",),
        ("Feedback-ID: 1:shop",),
        ("Precedence: bulk",),
        ("Precedence: junk",),
        ("Precedence: list",),
    ],
)
def test_what_goes_to_many_is_bulk(fields: tuple[str, ...]) -> None:
    assert kind_of(mail(*fields)) is InboundKind.BULK


def test_reports_are_told_by_what_is_in_them() -> None:
    assert kind_of(reports.postfix("<a@acme.test>")) is InboundKind.DELIVERY_REPORT
    assert kind_of(mail("X-Failed-Recipients: a@b.test")) is InboundKind.DELIVERY_REPORT
    daemon = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.test\r\nSubject: failure notice\r\n\r\nSorry"
    )
    assert kind_of(daemon) is InboundKind.DELIVERY_REPORT


def test_a_read_receipt_is_one() -> None:
    raw = (
        b"From: jan@customer.test\r\nSubject: Read: Your offer\r\n"
        b"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
        b"--b\r\n\r\nRead.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\n"
        b"Disposition: manual-action/MDN-sent-manually; displayed\r\n--b--\r\n"
    )

    assert kind_of(raw) is InboundKind.READ_RECEIPT


@given(st.binary(max_size=500))
def test_any_octets_are_of_some_kind(raw: bytes) -> None:
    assert kind_of(raw) in InboundKind
