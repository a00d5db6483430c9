import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.received_text import MAX_WORDS, decoded_words, storable, text_of


def word(octets: bytes, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(octets).decode()}?="


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain words", "plain words"),
        ("=?utf-8?q?Zo=C3=AB?=", "Zoë"),
        ("=?UTF-8?Q?a_b?= c =?utf-8?q?d?=", "a b c d"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?iso-8859-1?q?=EB?=", "aë"),
        ("=?utf-8?q?a?==?utf-8?q?b?=", "ab"),
        ("x=?utf-8?q?a?=y", "xay"),
        ("=?utf-8*nl?q?a?=", "a"),
        ("=?utf-8?q?with spaces?=", "with spaces"),
        (f"{word(bytes([0xE2, 0x82]))} {word(bytes([0xAC]))}", "€"),
        (word("镕".encode("gb18030"), "gb2312"), "镕"),
        (word("見積".encode("iso-2022-jp"), "ISO-2022-JP"), "見積"),
        (word("Zoë".encode("latin-1"), "utf-8"), "Zoë"),
        ("=?x-unknown?q?Caf=E9?=", "Café"),
        ("=?utf-8?b?####?=", ""),
        ("=?utf-8?b?Wm/D?=", "ZoÃ"),
        ("=?utf-8?q?a=00b?=", "ab"),
        ("=?utf-8?x?a?=", "=?utf-8?x?a?="),
        ("=?utf-8?q?never closed", "=?utf-8?q?never closed"),
        ("=?", "=?"),
    ],
)
def test_encoded_words(value: str, text: str) -> None:
    assert decoded_words(value) == text


def test_a_value_is_read_to_its_limit() -> None:
    words = "=?utf-8?q?a?= " * 285 + "=?utf-8?q?"
    assert len(words) == MAX_WORDS

    assert decoded_words(words + "b?=") == "a" * 285 + " =?utf-8?q?"


@given(st.text(st.sampled_from("=?utf-8bq_ \r\n*AZ+/é\ud800"), max_size=60))
def test_no_value_breaks_it(value: str) -> None:
    assert decoded_words(value).encode() is not None


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("Grüße aus Köln".encode()[:-1] + b"\xe2\x82", "Grüße aus Köl\ufffd"),
        (b"\xc3\xa9 \xff\xfe", "Ã© ÿþ"),
        (b"\xff\xfe", "ÿþ"),
        ("Äëï".encode("latin-1"), "Äëï"),
        ("Zoë \u2013 één".encode("cp1252"), "Zoë \u2013 één"),
    ],
)
def test_what_was_cut_in_a_letter_is_read_as_the_rest_is(octets: bytes, text: str) -> None:
    assert text_of(octets, "utf-8") == text


@pytest.mark.parametrize(("charset", "wrong"), [("tis-620", b"\xff"), ("utf-7", b"\x81\x82")])
def test_of_a_charset_that_is_a_lie_no_more_than_its_beginning_is_tried(
    charset: str, wrong: bytes
) -> None:
    some, many = wrong * 1000 + "\xe9".encode("cp1252"), wrong * 200_000 + "\xe9".encode("cp1252")

    assert text_of(some, charset).count("\ufffd") >= 1000
    text = text_of(many, charset)
    assert 100_000 < text.count("\ufffd") < 300_000
    assert text[-1] == "\xe9"


@pytest.mark.parametrize("charset", ["zlib", "bz2", "base64", "hex", "rot13"])
def test_what_packs_is_no_charset(charset: str) -> None:
    assert text_of(b"Zo\xeb", charset) == "Zo\xeb"


def test_octets_without_a_letter_of_their_own() -> None:
    assert text_of(b"\x81\x8d caf\xe9", None) == "\ufffd\ufffd caf\xe9"


@given(st.text(st.sampled_from("a\0\ud800\udfff\U0001f600"), max_size=20))
def test_what_cannot_be_stored_is_left_out(text: str) -> None:
    expected = "".join(
        "\ufffd" if "\ud800" <= sign <= "\udfff" else sign for sign in text if sign != "\0"
    )
    assert storable(text) == expected
