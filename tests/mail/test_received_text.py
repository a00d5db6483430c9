import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.received_text import MAX_WORDS, decoded_words, text_of


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
