"""What is left of strangers' HTML, read by another parser than the one that cleaned it."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.safe_html.cleaning import cleaned, is_small
from app.mail.safe_html.showing import shown

ALERT = "<img src=x onerror=alert(1)>"
# What is cleaned away and what stays, by what it is an example of.
CLEANED = {
    "script": ("a<script>alert(1)</script>b", "ab"),
    "script, never closed": ("a<script>alert(1)<p>b", "a"),
    "script in a script": ("<scr<script>ipt>alert(1)</script>a", "ipt&gt;alert(1)a"),
    "handler": ('<p onclick="x()" onmouseover=y>a</p>', "<p>a</p>"),
    "handler, slashed": ("<b/onclick=x()//>a</b>", "<b>a</b>"),
    "form": ("<form action=//x><input name=p><button>Go</button></form>", "Go"),
    "choices": ("<select><option>a</select>b", "b"),
    "frame": ("<iframe src=//x>a</iframe><frameset><frame src=//x></frameset>b", "b"),
    "object": ("<object data=x><embed src=y></object><applet>c</applet>a", "a"),
    "style sheet": ("<style>p{color:red}</style><link rel=stylesheet href=//x>a", "a"),
    "style sheet, written into elements": (
        "<style>.a{color:red;position:fixed;background:url(//x)}</style><p class=a>a</p><p>b",
        '<p style="color:red">a</p><p>b</p>',
    ),
    "style sheet, urgent": (
        "<style>p{margin:0!important}</style><p style='margin:9px'>a",
        '<p style="margin:0 ! important">a</p>',
    ),
    "style sheet, for others": (
        "<style>@import '//x';@media print{p{color:red}}@page{margin:0}p:hover{top:0}</style><p>a",
        "<p>a</p>",
    ),
    "style sheet of outlook": (
        "<style><!--\n@font-face{}\np.Mso{margin:0cm;mso-x:y}\n--></style><p class=Mso>a",
        '<p style="margin:0cm">a</p>',
    ),
    "style sheet, broken": ("<style>p{color:red}}}{p{</style><p>a", '<p style="color:red">a</p>'),
    "head": (
        "<html><head><title>T</title><base href=//x><meta http-equiv=refresh></head><body>a", "a"
    ),
    "body": ("<body onload=x() background=//x>a</body></html>", "a"),
    "body with a ground": (
        "<head><style>body{color:red}</style></head><body id=a bgcolor=#eee onload=x><p>a</body>",
        '<div bgcolor="#eee" style="color:red"><p>a</p></div>',
    ),
    "body with a style": (
        "<BODY style='color:red;background:url(x)'>a<body style=margin:0>b",
        '<div style="color:red">ab</div>',
    ),
    "body, never closed": ("a<body style=color:red", "a"),
    "name and class": ("<p id=a name=b class=c>a<a name=body>b</a></p>", "<p>a<a>b</a></p>"),
    "comment": ("a<!-- --><b>b</b><!--> --><!-- <p> --!>c", "a<b>b</b> --&gt;c"),
    "outlook's conditions": (
        "<!--[if mso]><p>o</p><![endif]--><![if !mso]><p>all</p><![endif]>", "<p>all</p>"
    ),
    "outlook's tags": ("<p class=MsoNormal>a<o:p>&nbsp;</o:p></p>", "<p>a&nbsp;</p>"),
    "plaintext": ("a<plaintext><b>b</b>", "a&lt;b&gt;b&lt;/b&gt;"),
    "textarea": ("<textarea><b>a</textarea>b", "&lt;b&gt;ab"),
    "raw text": ("<xmp><script>a</xmp>b", "&lt;script&gt;ab"),
    "cdata": ("a<![CDATA[<b>]]>b", "a]]&gt;b"),
    "instruction": ("<?xml version='1.0'?><!DOCTYPE html>a", "a"),
    "malformed entities": ("&lt &#x; &#0; &#xD800;", "&lt; &amp;#x; \ufffd \ufffd"),
    "unknown entities": ("&notit; &copy &amp;lt;", "\u00acit; \u00a9 &amp;lt;"),
    "zero octets": ("a<scr\0ipt>b</scr\0ipt>", "ab"),
    "lone surrogate": ("a\ud800b", "a?b"),
    "unclosed": (
        "<table><tr><td>a<td><b>b",
        "<table><tbody><tr><td>a</td><td><b>b</b></td></tr></tbody></table>",
    ),
    "misplaced": ("<b><i>a</b>b</i>", "<b><i>a</i></b><i>b</i>"),
    "cut off": ('a<b title="', "a"),
    "no tag": ("1 < 2 && 3 > 2", "1 &lt; 2 &amp;&amp; 3 &gt; 2"),
    "quote": (
        "<blockquote type=cite cite=mid:x>a</blockquote>", '<blockquote type="cite">a</blockquote>'
    ),
    "layout": (
        "<table width=600 background=//x bgcolor=#fff><tr><td nowrap>a",
        '<table width="600" bgcolor="#fff"><tbody><tr><td nowrap="">a</td></tr></tbody></table>',
    ),
    "role": ("<table role=presentation></table>", '<table role="presentation"></table>'),
    "other role": ("<table role=alert></table>", "<table></table>"),
    "svg": (f"<svg><style>{ALERT}</style></svg>a", "<img>a"),
    "svg, with words": ("<svg><text>b</text></svg>a", "a"),
    "svg, linked": ("<svg><a xlink:href=javascript:x>b</a></svg>a", "a"),
    "math": (f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;{ALERT}'>", ""),
    "template": (f"<template><p>{ALERT}</template>a", "a"),
    "noscript": (f'<noscript><p title="</noscript>{ALERT}">', '&lt;p title="<img>"&gt;'),
    "noembed": (f"<noembed><p title='</noembed>{ALERT}'>", "<img>'&gt;"),
    "title": (f"<svg><title><style>{ALERT}", ""),
    "foreign": (f"<svg><foreignObject><p><style>{ALERT}</style></svg>a", ""),
    "mglyph": (f"<form><math><mtext></form><form><mglyph><style></math>{ALERT}", ""),
}  # fmt: skip

LINKS = {
    "web": ("https://a.test/?b=1&amp;c=2", "https://a.test/?b=1&amp;c=2"),
    "mail": ("mailto:jan@a.test", "mailto:jan@a.test"),
    "phone": ("TEL:+31", "TEL:+31"),
    "spaces": ("  https://a.test/  ", "https://a.test/"),
    "broken lines": ("ht\ntps://a.t\test/", "https://a.test/"),
    "without a scheme": ("//a.test/b", "https://a.test/b"),
    "script": ("javascript:alert(1)", None),
    "script, in capitals": ("JavaScript:alert(1)", None),
    "script, hidden": (" \x01java\nscript:alert(1)", None),
    "script, encoded": ("&#106;avascript&colon;alert(1)", None),
    "script, of microsoft": ("vbscript:x", None),
    "page of its own": ("data:text/html,<script>x</script>", None),
    "file": ("file:///etc/passwd", None),
    "relative": ("/logout", None),
    "anchor": ("#top", None),
    "own picture": ("cid:a", None),
    "blob": ("blob:https://a.test/1", None),
}


class Reader(HTMLParser):
    """Notes what another parser sees."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.other: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)


