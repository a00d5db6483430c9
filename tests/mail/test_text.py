import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.text import plain_text
from app.mail.tracking import track

PIECES = [
    "<", ">", "</", '"', " ", "\n", "\r\n", "\f", "\0", "\ud800", "&#0;", "&#1;", "&nbsp;", "&",
    "text", "<p>", "</p>", "<br>", "<div style='display:none'>", "</div>", "<pre>", "</pre>", "<q>",
    "<table>", "</table>", "<tr>", "</tr>", "<td>", "<ul>", "</ul>", "<ol>", "<li value=²>", "<hr>",
    "<a href='http://b.nl/\x01'>", "</a>", "<img alt='&#1;x'>", "<!--", "-->", "<?x ", "\u200c",
    "<html>", "<body hidden>", "<head>", "<title>", "</title>", "<svg>",
]  # fmt: skip
HOSTILE = [
    "<", "<a ", "<!--", "<a>", "<div>", "x<b>y</b>", "<p>Hello</p>", "<td>x", "<table>", "&amp;",
    "https://b.nl/) ", ")", "\n", " ", "<script>", "<a href='", "<a href='https://b.nl'>x</a> ",
]  # fmt: skip

soup = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        (" \r\n\t ", ""),
        ("Hello", "Hello\n"),
        ("Hi &amp; bye\r\n\r\n  1 < 2\n", "Hi & bye\n\n  1 < 2\n"),
        ("a\rb \nc\n\n\n\n\n\nd", "a\nb\nc\n\n\nd\n"),
        ("a\0b\ud800c", "abc\n"),
        ("<p>One</p><p>Two<br>three</p>", "One\n\nTwo\nthree\n"),
        ("<div>One</div><div>Two</div><center>Three</center>", "One\nTwo\nThree\n"),
        ("<h1>Title</h1>Text <b>bold</b><i>!</i>", "Title\n\nText bold!\n"),
        ("<ul><li>One<li>Two</ul>", "  * One\n  * Two\n"),
        ("<ol><li>One<li>Two</ol>", " 1. One\n 2. Two\n"),
        ("a<hr>b", f"a\n\n{'-' * 40}\n\nb\n"),
        ("<pre>  a\n   b</pre>", "  a\n   b\n"),
        ('<p style="white-space: pre-wrap">a\nb</p>', "a\nb\n"),
        ("<p>&amp;copy=1 &amp;amp; &euro;&nbsp;5</p>", "&copy=1 &amp; € 5\n"),
        ('<img src="x" alt="Our logo"><img src="y">', "[Our logo]\n"),
        ("<title>T</title><style>p{}</style><script>x</script><p>Hello</p>", "Hello\n"),
        ("<!-- a --><p>Hello<?x ?></p>", "Hello\n"),
        ("<p hidden>No</p><p style='DISPLAY : none'>No</p><p>Yes</p>", "Yes\n"),
        (
            '<p style="max-height:0;overflow:hidden">No</p><p style="max-height:0.5em">Yes</p>',
            "Yes\n",
        ),
        ("<p>\u200c\u00a0\u200c \u034f</p><p>Yes</p>", "Yes\n"),
        ("<?xml version='1.0' encoding='latin1'?><p>é</p>", "é\n"),
        ("<meta charset=latin1><p>é</p>", "é\n"),
        ("<p style='margin-top:99999em'>a</p>", "a\n"),
    ],
)
def test_markup_becomes_text(html: str, text: str) -> None:
    assert plain_text(html, replacements={}) == text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            '<a href="https://b.nl/a?x=1&amp;copy=2">Offer</a>.',
            "Offer (https://b.nl/a?x=1&copy=2).\n",
        ),
        ('<a href="https://b.nl/">https://b.nl</a>', "https://b.nl\n"),
        ('<a href="https://www.b.nl/">www.b.nl</a>', "www.b.nl\n"),
        ('<a href="https://b.nl"><img alt="Logo"></a>', "[Logo] (https://b.nl)\n"),
        ('<a href="https://b.nl"><b>Bold</b> </a>', "Bold (https://b.nl)\n"),
        ('<a href="https://b.nl"><img src="x"></a>', "https://b.nl\n"),
        ('<a href="mailto:a%2Bb@b.nl?subject=x">Mail us</a>', "Mail us (a+b@b.nl)\n"),
        ('<a href="mailto:a@b.nl">Mail a@b.nl</a>', "Mail a@b.nl\n"),
        (
            '<a href="tel:+3120123">Call</a> <a href="tel:020123">020 123</a>',
            "Call (+3120123) 020 123\n",
        ),
        ('<a href="#top">Top</a> <a name="x">x</a> <a href="javascript:x">y</a>', "Top x y\n"),
    ],
)
def test_links_show_where_they_lead(html: str, text: str) -> None:
    assert plain_text(html, replacements={}) == text


