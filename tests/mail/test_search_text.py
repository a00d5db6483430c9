import time

import pytest

from app.mail.search_text import TEXT_LIMIT, folded, search_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Your OFFER", "your offer"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("Zoe\u0308", "zoë"),
        ("\uff26\uff35\uff2c\uff2c", "full"),
        ("  a\t\r\n b\u00a0c ", "a b c"),
        ("", ""),
    ],
)
def test_texts_are_made_alike(text: str, expected: str) -> None:
    assert folded(text) == expected


def test_each_line_stands_for_itself_and_the_body_is_last() -> None:
    text = search_text(
        ["Your\noffer", "", "Jan <jan@b.test>"],
        "<style>p {color: red}</style><p>See <b>th</b>is</p><p>now &amp; here</p>",
    )

    assert text == "your offer\n\njan <jan@b.test>\nsee this now & here"


def test_links_are_found_by_where_they_lead() -> None:
    assert "https://acme.test/a?b=1&c=2" in search_text(
        [], '<a href="https://acme.test/a?b=1&amp;c=2">here</a>'
    )


def test_of_a_long_body_the_first_part_is_kept() -> None:
    begun = time.perf_counter()

    text = search_text(["s"], "<p>Zebra</p>" + "<b>word</b> " * 1_000_000 + "the end")

    assert text.startswith("s\nzebra word word")
    assert len(text) == TEXT_LIMIT + 2
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("html", ["<", "<p", "&#xD800;", "<!--", "\x00", "<script>", "]]>"])
def test_any_body_gives_a_text_that_can_be_stored(html: str) -> None:
    search_text([], html).encode()
