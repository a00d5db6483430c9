import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.mail.templates.filling import Value, html_pieces
from app.mail.text import plain_text
from app.mail.text_outline import _outline, plain_text_of

PIECES = [
    "<", ">", "</", '"', "'", "=", " ", "  ", "\n", "&", "&am", "&#", "&#6", ";", "text", "\xa0",
    "<p>", "</p>", "<br>", "<div style='display:none'>", "<div style='", "</div>", "<pre>",
    "</pre>", "<table>", "</table>", "<tr>", "</tr>", "<td>", "<td>x", "<ul>", "</ul>", "<ol>",
    "<li>", "<hr>", "<a href='https://b.nl/'>", "<a href='tel:12'>", "<a href='", "</a>",
    "<img alt='", "<!--", "-->", "<title>", "</title>", "<script>", "</script>", "<body hidden>",
    "<xmp>", "<!", "<?", "\u200c", "https://b.nl/", "U+",
]  # fmt: skip
VALUES = [
    "Jan", "Jan de Vries", "1", "12", "b.nl", "b", "p", "/p", "none", "lt;", "x  y", " x", "", "-",
    "https://c.nl/a.", "O&#x27;Brien", "&amp;", "&lt;b&gt;", "\u034f", "\u200b", "a\nb", "x" * 120,
    "\U00100000", "display:none", "9;", "\u00e9",
]  # fmt: skip

pieces_of_mail = st.lists(
    st.one_of(st.sampled_from(PIECES), st.sampled_from(VALUES).map(Value)), max_size=14
)


@given(pieces_of_mail)
@settings(max_examples=400)
@example(["<a href='tel:12'>", Value("12"), "</a>"])
@example(["<table><tr><td>", Value("x" * 120), "</td><td>b</td></tr></table>"])
@example(["<", Value("b"), ">text</b>"])
@example(["&", Value("lt;")])
@example(["<div style='", Value("display:none"), "'>text</div>"])
def test_it_reads_as_if_each_was_laid_out_alone(pieces: list[str]) -> None:
    assert plain_text_of(pieces) == plain_text("".join(pieces), replacements={})


def test_mails_that_differ_in_plain_words_are_laid_out_once() -> None:
    template = (
        "<p>Dear {{ name }}, {{ name }} of {{ city }}</p>"
        "<table><tr><td>{{ note }}</td></tr></table>"
        '{% if vip %}<p>Thanks</p>{% endif %}<p><a href="https://b.nl/x">more</a></p>'
    )
    _outline.cache_clear()

    texts = [
        plain_text_of(
            html_pieces(
                template,
                {"name": f"Jan {n} de Vries", "city": f"Den Haag {n}", "note": "n", "vip": n % 2},
                limit=10_000,
            )
        )
        for n in range(10)
    ]

    assert texts[3] == (
        "Dear Jan 3 de Vries, Jan 3 de Vries of Den Haag 3\n\nn\n\nThanks\n\nmore (https://b.nl/x)\n"
    )
    assert texts[4].startswith("Dear Jan 4 de Vries, Jan 4 de Vries of Den Haag 4\n\nn\n\nmore")
    assert _outline.cache_info().misses == 2


@pytest.mark.parametrize("length", [127 * 1024, 200 * 1024])
def test_long_mails_are_read_alike(length: int) -> None:
    pieces = ["<p>", Value("Jan"), "</p>", "word " * (length // 5)]

    assert plain_text_of(pieces) == plain_text("".join(pieces), replacements={})


def test_more_values_than_are_counted() -> None:
    pieces: list[str] = []
    for number in range(1100):
        pieces += ["<p>", Value(str(number)), "</p>"]

    assert plain_text_of(pieces) == plain_text("".join(pieces), replacements={})
