"""Envelopes in the shapes of Outlook and Exchange, and whatever else comes under their name."""

import struct
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.bodies import MAX_BODY
from app.mail.tnef.envelope import Tnef, TnefFile, read_tnef
from tests.fakes import tnef
from tests.fakes.tnef import BINARY, STRING, attribute, envelope, file, message, one, text

WHOLE = envelope(
    file(b"LONGNA~1.PDF", b"%PDF", [text(tnef.LONG_NAME, "Long näme.pdf")]),
    file(
        b"image001.png",
        b"PNG",
        [
            text(tnef.MEDIA_TYPE, "image/png"),
            text(tnef.CONTENT_ID, "image001.png@01D4870B.7E1607B0"),
        ],
    ),
    file(b"mail", b"MAPI 1.0 embedded message", message(envelope(body=b"Hi"))),
    body=b"Hallo",
    said=[(tnef.HTML, BINARY, one(b"<p>Hallo</p>")), (tnef.RTF, BINARY, one(b"packed"))],
)


def files_of(octets: bytes) -> list[tuple[str, bytes]]:
    read = read_tnef(octets)
    assert read is not None
    return [(found.name, bytes(found.content)) for found in read.files]


def test_the_bodies_and_files_of_a_mail() -> None:
    read = read_tnef(WHOLE)

    assert read is not None
    assert (read.text, read.html) == ("Hallo", "<p>Hallo</p>")
    assert read.rtf is not None
    assert bytes(read.rtf) == b"packed"
    assert read.files == (
        TnefFile("Long näme.pdf", memoryview(b"%PDF")),
        TnefFile("image001.png", memoryview(b"PNG"), "image/png", "image001.png@01D4870B.7E1607B0"),
        TnefFile("mail.txt", memoryview(b"Hi"), "text/plain; charset=utf-8"),
    )


def test_an_envelope_may_hold_next_to_nothing() -> None:
    assert read_tnef(envelope()) == Tnef(text=None, html=None, rtf=None, files=())
    assert read_tnef(envelope()[:6]) == Tnef(text=None, html=None, rtf=None, files=())


@pytest.mark.parametrize("octets", [b"", b"\x78\x9f\x3e\x22\0", b"PK\3\4" * 10, WHOLE[1:]])
def test_what_is_none_is_none(octets: bytes) -> None:
    assert read_tnef(octets) is None


@pytest.mark.parametrize(
    ("given", "title", "name"),
    [
        ([text(0x3707, "long.pdf"), text(0x3704, "SHORT.PDF")], b"TITLE.PDF", "long.pdf"),
        ([text(0x3704, "SHORT.PDF")], b"TITLE.PDF", "TITLE.PDF"),
        ([text(0x3704, "SHORT.PDF"), text(0x3001, "shown")], None, "SHORT.PDF"),
        ([text(0x3001, "shown")], b"", "shown"),
        ([(0x3707, STRING, one("Zoë.pdf\0".encode("cp1252")))], None, "Zoë.pdf"),
        ([], None, ""),
        ([text(0x3707, "a\r\nb\0c")], None, "a b"),
    ],
)
def test_a_file_has_the_best_of_its_names(
    given: list[tnef.Property], title: bytes | None, name: str
) -> None:
    assert files_of(envelope(file(title, b"x", given))) == [(name, b"x")]


@pytest.mark.parametrize(
    ("codepage", "octets", "words"),
    [
        (1252, "Zoë €".encode("cp1252"), "Zoë €"),
        (1251, "да".encode("cp1251"), "да"),
        (932, "見積".encode("cp932"), "見積"),
        (65001, "Zoë".encode(), "Zoë"),
        (28592, "č".encode("iso-8859-2"), "č"),
        (20866, "да".encode("koi8-r"), "да"),
        (99999, "Zoë".encode("cp1252"), "Zoë"),
    ],
)
def test_words_are_in_the_code_page_that_is_told(codepage: int, octets: bytes, words: str) -> None:
    read = read_tnef(envelope(file(octets, b"x"), body=octets, codepage=codepage))

    assert read is not None
    assert (read.text, read.files[0].name) == (words, words)


@pytest.mark.parametrize(
    ("given", "text_", "html"),
    [
        ([text(tnef.BODY, "Zoë\r\n")], "Zoë\n", None),
        ([(tnef.BODY, STRING, one(b"Zo\xeb\0"))], "Zoë", None),
        ([(tnef.HTML, BINARY, one("Zoë".encode()))], None, "Zoë"),
        ([text(tnef.HTML, "Zoë")], None, "Zoë"),
        (
            [
                (tnef.HTML, BINARY, one("да".encode("koi8-r"))),
                (tnef.HTML_CODEPAGE, tnef.LONG, struct.pack("<I", 20866)),
            ],
            None,
            "да",
        ),
    ],
)
def test_bodies_are_read_however_they_are_written(
    given: list[tnef.Property], text_: str | None, html: str | None
) -> None:
    read = read_tnef(envelope(said=given))

    assert read is not None
    assert (read.text, read.html) == (text_, html)