TAGS = """
a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup dd
del dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main
mark nav ol p pre q s samp section small span strike strong sub sup table tbody td tfoot th thead
time tr tt u ul var wbr
"""
ATTRIBUTES = """
align alt bgcolor border cellpadding cellspacing color colspan data-remote-src dir face frame height
href hspace lang noshade nowrap rel reversed role rowspan rules scope size span src start style
summary target title type valign value vspace width
"""


def assert_harmless(html: str) -> None:
    read = Reader(html)
    assert read.tags <= set(TAGS.split())
    assert {name for _, name, _ in read.attributes} <= set(ATTRIBUTES.split())
    assert read.other == []
    for tag, name, value in read.attributes:
        if name == "href":
            assert tag == "a"
            assert (value or "").lower().startswith(("http://", "https://", "mailto:", "tel:"))
        if name == "src":
            assert tag == "img"
            assert (value or "").lower().startswith("data:image/")
        if name == "style":
            assert not set(value or "") & set("\\<>@{}")
            assert "url(" not in (value or "").lower()


@pytest.mark.parametrize(("html", "left"), CLEANED.values(), ids=CLEANED)
def test_what_is_no_part_of_a_mail_is_gone(html: str, left: str) -> None:
    assert shown(cleaned(html)).html == left
    # What is clean stays as it is.
    assert shown(cleaned(left)).html == left


@pytest.mark.parametrize(("url", "left"), LINKS.values(), ids=LINKS)
def test_links_lead_out_and_nowhere_else(url: str, left: str | None) -> None:
    html = shown(cleaned(f'<a href="{url}" target=_self rel=opener ping=//x>a</a>')).html

    away = 'target="_blank" rel="noopener noreferrer nofollow"'
    assert html == ("<a>a</a>" if left is None else f'<a href="{left}" {away}>a</a>')


PIECES = st.sampled_from(
    [
        *("<p>", "</p>", "<b>", "</b>", "<table>", "<tr>", "<td>", "</table>", "<a href=", "<svg>"),
        *("</svg>", "<math>", "<mtext>", "<style>", "</style>", "<title>", "</title>", "<script>"),
        *(
            "</script>",
            "<noscript>",
            "</noscript>",
            "<textarea>",
            "<template>",
            "<xmp>",
            "<select>",
        ),
        *("<!--", "-->", "--!>", "<![CDATA[", "]]>", "<?", "<plaintext>", "<form>", "<mglyph>"),
        *("<foreignObject>", "<annotation-xml encoding=text/html>", "<desc>", "<img src=", ALERT),
        *('"', "'", ">", "<", "/", " ", "=", "&", "&lt;", "&#62;", "&quot;", "\\", "\0", "\n"),
        *("javascript:", "vbscript:", "data:text/html,", "data:image/svg+xml,", "https://a.test/"),
        *(" onerror=x ", ' style="', "color:red;", "background:url(", "position:fixed;", ")", ";"),
        *("behavior:", "expression(", "@import", "/*", "*/", "cid:", "<base href=", "<meta ", "x"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_nothing_gets_through(html: str) -> None:
    left = shown(cleaned(html))

    assert_harmless(left.html)
    assert_harmless(shown(cleaned(left.html)).html)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_taken(html: str) -> None:
    assert_harmless(shown(cleaned(html)).html)


def test_style_sheets_of_elsewhere_are_not_loaded(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.css"
    sheet.write_text("p{color:red}")
    html = (
        f"<link rel=stylesheet href='{sheet.as_uri()}'><link rel=stylesheet href='{sheet}'>"
        f"<style>@import '{sheet.as_uri()}';</style><p>a"
    )

    assert cleaned(html) == "<p>a</p>"


def test_few_short_tags_are_small() -> None:
    assert is_small("<p>" * 1000)
    assert not is_small("<p>" * 1001)
    assert not is_small("a" * (64 * 1024 + 1))
    assert not is_small("<STYLE>p{}</STYLE>")
