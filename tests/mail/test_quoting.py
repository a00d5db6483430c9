"""An answered mail below its answer: how it looks, and that it is found again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail import quoting
from app.mail.quoting import Author
from app.mail.reply_text import reply_text
from app.mail.safe_html.cleaning import cleaned
from app.mail.safe_html.showing import shown
from app.mail.text import plain_text

JAN = Author("Jan de Vries", "jan@customer.test")
AT = datetime(2026, 11, 25, 23, 12, tzinfo=UTC)
LINES = {
    "en": "On 26 Nov 2026 at 00:12, Jan de Vries <jan@customer.test> wrote:",
    "nl": "Op 26 nov 2026 om 00:12 schreef Jan de Vries <jan@customer.test>:",
    "de": "Am 26.11.2026 um 00:12 schrieb Jan de Vries <jan@customer.test>:",
    "fr": "Le 26 nov. 2026 \u00e0 00:12, Jan de Vries <jan@customer.test> a \u00e9crit :",
    "es": "El 26 nov 2026 a las 00:12, Jan de Vries <jan@customer.test> escribi\u00f3:",
}


@pytest.mark.parametrize(("language", "line"), LINES.items())
def test_the_line_above_is_in_a_language_of_mail_programs(language: str, line: str) -> None:
    made = quoting.attribution(JAN, AT, language=language, timezone="Europe/Amsterdam")

    assert made == line
    assert (
        reply_text(quoting.text_below("Fine.\n", quoting.quoted_text(line, "Hello\n\nAcme")))
        == "Fine."
    )


@pytest.mark.parametrize(
    ("author", "written"),
    [
        (Author(None, "jan@c.test"), "<jan@c.test>"),
        (Author("Jan", None), "Jan"),
        (Author("", ""), "somebody"),
        (Author("Jan\r\n\u2028Bcc: x", "j@c.test"), "Jan Bcc: x <j@c.test>"),
        (Author("a" * 1000, "b" * 1000), f"{'a' * 200} <{'b' * 254}>"),
        (Author("{date}", "j@c.test"), "{date} <j@c.test>"),
    ],
)
def test_the_author_is_named_as_far_as_known(author: Author, written: str) -> None:
    line = quoting.attribution(author, AT, language="en", timezone=None)

    assert line == f"On 25 Nov 2026 at 23:12 UTC, {written} wrote:"
    assert reply_text(quoting.text_below("Fine.", quoting.quoted_text(line, "Hello"))) == "Fine."


@pytest.mark.parametrize(
    ("original", "quoted"),
    [
        ("Hello", "> Hello\n"),
        ("\nHello  \n\n> Bye\n>> Once\n", "> Hello\n>\n>> Bye\n>>> Once\n"),
        ("-- \nJan", "> --\n> Jan\n"),
        ("From us\n.", "> From us\n> .\n"),
        ("", ">\n"),
        ("a" * 50_000, f"> {'a' * 48 * 1024}\n> [\u2026]\n"),
    ],
)
def test_text_is_quoted_line_by_line(original: str, quoted: str) -> None:
    assert quoting.text_below("Fine.\n", quoting.quoted_text("On x wrote:", original)) == (
        f"Fine.\n\nOn x wrote:\n{quoted}"
    )


def test_nothing_but_the_original_can_be_sent() -> None:
    assert (
        quoting.text_below("", quoting.quoted_text("On x wrote:", "Hello"))
        == "On x wrote:\n> Hello\n"
    )


@pytest.mark.parametrize(
    ("body", "before", "after"),
    [
        ("<p>Fine.</p>", "<p>Fine.</p>", ""),
        ("<html><body><p>Fine.</p></body></html>", "<html><body><p>Fine.</p>", "</body></html>"),
        ("<p>Fine.</p></html>\n", "<p>Fine.</p>", "</html>\n"),
        ("<p>&lt;/body></p><!-- </body> -->", "<p>&lt;/body></p><!-- </body> -->", ""),
        ("<p>Fine.<!-- </body>", "<p>Fine.", "<!-- </body>"),
        ("Fine.", "Fine.", ""),
    ],
)
def test_html_is_quoted_at_the_end_of_what_is_shown(body: str, before: str, after: str) -> None:
    made = quoting.html_below(body, "On x, J <j@c> wrote:", "<p>Hello</p>", is_cut=False)

    assert made == (
        f"{before}<div><p>On x, J &lt;j@c&gt; wrote:</p>"
        '<blockquote type="cite" style="margin:0 0 0 0.8ex;border-left:1px solid #ccc;'
        f'padding-left:1ex"><p>Hello</p></blockquote></div>{after}'
    )


@pytest.mark.parametrize("language", LINES)
def test_what_is_new_is_found_in_the_html_alone(language: str) -> None:
    line = quoting.attribution(JAN, AT, language=language, timezone=None)

    html = quoting.html_below("<p>Fine.</p>", line, "<p>Hello</p><p>Acme</p>", is_cut=True)

    assert reply_text(plain_text(html, replacements={})) == "Fine."
    assert html.endswith("<p>Acme</p><p>[\u2026]</p></blockquote></div>")


def test_images_are_sent_as_they_were_unless_they_were_in_the_mail() -> None:
    html = (
        '<img src="https://a.test/x?a=1&amp;b=2" alt="Photo"><img src="cid:a" alt="A &lt;logo&gt;">'
        '<img src="data:image/png;base64,AAAA" alt=""><img src="cid:b">'
        '<img alt="x" src="https://t.test/" width="1" height="1">'
    )

    assert quoting.as_sent(shown(cleaned(html))) == (
        '<img src="https://a.test/x?a=1&amp;b=2" alt="Photo">[A &lt;logo&gt;]'
    )


def test_links_are_not_tracked() -> None:
    safe = shown(cleaned('<a href="https://a.test">a</a><a>b</a> &lt;a href='))

    assert quoting.untracked(safe.html) == (
        '<a data-letterbox-track="off" href="https://a.test" target="_blank" '
        'rel="noopener noreferrer nofollow">a</a><a>b</a> &lt;a href='
    )


LIMIT = 96 * 1024


@pytest.mark.parametrize(
    ("html", "left"),
    [
        ("a" * LIMIT, None),
        ("a" * (LIMIT - 3) + "<b>b</b>", "a" * (LIMIT - 3)),
        ("a" * (LIMIT - 5) + "<b>b</b>", "a" * (LIMIT - 5) + "<b>b"),
        ("<p>" + "word " * LIMIT, ("<p>" + "word " * LIMIT)[: LIMIT - 2].strip()),
        ("a" * (LIMIT + 1), "a" * LIMIT),
    ],
)
def test_long_html_is_cut_between_tags_or_words(html: str, left: str | None) -> None:
    assert quoting.shortened(html) == left


def test_text_is_quoted_as_html_where_there_is_no_other() -> None:
    assert quoting.html_of_text("\na <b>\n\n> c & d\n") == "a &lt;b&gt;<br>\n<br>\n&gt; c &amp; d"


@given(st.text(), st.sampled_from(sorted(LINES)))
def test_every_line_of_any_text_is_quoted(original: str, language: str) -> None:
    line = quoting.attribution(JAN, AT, language=language, timezone=None)

    text = quoting.text_below("", quoting.quoted_text(line, original))

    assert text.startswith(f"{line}\n>")
    assert all(one.startswith(">") for one in text.removesuffix("\n").split("\n")[1:])
