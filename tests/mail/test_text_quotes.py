"""The text of received HTML: what it quotes stands behind `>`, and what is new is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.reply_text import reply_text
from app.mail.text import plain_text
from app.mail.text_quotes import quoted_text

GMAIL = (
    '<div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">'
    'On Tue, Nov 24, 2026 at 10:00\u202fAM Acme &lt;<a href="mailto:crm@acme.test">crm@acme.test'
    '</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style=""><div>Hello<br>Bye</div>'
    "</blockquote>"
)
OUTLOOK = (
    "<b>From:</b> Acme &lt;crm@acme.test&gt;<br><b>Sent:</b> Tuesday<br><b>To:</b> Jan<br>"
    "<b>Subject:</b> Your offer"
)
PREFIX = '<div class="moz-cite-prefix">On 24/11/2026 10:00, Acme wrote:<br></div>'
CITE = '<blockquote type="cite" cite="mid:1@acme.test">'
# What programs make of an answer whose new part is "Fine.".
SHAPES = {
    "gmail": f'<div dir="ltr">Fine.</div><br>{GMAIL}</div>',
    "gmail, below": f'<div dir="ltr">{GMAIL}<div>Fine.</div></div></div>',
    "outlook on the web": f'<div>Fine.</div><div id="appendonsend"></div><hr tabindex="-1">'
    f'<div id="divRplyFwdMsg"><font>{OUTLOOK}</font><div>&nbsp;</div></div><div>Hello</div>',
    "outlook": f'<p class=MsoNormal>Fine.<o:p></o:p></p><div><div style="border-top:solid 1pt">'
    f"<p class=MsoNormal>{OUTLOOK}<o:p></o:p></p></div></div><p class=MsoNormal>Hello</p>",
    "outlook for ios": "<p>Fine.</p><div>Get <a href='https://aka.ms/x'>Outlook for iOS</a></div>"
    f'<hr><div id="divRplyFwdMsg">{OUTLOOK}</div><div>Hello</div>',
    "outlook, old": f"<p>Fine.</p><p>-----Original Message-----<br>{OUTLOOK}</p><p>Hello</p>",
    "apple": "<body>Fine.<br><div><br><blockquote type='cite'><div>On 24 Nov 2026, at 10:00, Acme "
    "wrote:</div><br><div>Hello</div></blockquote></div><br></body>",
    "iphone": "<body>Fine.<br><div>Sent from my iPhone</div><div><br><blockquote type=CITE>On 24 "
    "Nov, at 10:00, Acme wrote:<br><br></blockquote></div><blockquote type=cite>Hello</blockquote>",
    "thunderbird": f"<p>Fine.</p>{PREFIX}{CITE}<p>Hello</p></blockquote>",
    "thunderbird, below": f"{PREFIX}{CITE}<p>Hello</p></blockquote><p>Fine.</p>"
    '<div class="moz-signature">-- <br>Jan</div>',
    "yahoo": '<div>Fine.</div><div class="yahoo_quoted"><div>On 24 Nov, Acme &lt;a@acme.test&gt; '
    "wrote: </div><div><br></div><div>Hello</div></div>",
    "proton": '<div>Fine.</div><div class="protonmail_quote">On 24 Nov, Acme wrote:<br>'
    '<blockquote class="protonmail_quote">Hello</blockquote></div>',
}


@pytest.mark.parametrize("html", SHAPES.values(), ids=SHAPES)
def test_what_is_new_is_found(html: str) -> None:
    assert reply_text(quoted_text(html)) == "Fine."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (f"a{CITE}b<br>c</blockquote>d", "a\n> b\n> c\nd\n"),
        (f"{CITE}<p>a</p><p>b</p></blockquote><p>c</p>", "> a\n>\n> b\n\nc\n"),
        (f"{CITE}a{CITE}b</blockquote>c</blockquote>d", "> a\n>> b\n> c\nd\n"),
        (f"{CITE}a{CITE}b", "> a\n>> b\n"),
        (f"{CITE}a</blockquote></blockquote>b{CITE}c", "> a\nb\n> c\n"),
        (f"{CITE}<blockquote>a</blockquote>b</blockquote>c", "> a\n> b\nc\n"),
        (f"<table><tr><td>a{CITE}b</td></tr></table>", "a\n> b\n"),
        (f"{CITE}{CITE}</blockquote></blockquote>", ""),
        (f"a{CITE}", "a\n"),
        (f"<script>{CITE}</script>a", "a\n"),
        ("<blockquote style='margin:0 0 0 40px'>a</blockquote>", "a\n"),
        ("<blockquote class=quote title='type=cite'>a</blockquote>", "a\n"),
        ("a < b <blockquote", "a < b\n"),
        (f"\U0010fff0a{CITE}b\U0010fff1c", "a\n> bc\n"),
    ],
)
def test_quotations_stand_behind_signs(html: str, text: str) -> None:
    assert quoted_text(html) == text


def test_without_quotations_it_is_plain_text() -> None:
    html = "<p>a\U0010fff0</p><ul><li>b</ul>"

    assert quoted_text(html) == plain_text(html, replacements={})


PIECES = st.sampled_from(
    [
        CITE,
        "<blockquote>",
        "</blockquote>",
        "<p>",
        "</div>",
        "a",
        " ",
        "<!--",
        "<script>",
        "\n",
        "<",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(PIECES, max_size=20).map("".join))
def test_no_mark_of_ours_is_left(html: str) -> None:
    text = quoted_text(html)

    assert "\U0010fff0" not in text
    assert "\U0010fff1" not in text
    assert text.replace(">", "").split() == plain_text(html, replacements={}).split()


def test_what_quotes_without_end_is_not_longer_than_its_html() -> None:
    html = '<blockquote type="cite">a' * 60

    assert quoted_text(html).splitlines()[-1] == f"{'>' * 50} a"
