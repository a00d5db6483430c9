from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.mail.addresses import Mailbox
from app.mail.mime import opened
from app.mail.parse import ParsedMessage, parse
from tests.mail import replies

PIECES = st.sampled_from(
    [
        b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"\t", b"\0", b"\xff\xfe", b"=?utf-8?q?=C3?=", b"=?",
        b"--b", b"\n--b\n", b"\n--b--\n", b"From: ", b"To: ", b"\nSubject: ", b"<", b">", b'"',
        b"\\", b"(", b")", b",", b";", b":", b"@", b"a@b.test", b"=", b"=0", b"QUJD", b"%", b"*",
        b"Content-Type: multipart/mixed; boundary=b\n\n", b"Content-Type: text/html; charset=",
        b"Content-Type: message/rfc822\n\n", b"utf-16", b"idna", b"rot13", b"utf-7", b"+2AA-",
        b"Content-Transfer-Encoding: base64\n\n", b"Content-Transfer-Encoding: quoted-printable\n",
        b"Date: Tue, 99 Nov 2026 25:61:61 +9999\n", b"Received: x; 1 Jan 0001 00:00:00 +1400\n",
        b"References: <a@b> <c", b"Message-ID: <", b"Content-Disposition: attachment; filename*0=",
    ]
)  # fmt: skip
MESSAGES = st.one_of(
    st.binary(max_size=400),
    st.lists(st.one_of(PIECES, st.binary(max_size=6)), max_size=40).map(b"".join),
)


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(MESSAGES)
def test_any_octets_parse(raw: bytes) -> None:
    parsed = parse(raw)

    for text in (parsed.text, parsed.html, parsed.subject):
        assert text is None or (text.encode() is not None and "\0" not in text)
    for mailbox in (*parsed.to, *parsed.cc, *([parsed.sender] if parsed.sender else [])):
        assert (mailbox.address + (mailbox.name or "")).encode()
    for id_ in (*parsed.answered, *([parsed.message_id] if parsed.message_id else [])):
        assert (id_[0], id_[-1]) == ("<", ">")
        assert len(id_) <= 998
        assert id_.encode()
    for moment in (parsed.date, parsed.received):
        assert moment is None or moment.tzinfo is UTC


def test_a_reply_from_outlook() -> None:
    assert parse(replies.OUTLOOK) == ParsedMessage(
        sender=Mailbox("jan@customer.test", "Vries, Jan de"),
        to=(Mailbox("crm@acme.test", "Acme Sales"),),
        delivered_to=(),
        cc=(Mailbox("piet@customer.test", "Piet"),),
        subject="RE: Your offer",
        date=datetime(2026, 11, 24, 9, 5, 1, tzinfo=UTC),
        received=datetime(2026, 11, 24, 9, 5, 2, tzinfo=UTC),
        message_id=(
            "<AM0PR01MB12345678901234567890ABCDEF0123456789"
            "@AM0PR01MB1234.eurprd01.prod.exchangelabs.test>"
        ),
        in_reply_to=("<first@acme.test>",),
        references=("<first@acme.test>",),
        # It says iso-8859-1 and writes the Euro sign of windows-1252.
        text="Prima, € 100 is goed.\n\nGrüße\n",
        html="<html><body><p>Prima, € 100 is goed.</p></body></html>\n",
        recipient_count=2,
    )


def test_a_reply_from_gmail() -> None:
    parsed = parse(replies.GMAIL)

    assert parsed.sender == Mailbox("zoe@customer.test", "Zoë de Boer")
    assert parsed.subject == "Re: Offerte 🦤"
    assert parsed.to == (
        Mailbox("crm@acme.test", "Acme"),
        Mailbox("cees@acme.test", "Cees, boekhouding"),
    )
    assert parsed.message_id == "<CAFx+Kq=abc_1@mail.gmail.test>"
    assert parsed.answered == ("<second@acme.test>", "<first@acme.test>")
    assert parsed.text == "Hi there, Zoë\n"
    assert parsed.html == "<div>Hi there, Zoë</div>\n"
    assert parsed.received is None


def test_a_reply_from_apple_mail_with_a_file_in_its_middle() -> None:
    parsed = parse(replies.APPLE)

    assert parsed.text == "See this:\n\n\nand this."
    assert parsed.html == "<html><body>See this:</body></html>\n<html><body>and this.</body></html>"
    assert parsed.message_id == "<11111111-2222-3333-4444-555555555555@customer.test>"


def test_a_reply_from_thunderbird() -> None:
    parsed = parse(replies.THUNDERBIRD)

    assert parsed.text == "Geachte Zoë,\n\nOp 24-11-2026 schreef Acme:\n> Your offer\n"
    assert parsed.html is None
    assert parsed.in_reply_to == ("<first@acme.test>",)


def test_the_mail_inside_a_bounce_is_not_read_as_its_text() -> None:
    parsed = parse(replies.BOUNCE)

    assert parsed.text == "Your message could not be delivered.\n"
    assert parsed.sender == Mailbox("MAILER-DAEMON@mx.customer.test", "Mail Delivery System")
    assert parsed.date == datetime(2026, 11, 24, 9, 33, tzinfo=UTC)