def test_tables_of_values_stand_in_columns() -> None:
    html = """<table><tr><th>Item</th><th>Price</th></tr>
        <tr><td>Widget</td><td>&euro; 10</td></tr><tr><td>Long gadget</td><td>5</td></tr></table>"""

    assert plain_text(html, replacements={}) == (
        "Item         Price\nWidget       € 10\nLong gadget  5\n"
    )


def test_tables_for_layout_read_from_top_to_bottom() -> None:
    html = """<table><tr><td><table><tr><td><p>Hello</p></td></tr></table></td><td>Right</td></tr>
        <tr><td>A<table><tr><td>x</td><td>y</td></tr></table></td></tr></table>"""

    assert plain_text(html, replacements={}) == "Hello\n\nRight\nA\nx  y\n"


def test_a_table_with_one_huge_cell_does_not_pad_the_others() -> None:
    rows = "<tr><td>a</td><td>b</td></tr>" * 1000
    html = f"<table><tr><td>{'x' * 10_000}</td><td>y</td></tr>{rows}</table>"

    assert plain_text(html, replacements={}) == "x" * 10_000 + "\ny" + "\na\nb" * 1000 + "\n"


def test_tracking_urls_are_shown_as_the_originals() -> None:
    replacements = {"https://t.test/1": "https://b.nl/one", "https://t.test/10": "https://b.nl/ten"}
    html = (
        '<p><a href="https://t.test/1">One</a>, <a href=" https://t.test/10">Ten</a>, '
        '<a href="https://t.test/1">b.nl/one</a> or https://t.test/1.'
        ' Not <a href="https://t.test/100">this</a> (https://t.test/10)</p>'
    )

    assert plain_text(html, replacements=replacements) == (
        "One (https://b.nl/one), Ten (https://b.nl/ten), b.nl/one or https://b.nl/one."
        " Not this (https://t.test/100) (https://b.nl/ten)\n"
    )


def test_tracking_leaves_no_trace() -> None:
    html = '<body><p>See <a href="https://b.nl/?a=1&amp;b=2">this</a></p></body>'
    tracked = track(
        html, link_url=lambda index: f"https://t.test/{index}?s=1&t=2", pixel_url="https://t.test/p"
    )
    replacements = {
        f"https://t.test/{index}?s=1&t=2": url for index, url in enumerate(tracked.links)
    }

    assert plain_text(tracked.html, replacements=replacements) == plain_text(html, replacements={})


def test_a_plain_body_shows_originals_too() -> None:
    assert plain_text("https://t.test/1\n", replacements={"https://t.test/1": "x"}) == "x\n"


@pytest.mark.parametrize("depth", [500, 5000, 60_000])
def test_deep_nesting_falls_back_to_the_bare_text(depth: int) -> None:
    html = (
        "<div>" * depth
        + '<script>no</script>Deep &amp; <b>low</b> <a href="https://t.test/1">x</a>'
        + "</div>" * depth
    )

    text = plain_text(html, replacements={"https://t.test/1": "https://b.nl/?a&b"})

    assert text == "Deep & low x (https://b.nl/?a&b)\n"
    assert sys.getrecursionlimit() == 1000


@given(html=st.text() | st.text(st.characters()) | soup)
def test_any_text_gives_tidy_text(html: str) -> None:
    text = plain_text(html, replacements={"http://b.nl/": "http://c.nl"})

    assert not re.search(r"[\0\ud800-\udfff\r]", text)
    assert not re.search(r"[ \t]\n|\n\n\n\n|\A\n|\n\n\Z", text)
    assert text == "" or text.endswith("\n")


@pytest.mark.timeout(40)
@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_input_takes_linear_time(piece: str) -> None:
    for size in (100_000, 1_000_000):
        html = f"<p>https://b.nl/{piece * (size // len(piece))}"

        assert len(plain_text(html, replacements={})) < 2 * len(html)
