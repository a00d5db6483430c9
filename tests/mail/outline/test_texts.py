from html import escape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.mail.outline.marks import marked
from app.mail.outline.plans import planned
from app.mail.outline.texts import plain_text_of, plans
from app.mail.templates.filling import Value, html_pieces
from app.mail.text import plain_text

PIECES = [
    "<", ">", "</", '"', "'", "=", " ", "  ", "\n", "&", "&am", "&#", "&#6", ";", "text", "\xa0",
    "<p>", "</p>", "<br>", "<div style='display:none'>", "<div style='", "</div>", "<pre>",
    "</pre>", "<table>", "</table>", "<tr>", "</tr>", "<td>", "<td>x", "<ul>", "</ul>", "<ol>",
    "<li>", "<hr>", "<a href='https://b.nl/'>", "<a href='tel:12'>", "<a href='", "</a>",
    "<img alt='", "<!--", "-->", "<title>", "</title>", "<script>", "</script>", "<body hidden>",
    "<xmp>", "<!", "<?", "\u200c", "https://b.nl/", "U+", "'>", '<a href="https://', '">', "</td>",
    "<table><tr><td>", "</td><td>", "</td></tr></table>", "<a href='mailto:", "-", "&amp;",
    "<img src='", "<span style='color:", "\U00100000", "\U00108000",
]  # fmt: skip
VALUES = [
    "Jan", "Jan de Vries", "1", "12", "b.nl", "b", "p", "/p", "none", "lt;", "x  y", " x", "", "-",
    "https://c.nl/a.", "O&#x27;Brien", "&amp;", "&lt;b&gt;", "\u034f", "\u200b", "a\nb", "x" * 120,
    "\U00100000", "display:none", "9;", "\u00e9", "A &amp; B", "A&amp;n", "5\u202f000,00\xa0€",
    "a<br>\nb", "#fff", "x\x0by", "?a=1&amp;copy=2", "//c.nl/%20%20",
]  # fmt: skip

a_value = st.sampled_from(VALUES).map(Value)
a_piece = st.sampled_from(PIECES)


@given(st.lists(st.one_of(a_piece, a_value), max_size=14))
@settings(max_examples=200)
@example(["<a href='tel:12'>", Value("12"), "</a>"])
@example(["<table><tr><td>", Value("x" * 120), "</td><td>b</td></tr></table>"])
@example(["<", Value("b"), ">text</b>"])
@example(["&", Value("lt;")])
@example(["<div style='", Value("display:none"), "'>text</div>"])
@example(["<!-- ", Value("-"), "-> text -->"])
@example(["<a href=x", Value("y z"), ">text</a>"])
def test_it_reads_as_if_each_was_laid_out_alone(pieces: list[str]) -> None:
    assert plain_text_of(pieces) == plain_text("".join(pieces), replacements={})


some_words = [
    "Jan",
    "O&#x27;Brien &amp; co",
    "12",
    "b.nl",
    "https://c.nl/?a=1&amp;b=2",
    "x" * 60,
    "",
]
a_place = st.just(Value())
some_text = st.one_of(
    a_place.map(lambda value: [value]),
    st.sampled_from(["text ", "<b>b</b>", "<br>", "&amp; ", "\n  "]).map(lambda text: [text]),
    st.sampled_from(["https://b.nl/", "mailto:", "tel:1", ""]).map(
        lambda begin: [f"<a href='{begin}", Value(), "' title='", Value(), "'>", Value(), "</a>"]
    ),
)
some_cells = st.lists(some_text, min_size=1, max_size=6).map(
    lambda cells: ["<td>", *[part for cell in cells for part in [*cell, "</td><td>"]], "</td>"]
)
some_blocks = st.one_of(
    some_text,
    some_cells.map(lambda cells: ["<table><tr>", *cells, "</tr></table>"]),
    some_cells.map(lambda cells: ["<ul><li><table><tr>", *cells, "</tr></table></li></ul>"]),
)


@given(st.lists(some_blocks, max_size=4), st.data())
@settings(max_examples=40)
def test_one_layout_serves_whatever_is_filled_in(
    blocks: list[list[str]], data: st.DataObject
) -> None:
    pieces = [piece for block in blocks for piece in block]

    for _ in range(3):
        filled = [
            Value(data.draw(st.sampled_from(some_words))) if isinstance(piece, Value) else piece
            for piece in pieces
        ]
        assert plain_text_of(filled) == plain_text("".join(filled), replacements={})