def test_nothing_at_all() -> None:
    assert parse(b"") == ParsedMessage(
        sender=None, to=(), cc=(), delivered_to=(), subject=None, date=None, received=None,
        message_id=None, in_reply_to=(), references=(), text="", html=None,
    )  # fmt: skip


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_lines_may_end_in_any_way(line_end: bytes) -> None:
    raw = replies.APPLE.replace(b"\n", line_end)

    assert parse(raw) == parse(replies.APPLE)


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("; charset=utf-8", "Zoë".encode(), "Zoë"),
        ("; charset=us-ascii", "Zoë".encode(), "Zoë"),
        ("", "Zoë €".encode(), "Zoë €"),
        ("; charset=utf-8", "Zoë".encode("latin-1"), "Zoë"),
        ("; charset=latin-1", "Zoë".encode(), "Zoë"),
        ("; charset=iso-8859-1", b"\x80 5", "€ 5"),
        ("; charset=utf-16", "Zoë".encode("utf-16"), "Zoë"),
        ("; charset=utf-16", b"Zo\xc3\xab!", "Zoë!"),
        ("; charset=gb2312", "镕".encode("gb18030"), "镕"),
        ("; charset=ks_c_5601-1987", "똠".encode("cp949"), "똠"),
        ("; charset=windows-1251", "да".encode("cp1251"), "да"),
        ("; charset=koi8-r", "да".encode("koi8-r"), "да"),
        ("; charset=no-such-charset", "Zoë".encode(), "Zoë"),
        ("; charset=rot13", b"abc", "abc"),
        ("; charset=idna", b"xn--a", "xn--a"),
        ("; charset=unicode_escape", b"\\x41", "\\x41"),
        ("; charset=utf-7", b"+2AA-", "\ufffd"),
        ('; charset="', b"abc", "abc"),
        ("; charset=utf-8", b"\xef\xbb\xbfabc", "abc"),
        ("; charset=utf-8", b"a\0b", "ab"),
        ("; charset=shift_jis", b"\x81", "\ufffd"),
    ],
)
def test_a_charset_may_be_missing_or_wrong(charset: str, octets: bytes, text: str) -> None:
    raw = f"Content-Type: text/plain{charset}\n\n".encode() + octets

    assert parse(raw).text == text


@pytest.mark.parametrize(
    ("encoding", "octets", "text"),
    [
        (b"base64", b"SGVs\nbG8=", "Hello"),
        (b"BASE64", b"SGVsbG8", "Hello"),
        (b"base64", b"SGVsbG8h SGk", "Hello!Hi"),
        (b"base64", b"SGVsbG8hS", "Hello!"),
        (b"quoted-printable", b"H=C3=ABl=\nlo", "Hëllo"),
        (b"quoted-printable", b"50% =ZZ", "50% =ZZ"),
        (b"7bit", b"=C3", "=C3"),
        (b"x-unknown", b"Hello", "Hello"),
    ],
)
def test_a_transfer_encoding_may_be_cut_off_or_wrong(
    encoding: bytes, octets: bytes, text: str
) -> None:
    assert parse(b"Content-Transfer-Encoding: " + encoding + b"\n\n" + octets).text == text


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"", "plain words"),
        (b"Content-Type: nonsense\n", "plain words"),
        (b"Content-Type: text/\n", "plain words"),
        (b"Content-Type: image/png\n", None),
        (b"Content-Disposition: attachment\n", None),
        (b"Content-Type: text/plain; name=a.txt\n", None),
        (b"Content-Disposition: inline\n", "plain words"),
    ],
)
def test_what_counts_as_the_text(head: bytes, text: str | None) -> None:
    assert parse(head + b"\nplain words").text == text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"--b\n\nfirst\n--b\n\nsecond\n--b--\nepilogue", "first\nsecond"),
        (b"preamble\n--b\n\nfirst\n--b--", "first"),
        (b"--b\n\nnever closed", "never closed"),
        (b"--b  \r\n\r\npadded\r\n--b--", "padded"),
        (b"--bb\n\nanother boundary\n--b\n\nours\n--b--", "ours"),
        (b"--b\nContent-Type: text/plain\n\n\n--b\n--b--", "\n"),
        (b"no boundary in sight", "no boundary in sight"),
        (b"--c\n\nanother\n--c\n\none\n--c--", "another\none"),
        (b"--b--\n", None),
    ],
)
def test_a_multipart_as_it_comes(body: bytes, text: str | None) -> None:
    assert parse(b"Content-Type: multipart/mixed; boundary=b\n\n" + body).text == text


def test_lines_that_are_nearly_boundaries_are_not_looked_at_for_ever() -> None:
    """Each of them would be, for each of the parts around it."""
    head = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\n"

    few = opened(head + b"x\n--bb" * 10_000 + b"\n--b\n\nlast\n--b--")
    many = opened(head + b"x\n--bb" * 100_000 + b"\n--b\n\nlast\n--b--")

    assert (few.is_whole, len(few.parts)) == (True, 2)
    assert (many.is_whole, len(many.parts)) == (False, 1)
    assert many.parts[0].end == len(many.raw)


