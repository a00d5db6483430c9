"""MJML made into HTML: what the author fills in survives, and faults are told where they stand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.templates.compiling import check, compile_source
from app.mail.templates.rendering import Rendered, render
from app.mail.templates.sources import Format, Source, TemplateFault

SNIPPETS = [
    "<mjml>", "</mjml>", "<mj-body>", "</mj-body>", "<mj-section>", "</mj-section>", "<mj-column>",
    "</mj-column>", "<mj-text>", "</mj-text>", "<mj-image src='{{ a }}'/>", "<mj-raw>", "</mj-raw>",
    "{% if a %}", "{% endif %}", "{{ a }}", "{% for x in a %}", "{% endfor %}", "x", "<br>", "<b",
    "<mj-style inline='inline'>p{a:{{ a }}}</mj-style>", "<!--", "-->", "<mj-include path='p'/>",
    "<mj-head>", "</mj-head>", "<mj-carousel/>", "<mj-button href=x>", "&nbsp;", "\r\n", "é", "\0",
]  # fmt: skip


def source(body: str, *, head: str = "", partials: dict[str, str] | None = None) -> Source:
    whole = f"<mjml><mj-head>{head}</mj-head>\n<mj-body>{body}</mj-body></mjml>"
    return Source("s", whole, Format.MJML, partials=partials or {})


def in_column(inner: str) -> str:
    return f"<mj-section><mj-column>{inner}</mj-column></mj-section>"


def rendered(given: Source, **variables: object) -> Rendered:
    return render(compile_source(given), variables, limit=100_000)


def faults(given: Source) -> list[tuple[int, int, str]]:
    checked = check(given)
    assert (checked.compiled is None) == bool(checked.faults)
    return [(fault.line, fault.column, fault.message) for fault in checked.faults]


def warnings(given: Source) -> list[tuple[int, int, str]]:
    return [(told.line, told.column, told.message) for told in check(given).warnings]


def test_mjml_becomes_html_once() -> None:
    compiled = compile_source(source(in_column("<mj-text>Dear {{ name }}</mj-text>")))

    assert "mj-" not in compiled.html.split("<body")[1].replace("mj-column-per-100", "").replace(
        "mj-outlook-group-fix", ""
    )
    assert ">Dear {{ name }}</div>" in compiled.html
    assert compiled.required == ("name",)


def test_sections_are_repeated() -> None:
    body = "{% for x in xs %}" + in_column("<mj-text>{{ x }}</mj-text>") + "{% endfor %}"

    made = rendered(source(body), xs=["a", "b", "<c>"])

    assert made.text == "a\nb\n<c>\n"
    assert made.html.count("max-width:600px") == 3
    assert "&lt;c&gt;" in made.html


def test_columns_and_parts_of_columns_are_chosen() -> None:
    column = "<mj-column>{% if b < 2 %}<mj-text>few</mj-text>{% else %}<mj-text>many</mj-text>"
    body = f"<mj-section>{{% if a %}}{column}{{% endif %}}</mj-column>{{% endif %}}</mj-section>"

    assert [rendered(source(body), a=a, b=b).text for a, b in [(1, 1), (1, 2), (0, 1)]] == [
        "few\n",
        "many\n",
        "",
    ]


def test_rows_of_tables_are_repeated() -> None:
    table = "<mj-table>{% for r in rs %}<tr><td>{{ r.a }}</td></tr>{% endfor %}</mj-table>"

    made = rendered(source(in_column(table)), rs=[{"a": "1"}, {"a": "2"}])

    assert "<tr><td>1</td></tr><tr><td>2</td></tr>" in made.html


def test_values_stand_in_attributes() -> None:
    button = '<mj-button href="https://x.example/?a=1&b={{ b|urlencode }}" color="{{ c }}">'

    made = rendered(source(in_column(f"{button}{{{{ b }}}}</mj-button>")), b="ä&", c="red")

    assert 'href="https://x.example/?a=1&b=%C3%A4%26"' in made.html
    assert "color:red;" in made.html
    assert ">ä&amp;</a>" in made.html


def test_contents_are_taken_as_they_are() -> None:
    inner = "a<br>b &nbsp;&copy; <p>unclosed <img src='x' alt=''> 1 < 2 {{ '<' }}"

    made = rendered(source(in_column(f"<mj-text>{inner}</mj-text>")))

    assert "a<br>b &nbsp;&copy; <p>unclosed <img src='x' alt=''> 1 < 2 &lt;</div>" in made.html


def test_title_and_preview_are_filled_in() -> None:
    head = "<mj-title>{{ t }}</mj-title><mj-preview>Soon: {{ p }}</mj-preview>"

    made = rendered(source("", head=head), t="A & B", p="x")

    assert "<title>A &amp; B</title>" in made.html
    assert ">Soon: x</div>" in made.html


def test_inline_styles_are_inlined_and_others_kept() -> None:
    head = (
        "<mj-style>.b{color:{{ c }}}</mj-style>"
        '<mj-style inline="inline">.a td{color:{{ c }}} .a:hover{top:0}</mj-style>'
    )
    table = '<mj-table css-class="a">{% for r in rs %}<tr><td>{{ r }}</td></tr>{% endfor %}'

    made = rendered(source(in_column(f"{table}</mj-table>"), head=head), c="red", rs=["1", "2"])

    assert '<tr><td style="color: red;">1</td></tr><tr><td style="color: red;">2</td>' in made.html
    assert ">.b{color:red}</style>" in made.html
    assert ".a:hover" in made.html
    assert "data-css-inline" not in made.html


def test_partials_are_included_by_either_way() -> None:
    partials = {"a": in_column("<mj-text>A {{ x }}</mj-text>"), "b": "<b>B</b>"}
    body = '<mj-include path="a"/>' + in_column("<mj-text>{% include 'b' %}</mj-text>")

    assert rendered(source(body, partials=partials), x="1").text == "A 1\nB\n"


def test_a_layout_stands_around_the_body() -> None:
    layout = (
        f"<mjml><mj-body>{{{{ content }}}}{in_column('<mj-text>bye</mj-text>')}</mj-body></mjml>"
    )
    body = in_column("<mj-text>{{ x }}</mj-text>")

    made = rendered(Source("s", body, Format.MJML, layout=layout), x="hello")

    assert made.text == "hello\nbye\n"


def test_nothing_of_others_is_loaded() -> None:
    compiled = compile_source(source(in_column("<mj-text>a</mj-text>")))

    assert "fonts.googleapis.com" not in compiled.html
    assert "http://127.0.0.1" not in compiled.html


@pytest.mark.parametrize(
    ("body", "line", "column", "message"),
    [
        ("\n <mj-sectoin/>", 3, 2, "there is no element mj-sectoin in MJML"),
        ("\n<mj-text>a</mj-text>", 3, 1, "mj-text cannot stand in mj-body"),
        ("<mj-section>", 2, 10, "<mj-section> is not closed"),
        ("</mj-column>", 2, 10, "</mj-column> closes nothing"),
        ("\nhello", 3, 1, "text stands in mj-text and the like only"),
        ("<mj-section a=b></mj-section>", 2, 10, "this tag cannot be read; values stand in quotes"),
        ("<mj-section {% if a %}b='c'{% endif %}/>", 2, 10,
            "only the value of an attribute can be filled in, in quotes"),
        ("<mj-section {{ a }}='c'/>", 2, 22,
            "only the value of an attribute can be filled in, in quotes"),
        ("<mj-section a='1' a='2'/>", 2, 28, "a is given twice"),
        ("{% if a %}<mj-section>{% endif %}</mj-section>", 2, 10,
            "must end in the element, content or attribute that it begins in"),
        (in_column("<mj-text>{% if a %}</mj-text>{% endif %}"), 2, 42,
            "must end in the element, content or attribute that it begins in"),
        (in_column("<mj-text>a"), 2, 33, "<mj-text> is not closed"),
        (in_column("<mj-social>{% if a %}{% endif %}</mj-social>"), 2, 44,
            "nothing can be filled in between the elements of mj-social"),
        ("<mj-include path='/etc/passwd'/>", 2, 10, "there is no partial /etc/passwd"),
        ("<mj-include path='http://127.0.0.1/'/>", 2, 10, "there is no partial http://127.0.0.1/"),
        ("<mj-include path='a' type='css'/>", 2, 10,
            'takes the form <mj-include path="name" />'),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_stands(body: str, line: int, column: int, message: str) -> None:
    assert (line, column, message) in faults(source(body))


@pytest.mark.parametrize(
    ("whole", "message"),
    [
        ("hello", "must be one <mjml> element"),
        ("", "must be one <mjml> element"),
        ("<mjml></mjml><mjml></mjml>", "must be one <mjml> element"),
        ("{{ a }}<mjml></mjml>", "nothing can be filled in outside <mjml>"),
        ("<mjml><mj-head><mj-title><b></mj-title></mj-head></mjml>", "mj-title holds text only"),
        ("<mjml><mj-head>{{ a }}</mj-head></mjml>",
            "nothing can be filled in between the elements of mj-head"),
        ("<mjml><mj-head><mj-attributes><mj-head/></mj-attributes></mj-head></mjml>",
            "mj-head cannot stand in mj-attributes"),
        ("<mjml>" + "<mj-section>" * 21, "stands more than 20 elements deep"),
        ("<mjml>" + "<mj-body/>" * 5001, "has more than 5000 elements"),
        ("<mjml>" + " " * 300_000, "has more than 300000 characters"),
    ],
)  # fmt: skip
def test_what_is_no_mjml_is_refused(whole: str, message: str) -> None:
    assert message in [told for _, _, told in faults(Source("s", whole, Format.MJML))]


def test_a_fault_in_a_partial_is_told_in_the_partial() -> None:
    given = source("<mj-include path='a'/>", partials={"a": "<mj-section>\n<mj-txt/></mj-section>"})

    assert check(given).faults == [
        TemplateFault("partials.a", 2, 1, "there is no element mj-txt in MJML")
    ]


@pytest.mark.parametrize(
    ("inner", "column", "message"),
    [
        ("<mj-text colour='red'>a</mj-text>", 42, "mj-text has no attribute colour"),
        ("<mj-image src='x'/>", 33, "mj-image has no alt, which is read where it is not shown"),
        ("<mj-text><img src='x'></mj-text>", 42,
            "img has no alt, which is read where it is not shown"),
        ("<mj-text><div></mj-text>", 42, "<div> is not closed"),
        ("<mj-image alt='' width='{{ w }}'/>", 57,
            "MJML needs to know this before it is filled in, and leaves it out"),
    ],
)  # fmt: skip
def test_what_is_doubtful_is_told(inner: str, column: int, message: str) -> None:
    assert warnings(source(in_column(inner))) == [(2, column, message)]


def test_many_faults_are_told_in_part() -> None:
    assert len(faults(source("<mj-x/>" * 500))) == 100
    assert len(warnings(source(in_column("<mj-image/>") * 500))) == 100


@settings(max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=3))).map("".join))
def test_any_mjml_has_faults_or_is_compiled(body: str) -> None:
    for one in (source(body, partials={"p": body}), source(in_column(body))):
        faults(one)