def test_a_message_inside_is_opened_in_its_best_form() -> None:
    html = envelope(
        file(b"inner.pdf", b"%PDF"), body=b"Hi", said=[(tnef.HTML, BINARY, one(b"<p>Hi</p>"))]
    )
    packed = tnef.packed_rtf([b"{\\rtf1 Hi}"])
    rich = envelope(said=[(tnef.RTF, BINARY, one(packed))])

    assert files_of(envelope(file(b"a", b"x", message(html)))) == [
        ("a.html", b"<p>Hi</p>"),
        ("inner.pdf", b"%PDF"),
    ]
    assert files_of(envelope(file(None, None, message(rich)))) == [("message.rtf", b"{\\rtf1 Hi}")]
    assert files_of(envelope(file(b"a", b"x", message(envelope())))) == []


def test_what_is_a_document_of_its_own_is_a_file() -> None:
    ole = [(tnef.DATA, tnef.OBJECT, one(tnef.IS_OLE + b"\xd0\xcf\x11\xe0"))]
    inside = [(tnef.DATA, BINARY, one(b"data"))]
    broken = [(tnef.DATA, tnef.OBJECT, one(tnef.IS_MESSAGE + b"no message"))]

    assert files_of(envelope(file(b"a.doc", b"not for you", ole))) == [
        ("a.doc", b"\xd0\xcf\x11\xe0")
    ]
    assert files_of(envelope(file(b"a", None, inside))) == [("a", b"data")]
    assert files_of(envelope(file(b"a", None, broken))) == [("a", b"no message")]


def test_messages_inside_messages_are_opened_four_deep() -> None:
    inner = envelope(file(b"deepest", b"x"))
    for _ in range(5):
        inner = envelope(file(b"m", b"y", message(inner)))

    [(name, content)] = files_of(inner)

    assert name == "m"
    assert content.startswith(b"\x78\x9f\x3e\x22")
    assert files_of(content) == [("deepest", b"x")]


def test_a_body_is_read_up_to_a_limit_and_says_so() -> None:
    long = read_tnef(envelope(said=[text(tnef.HTML, "x" * (MAX_BODY // 2 + 1))]))
    short = read_tnef(envelope(said=[text(tnef.HTML, "x" * (MAX_BODY // 2 - 1))]))

    assert long is not None
    assert short is not None
    assert (len(long.html or ""), long.is_cut) == (MAX_BODY // 2, True)
    assert (len(short.html or ""), short.is_cut) == (MAX_BODY // 2 - 1, False)


def test_a_wrong_checksum_and_garbage_at_the_end_do_no_harm() -> None:
    octets = bytearray(envelope(file(b"a", b"x")) + b"garbage" * 10)
    octets[14:16] = b"\0\0"

    assert files_of(bytes(octets)) == [("a", b"x")]


def test_attributes_may_come_without_the_one_that_begins_a_file() -> None:
    data, title = attribute(0x800F, b"x", level=2), attribute(0x8010, b"a\0", level=2)

    assert files_of(envelope(data, title)) == [("a", b"x")]


@pytest.mark.parametrize("cut", range(0, len(WHOLE), 7))
def test_one_that_is_cut_off_gives_what_is_there(cut: int) -> None:
    read = read_tnef(WHOLE[:cut])

    assert read is None or len(read.files) <= 3


def test_of_hundreds_of_files_the_first_are_read() -> None:
    octets = envelope(*(file(b"%d" % number, b"x", []) for number in range(300)))

    assert len(files_of(octets)) == 200


PIECES = st.sampled_from(
    [
        struct.pack("<BHHI", 1, 0x9003, 6, 40), struct.pack("<BHHI", 2, 0x9005, 6, 80),
        struct.pack("<BHHI", 2, 0x9002, 6, 0) + b"\0\0", struct.pack("<BHHI", 2, 0x8010, 1, 9),
        struct.pack("<BHHI", 2, 0x800F, 6, 2**32 - 1), struct.pack("<I", 2**32 - 1),
        struct.pack("<HHI", 0x1F, 0x3707, 1), struct.pack("<HHI", 0x0D, 0x3701, 1),
        struct.pack("<HHI", 0x102, 0x1013, 1), struct.pack("<HHI", 0x101F, 0x8001, 2**31),
        struct.pack("<HH", 0x999, 0x1000), struct.pack("<I", 3), b"\0\0\0\0", tnef.IS_MESSAGE,
        struct.pack("<IH", 0x223E9F78, 1), b"\1", b"\2", b"\xff", b"a\0b\0",
    ]
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(st.one_of(PIECES, st.binary(max_size=9)), max_size=30).map(b"".join))
def test_any_octets_give_an_answer(octets: bytes) -> None:
    read = read_tnef(struct.pack("<IH", 0x223E9F78, 1) + octets)

    assert read is not None
    for said in (read.text, read.html, *(found.name for found in read.files)):
        assert said is None or said.encode() is not None
    assert sum(len(found.content) for found in read.files) <= 20 * (len(octets) + 10)


def test_twenty_megabytes_of_tiny_values_are_soon_given_up() -> None:
    values = struct.pack("<HHI", 0x1102, 0x0F03, 2**31) + b"\0\0\0\0" * 5000
    lists = [struct.pack("<I", 2**31) + values * 5] * 200
    octets = envelope(*(attribute(0x9002, b"") + attribute(0x9005, one) for one in lists))
    assert len(octets) > 19_000_000

    began = time.process_time()
    tracemalloc.start()
    read = read_tnef(octets)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert read is not None
    assert peak < 1024 * 1024
    assert time.process_time() - began < 2
