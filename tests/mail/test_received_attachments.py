import base64
import time
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.filenames import OCTETS
from app.mail.parse import parse
from app.mail.received_attachments import FoundFile, FoundFiles, received_files
from app.mail.received_text import unencoded
from tests.mail import replies, with_files
from tests.mail.test_parse import MESSAGES

MEBIBYTE = 1024 * 1024
# How often any octets are tried.
TRIES = settings(max_examples=150)


def found(raw: bytes) -> FoundFiles:
    return received_files(raw, parse(raw).html)


def shown(raw: bytes) -> list[tuple[str, str, bool, bytes]]:
    """Of each file its name, its type, whether the HTML shows it, and its octets."""
    return [
        (one.filename, one.media_type, one.is_inline, b"".join(one.pieces(raw)))
        for one in found(raw).files
    ]


def one_part(head: str, content: str = "x") -> bytes:
    """A message with a text and one more part."""
    return (
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n"
        f"--b\n{head}\n\n{content}\n--b--\n"
    ).encode()


def name_of(head: str) -> str:
    [file] = found(one_part(head)).files
    return file.filename


def test_a_mail_from_outlook_has_an_image_in_its_signature_and_a_file() -> None:
    assert shown(with_files.OUTLOOK) == [
        ("image001.png", "image/png", True, with_files.PNG),
        # It says application/octet-stream, and gives an id to what nothing shows.
        ("Offerte Één.pdf", "application/pdf", False, with_files.PDF),
    ]
    ids = [one.content_id for one in found(with_files.OUTLOOK).files]
    assert ids == [
        "image001.png@01DB3E4D.C5F4A3D0",
        "F1E2D3C4B5A6@eurprd01.prod.exchangelabs.test",
    ]


def test_a_mail_from_gmail_writes_a_long_name_in_pieces() -> None:
    name = "Offerte voor de verbouwing van de keuken, versie 2.pdf"

    assert shown(with_files.GMAIL) == [
        (name, "application/pdf", False, with_files.PDF),
        ("foto.png", "image/png", False, with_files.PNG),
    ]


def test_a_file_that_apple_mail_puts_into_the_text_is_a_file() -> None:
    """It is `inline`, and no HTML shows it."""
    assert shown(replies.APPLE) == [("plan.pdf", "application/pdf", False, b"%PDF-")]


def test_a_forwarded_mail_is_a_file_and_is_not_opened() -> None:
    [file] = found(with_files.THUNDERBIRD_FORWARD).files

    assert (file.filename, file.media_type) == ("Factuur 12_2026 €.eml", "message/rfc822")
    octets = b"".join(file.pieces(with_files.THUNDERBIRD_FORWARD))
    assert octets.startswith(b"From: Piet <piet@customer.test>\nSubject:")
    assert octets.endswith(b"--inner--\n")


def test_a_bounce_has_its_report_and_what_came_back() -> None:
    assert [name for name, *_ in shown(replies.BOUNCE)] == [
        "delivery-status.txt",
        "Your offer.eml",
    ]


@pytest.mark.parametrize("raw", [b"", b"\n\nHello", replies.OUTLOOK, replies.GMAIL])
def test_mail_without_files_has_none(raw: bytes) -> None:
    assert found(raw) == FoundFiles((), 0)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_lines_may_end_in_any_way(line_end: bytes) -> None:
    raw = with_files.GMAIL.replace(b"\n", line_end)

    assert shown(raw) == shown(with_files.GMAIL)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('filename="bill.pdf"', "bill.pdf"),
        ("filename=bill.pdf", "bill.pdf"),
        ("filename=the bill.pdf", "the bill.pdf"),
        ("filename=Offerte één.pdf", "Offerte één.pdf"),
        ('filename="=?utf-8?B?T2ZmZXJ0w6kucGRm?="', "Offerté.pdf"),
        ("filename==?utf-8?Q?Offert=C3=A9_2.pdf?=", "Offerté 2.pdf"),
        ('filename="=?utf-8?Q?Een_lange?=\n =?utf-8?Q?_naam.pdf?="', "Een lange naam.pdf"),
        ("filename*=utf-8''Offert%C3%A9.pdf", "Offerté.pdf"),
        ("filename*=iso-8859-1'nl'Offert%E9.pdf", "Offerté.pdf"),
        ("filename*0*=utf-8''Off;\n filename*1*=ert%C3%A9;\n filename*2=.pdf", "Offerté.pdf"),
        ("filename*=utf-8''%FF.pdf", "ÿ.pdf"),
        ('filename="../../etc/passwd"', "passwd"),
        ('filename="a/b\\\\c.pdf"', "c.pdf"),
        ('filename="invoice.pdf.exe"', "invoice.pdf.exe.unsafe"),
        ('filename="invoice\u202efdp.exe"', "invoicefdp.exe.unsafe"),
        ('filename="con.pdf"', "_con.pdf"),
        ('filename="a\x01b.pdf"', "ab.pdf"),
        ('filename=""', "attachment.pdf"),
        ('filename="bill.pdf', "bill.pdf"),
        (f'filename="{"x" * 900}.pdf"', "x" * 196 + ".pdf"),
    ],
)
def test_a_name_is_read_however_it_is_written_and_harmless(said: str, name: str) -> None:
    head = f"Content-Type: application/pdf\nContent-Disposition: attachment; {said}"

    assert name_of(head) == name