def test_a_head_ends_where_no_field_is() -> None:
    parsed = parse(b"Subject: Hi\nDear all, this\nis the text\n\nBye")

    assert parsed.subject == "Hi"
    assert parsed.text == "Dear all, this\nis the text\n\nBye"


def test_the_line_that_mailbox_files_put_on_top_is_passed_over() -> None:
    assert parse(b"From jan@b.test Tue Nov 24 2026\nSubject: Hi\n\nx").subject == "Hi"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jan@b.test", [("jan@b.test", None)]),
        ("Jan <jan@b.test>", [("jan@b.test", "Jan")]),
        ("jan@b.test (Jan (de) Vries)", [("jan@b.test", "Jan de Vries")]),
        ('"Vries, \\"Jan\\" de" <jan@b.test>', [("jan@b.test", 'Vries, "Jan" de')]),
        ("Jan @ Acme <jan@b.test>", [("jan@b.test", "Jan @ Acme")]),
        ("'a@b.test' via List <list@b.test>", [("list@b.test", "'a@b.test' via List")]),
        ("Team: a@b.test, C <c@d.test>;, e@f.test",
         [("a@b.test", None), ("c@d.test", "C"), ("e@f.test", None)]),
        ("undisclosed-recipients:;", []),
        ("undisclosed recipients", []),
        ("<@relay.test:jan@b.test>", [("jan@b.test", None)]),
        ("=?utf-8?q?Zo=C3=AB?= =?utf-8?q?_B=2E?= <z@b.test>", [("z@b.test", "Zoë B.")]),
        ("=?iso-8859-1?q?Zo=EB?= <z@b.test>", [("z@b.test", "Zoë")]),
        ("Zoë <z@b.test>", [("z@b.test", "Zoë")]),
        ("a@b.test;c@d.test", [("a@b.test", None), ("c@d.test", None)]),
        (",a@b.test,; , ;Jan <c@d.test>;,", [("a@b.test", None), ("c@d.test", "Jan")]),
        ("a@b.test (x,, ;y)", [("a@b.test", "x,, ;y")]),
        ("Jan <jan@b.test", [("jan@b.test", "Jan")]),
        ('"Jan <jan@b.test>', []),
        ("Jan\r\n de Vries <jan@b.test>", [("jan@b.test", "Jan de Vries")]),
        ("x" * 400 + "@b.test", []),
    ],
)  # fmt: skip
def test_addresses_as_they_are_written(value: str, expected: list[tuple[str, str | None]]) -> None:
    found = parse(f"To: {value}\n\n".encode()).to

    assert [(mailbox.address, mailbox.name) for mailbox in found] == expected


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ("From: a@b.test, c@d.test", "a@b.test"),
        ("From: \nSender: s@b.test", "s@b.test"),
        ("Return-Path: <r@b.test>", "r@b.test"),
        ("From: root", "root"),
    ],
)
def test_whoever_wrote_it(head: str, address: str) -> None:
    assert parse(f"{head}\n\n".encode()).sender == Mailbox(address)


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@b> <c@d>", ("<a@b>", "<c@d>")),
        ("<a@b>\r\n\t<c@d>", ("<a@b>", "<c@d>")),
        ("<a@b><c@d>", ("<a@b>", "<c@d>")),
        ("Your message of Tue <a@b>", ("<a@b>",)),
        ("a@b", ("<a@b>",)),
        ("=?utf-8?q?=3Ca=40b=3E?=", ("<a@b>",)),
        ("=?utf-8?q?=3Ca?=\r\n =?utf-8?q?=40b=3E?=", ("<a@b>",)),
        ("<A@B>", ("<A@B>",)),
        ("nothing", ()),
        ("<a\0@b>", ("<a@b>",)),
        ("", ()),
        ("x" * 3000 + " a@b", ("<a@b>",)),
        ("x" * 5000 + " a@b", ()),
        (f"<{'x' * 997}>", ()),
    ],
)
def test_message_ids_as_they_are_written(value: str, ids: tuple[str, ...]) -> None:
    assert parse(f"In-Reply-To: {value}\n\n".encode()).in_reply_to == ids


def test_of_many_references_the_first_and_the_last_are_kept() -> None:
    value = " ".join(f"<{number}@b>" for number in range(500))

    references = parse(f"References: {value}\n\n".encode()).references

    assert references == ("<0@b>", *(f"<{number}@b>" for number in range(401, 500)))


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Tue, 24 Nov 2026 10:00:00 +0100", datetime(2026, 11, 24, 9, tzinfo=UTC)),
        ("24 Nov 2026 10:00 -0000", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("Tue, 24 Nov 2026 10:00:00 GMT (Greenwich)", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("Tue, 24 Nov 26 10:00:00", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("Tue, 99 Nov 2026 10:00:00 +0100", None),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("1 Jan 0200 00:00:00 +0000", None),
        ("", None),
    ],
)
def test_dates_as_they_are_written(value: str, moment: datetime | None) -> None:
    assert parse(f"Date: {value}\n\n".encode()).date == moment
