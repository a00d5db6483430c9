"""CSS inlined: the elements get it, and what the author fills in keeps its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.templates.compiling import check, compile_source
from app.mail.templates.filling import render_html
from app.mail.templates.marks import marks
from app.mail.templates.sources import Source, TemplateFault

STYLE = "<style>p{color:red} a:hover{x:y}</style>"
SNIPPETS = [
    "<p>", "</p>", "<table>", "<tr>", "<td>", "</td>", "</tr>", "</table>", "<b>", "</b>", "<div>",
    "</div>", "{{ a }}", "{% if a %}", "{% endif %}", "{% for x in a %}", "{% endfor %}",
    "<i title='{{ a }}'>", "<i {{ a }}>", "<{{ a }}>", "<!-- {{ a }} -->", "<title>{{ a }}</title>",
    "<style>p{m:n}</style>", "<style>{% if a %}p{m:n}{% endif %}</style>", "&#123;{", "x", "<!--",
    "<select><option>", "<svg><p>", "v0x0x", "data-css-inline='ignore'",
]  # fmt: skip


def html_of(body: str) -> str:
    checked = check(Source("s", body))
    assert checked.compiled is not None
    assert checked.warnings == []
    return checked.compiled.html


def marks_of(template: str) -> list[str]:
    return [template[mark.start : mark.end] for mark in marks(template)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<p>{{ a }}", '<p style="color: red;">{{ a }}</p>'),
        ("<p title='{{ a }}'>x</p>", '<p title="{{ a }}" style="color: red;">x</p>'),
        ("{% if a < 2 %}<p>x</p>{% endif %}",
            '{% if a < 2 %}<p style="color: red;">x</p>{% endif %}'),
        ("<p></p><table>{% for r in rs %}<tr><td>{{ r }}</td></tr>{% endfor %}</table>",
            ('<p style="color: red;"></p><table><tbody>{% for r in rs %}<tr><td>{{ r }}</td></tr>'
            "{% endfor %}</tbody></table>")),
        ("<!--[if mso]><td>{{ a }}<![endif]--><p>x</p>",
            '<!--[if mso]><td>{{ a }}<![endif]--><p style="color: red;">x</p>'),
        ("<p style='margin:{{ a }}px'>x</p>", '<p style="color: red;margin: {{ a }}px">x</p>'),
        ("{# no #}<p>{% raw %}{{ x }}{% endraw %}</p>",
            '{# no #}<p style="color: red;">{% raw %}{{ x }}{% endraw %}</p>'),
        ("<p>v0x0x {{ a }}</p>", '<p style="color: red;">v0x0x {{ a }}</p>'),
    ],
)  # fmt: skip
def test_marks_keep_their_places(body: str, expected: str) -> None:
    html = html_of(f"<html><head>{STYLE}</head><body>{body}</body></html>")

    assert html == (
        f"<html><head><style>a:hover {{ x: y; }}</style></head><body>{expected}</body></html>"
    )


def test_values_stand_in_css() -> None:
    html = html_of("<style>p{color:#{{ c }};margin:{{ m }}px}</style><p>x</p>")

    assert '<p style="color: #{{ c }};margin: {{ m }}px;">x</p>' in html
    assert render_html(html, {"c": '"><script>', "m": 3}, limit=1000).count("<script>") == 0


def test_what_a_client_decides_stays_in_a_style_element() -> None:
    html = html_of("<style>p{color:red} @media print{p{color:blue}}</style><p>x</p>")

    assert "@media print{p{color:blue}}" in html
    assert '<p style="color: red;">x</p>' in html


def test_css_with_statements_stays_as_it_is() -> None:
    style = "<style>{% if a %}p{color:red}{% endif %}</style>"

    assert html_of(f"{style}<p>x</p>") == f"<html><head>{style}</head><body><p>x</p></body></html>"


def test_nothing_is_loaded() -> None:
    links = (
        '<link rel="stylesheet" href="file:///etc/passwd"><link href="http://127.0.0.1:1/a.css">'
    )

    html = html_of(f"{STYLE}{links}<p>x</p>")

    assert links in html
    assert "root:" not in html


@pytest.mark.parametrize(
    ("body", "column", "reason"),
    [
        ("<p {{ a }}>x</p>", 41, "a tag is made by the template"),
        ("<{{ a }}>x</p>", 41, "a tag is made by the template"),
        ("{% if a %}<p>{% else %}<p title=''>{% endif %}x</p>", 41,
            "a part of the template opens or closes elements"),
        ("<p>&#123;{ x }}</p>", 1, "character references in it read as a part of the template"),
        ("<p title='{{ a }}' title='{{ b }}'>x</p>", 1,
            "the marks of the template do not stand in well-formed HTML"),
        ("<b>" * 20_000, 1, "the HTML has more than 1000000 characters or 20000 tags"),
    ],
)  # fmt: skip
def test_html_stays_as_it_is_where_marks_would_move(body: str, column: int, reason: str) -> None:
    checked = check(Source("s", STYLE + body))

    assert checked.compiled is not None
    assert checked.compiled.html == STYLE + body
    assert TemplateFault("body", 1, column, f"the CSS is not inlined: {reason}") in checked.warnings


def test_html_without_css_stays_as_it_is() -> None:
    body = "<P CLASS=a>&copy;<br/>{{ a }}<table><tr>"

    assert compile_source(Source("s", body)).html == body


@settings(max_examples=200)
@given(st.lists(st.sampled_from(SNIPPETS)).map("".join))
def test_all_marks_stay_and_keep_their_order(body: str) -> None:
    checked = check(Source("s", STYLE + body))

    if checked.compiled is not None:
        assert marks_of(checked.compiled.html) == marks_of(body)