LAID_OUT_ONCE = {
    "words": "<p>Dear {{ name }}, of {{ city }}</p>",
    "without_markup": "Dear {{ name }}",
    "link": '<p><a href="https://b.nl/{{ n }}?a=1&b={{ name|urlencode }}">{{ city }}</a></p>',
    "whole_address": '<p><a href="{{ url }}">Read {{ name }}</a> {{ url }}</p>',
    "telephone": '<p><a href="tel:{{ n }}">{{ n }}</a></p>',
    "columns": "<table><tr><td>{{ name }}</td><td>{{ n|money('EUR', 'fr') }}</td></tr></table>",
    "columns_in_a_list": "<ul><li><table><tr><td>{{ n }}</td><td>{{ city }}</td></tr></table></ul>",
    "picture": '<p><img src="{{ url }}" alt="{{ name }}"></p>',
    "comment": '<!--[if mso]><v:rect href="{{ url }}"><![endif]--><p>{{ name }}</p>',
    "style": '<style>p {color: {{ n }} }</style><p style="color:{{ colour }}">{{ name }}</p>',
    "lines": "<p>{{ note|nl2br }}</p>",
    "note": "<p>{{ note }}</p>",
    "nothing": "<p>{{ empty }}{{ name }}</p>",
}


@pytest.mark.parametrize("html", LAID_OUT_ONCE.values(), ids=LAID_OUT_ONCE)
def test_mails_that_differ_in_words_are_laid_out_once(html: str) -> None:
    mails = [
        {
            "name": f"Jan {n} O'Brien & co",
            "city": "'s-Hertogenbosch" * n,
            "n": 1234.5 * n,
            "url": f"https://b.nl/{n}?a=1&b=2",
            "colour": f"#ff{n}",
            "note": "First\nSecond",
            "empty": None,
        }
        for n in range(1, 9)
    ]
    plan = None

    for variables in mails:
        pieces = html_pieces(html, variables, limit=10_000)
        found = marked(pieces)
        assert found is not None
        plan = plan or planned(found[0])
        assert plan is not None
        assert plan.text_with(found[1]) == plain_text("".join(pieces), replacements={})


def test_a_text_as_it_reads() -> None:
    template = (
        "<p>Dear {{ name }}, {{ name }} of {{ city }}</p>"
        "<table><tr><td>{{ note }}</td><td>{{ city }}</td></tr>"
        "<tr><td>A</td><td>B</td></tr></table>"
        '{% if vip %}<p>Thanks</p>{% endif %}<p><a href="https://b.nl/{{ n }}">more</a></p>'
    )

    texts = [
        plain_text_of(
            html_pieces(
                template,
                {"name": f"Jan {n}", "city": "Den Haag", "note": "x" * n, "vip": n % 2, "n": n},
                limit=10_000,
            )
        )
        for n in range(10)
    ]

    assert texts[3] == (
        "Dear Jan 3, Jan 3 of Den Haag\n\nxxx  Den Haag\nA    B\n\n\nThanks\n\n"
        "more (https://b.nl/3)\n"
    )
    assert texts[4] == (
        "Dear Jan 4, Jan 4 of Den Haag\n\nxxxx  Den Haag\nA     B\n\n\nmore (https://b.nl/4)\n"
    )


@pytest.mark.parametrize(
    "html",
    [
        "<{{ tag }}>text",
        "<p {{ tag }}>text</p>",
        "<a href={{ tag }}>text</a>",
        "<p style='display:{{ tag }}'>text</p>",
        "<xmp>{{ tag }}</xmp>",
        "&{{ tag }}",
        "<!-- {{ tag }}-->text",
    ],
)
def test_values_that_may_decide_on_the_markup_are_not_foreseen(html: str) -> None:
    found = marked(html_pieces(html, {"tag": "div"}, limit=1000))
    assert found is not None

    plan = planned(found[0])

    assert plan is None or plan.text_with(found[1]) is None


@pytest.mark.parametrize("length", [127 * 1024, 200 * 1024])
def test_long_mails_are_read_alike(length: int) -> None:
    pieces = ["<p>", Value("Jan"), "</p>", "word " * (length // 5)]

    assert plain_text_of(pieces) == plain_text("".join(pieces), replacements={})


def test_more_values_than_are_counted() -> None:
    pieces: list[str] = []
    for number in range(1100):
        pieces += ["<p>", Value(str(number)), "</p>"]

    assert plain_text_of(pieces) == plain_text("".join(pieces), replacements={})


def test_what_was_laid_out_is_kept() -> None:
    html, _ = marked(["<p>", Value(escape("A & B")), "</p>"]) or ("", [])

    assert plans(html) is plans(html) is not None