@pytest.mark.parametrize(
    ("head", "name", "media_type"),
    [
        ("Content-Type: application/pdf; name=bill.pdf", "bill.pdf", "application/pdf"),
        ("Content-Disposition: attachment; filename=bill.pdf", "bill.pdf", "application/pdf"),
        ("Content-Type: nonsense\nContent-Disposition: attachment", "attachment.bin", OCTETS),
        ("Content-Type: image/png", "image.png", "image/png"),
        ("Content-Type: image/jpeg", "image.jpg", "image/jpeg"),
        ("Content-Type: text/calendar; method=REQUEST", "invite.ics", "text/calendar"),
        ("Content-Type: text/x-strange", "attachment.txt", "text/x-strange"),
        ("Content-Type: message/rfc822", "message.eml", "message/rfc822"),
        ("Content-Type: application/x-strange", "attachment.bin", "application/x-strange"),
        (
            "Content-Type: text/csv; charset=Windows-1252; name=a.csv",
            "a.csv",
            "text/csv; charset=windows-1252",
        ),
        (
            'Content-Type: text/csv; charset="a b"; name=a.csv',
            "a.csv",
            "text/csv",
        ),
        # What would start a program is opened as nothing.
        ("Content-Type: text/html; name=a.hta", "a.hta.unsafe", OCTETS),
        (
            "Content-Type: text/html\nContent-Disposition: attachment",
            "attachment.html",
            "text/html",
        ),
    ],
)
def test_a_part_without_a_name_or_a_type_gets_one(head: str, name: str, media_type: str) -> None:
    [file] = found(one_part(head)).files

    assert (file.filename, file.media_type) == (name, media_type)


@pytest.mark.parametrize(
    ("content_id", "html", "is_inline"),
    [
        ("<logo@a.test>", '<img src="cid:logo@a.test">', True),
        ("logo@a.test", "<img src=CID:LOGO@a.test>", True),
        ("<l&go>", "<img src='cid:l&amp;go'>", True),
        ("<lo go>", '<img src="cid:lo%20go">', True),
        ("<logo>", "<p style='background: url(cid:logo)'>", True),
        ("<logo>", "<p>cid:other</p>", False),
        ("", '<img src="cid:">', False),
        ("<logo>", None, False),
    ],
)
def test_an_image_that_the_html_shows_is_inline(
    content_id: str, html: str | None, *, is_inline: bool
) -> None:
    raw = one_part(f"Content-Type: image/png\nContent-ID: {content_id}")

    [file] = received_files(raw, html).files

    assert (file.content_id, file.is_inline) == (content_id.strip("<>") or None, is_inline)


def test_other_forms_of_the_text_and_empty_parts_are_no_files() -> None:
    raw = (
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nHi\n--b\n"
        b"Content-Type: text/x-amp-html\n\n<amp>\n--b\n"
        b"Content-Type: application/x-nothing\n\n\r\n--b--"
    )

    assert found(raw) == FoundFiles((), 0)


def test_a_mail_may_be_nothing_but_a_file() -> None:
    raw = b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0="

    assert shown(raw) == [("attachment.pdf", "application/pdf", False, b"%PDF-")]


def test_of_many_files_a_hundred_are_told_and_the_others_counted() -> None:
    part = b"--b\nContent-Type: image/png; name=a.png\n\nx\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + part * 130

    assert (len(found(raw).files), found(raw).omitted) == (100, 30)


def test_what_stands_too_deep_is_counted() -> None:
    raw = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(20)
    )

    assert found(raw + b"Content-Type: image/png; name=a.png\n\nx") == FoundFiles((), 1)


@TRIES
@given(MESSAGES)
def test_any_octets_give_an_answer(raw: bytes) -> None:
    for file in found(raw).files:
        assert file.filename.encode()
        assert file.media_type.isprintable()
        assert "\0" not in (file.filename + (file.content_id or ""))
        assert len(b"".join(file.pieces(raw))) <= len(raw) * 2


@TRIES
@given(
    st.lists(st.sampled_from([b"QUJD", b"=", b"==", b"\n", b"\r\n", b"a", b"=3D", b"=\n", b" "])),
    st.sampled_from(["base64", "quoted-printable", "8bit", "x-none"]),
)
def test_pieces_are_what_the_whole_would_be(words: list[bytes], encoding: str) -> None:
    content = b"".join(words)
    raw = f"Content-Type: image/png; name=a\nContent-Transfer-Encoding: {encoding}\n\n".encode()

    [file] = received_files(raw + content, None).files

    assert b"".join(file.pieces(raw + content)) == unencoded(content, encoding)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "binary"])
def test_a_large_content_comes_in_pieces(encoding: str) -> None:
    octets = bytes(range(256)) * (9 * 1024)
    encoded = {
        "base64": base64.encodebytes(octets),
        "quoted-printable": b"".join(
            b"=%02X" % octet + b"=\n" * (octet == 7) for octet in octets[:MEBIBYTE]
        ),
        "binary": octets,
    }[encoding]
    head = f"Content-Type: a/b; name=a\nContent-Transfer-Encoding: {encoding}\n\n".encode()
    raw = head + encoded

    [file] = received_files(raw, None).files
    pieces = list(file.pieces(raw))

    assert b"".join(pieces) == unencoded(encoded, encoding)
    assert len(pieces) > 2
    assert max(map(len, pieces)) <= 1.1 * MEBIBYTE


def test_twenty_megabytes_take_little_memory_and_nothing_is_unpacked() -> None:
    bomb = zlib.compress(b"\0" * (64 * MEBIBYTE)) * 200
    encoded = base64.encodebytes(bomb.ljust(15 * MEBIBYTE, b"\0"))
    raw = one_part("Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64")
    raw = raw.replace(b"\nx\n", b"\n" + encoded)
    assert len(raw) > 20 * MEBIBYTE

    tracemalloc.start()
    began = time.process_time()
    [file] = found(raw).files
    size = sum(len(piece) for piece in file.pieces(raw))
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size == 15 * MEBIBYTE
    assert peak < 16 * MEBIBYTE
    assert took < 5
    assert isinstance(file, FoundFile)
