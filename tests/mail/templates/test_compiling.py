"""A source made into what is stored: composed once, with every fault at the author's own place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail.templates.compiling import check, compile_source
from app.mail.templates.sources import Source, TemplateFault, TemplateFaultsError

LAYOUT = '<html>\r\n{% include "head" %}<body>{{ content }}</body></html>'
PARTIALS = {"head": "<h1>{% include 'name' %}</h1>", "name": "{{ shop|default('Shop') }}"}
SNIPPETS = [
    "{{ a }}", "{{ a.b|upper }}", "{% if a %}", "{% else %}", "{% endif %}", "{% for x in a %}",
    "{% endfor %}", "{% include 'p' %}", "{% include 'q' %}", "{{ content }}", "{#", "#}", "{%",
    "%}", "{{", "}}", "{% raw %}", "{% endraw %}", "<p>", "</p>", "\r\n", "'", "\\x", "é", "<td {{",
    "{{ a() }}", "{{ a|nope }}", "{% set a = 1 %}", "{{ 9e999 }}", "<style>p{color:red}</style>",
]  # fmt: skip
random_texts = st.lists(st.one_of(st.sampled_from(SNIPPETS), st.text(max_size=5))).map("".join)


def test_layout_and_partials_become_one_text() -> None:
    source = Source("For {{ name }}", "<p>{{ total }}</p>", layout=LAYOUT, partials=PARTIALS)

    compiled = compile_source(source)

    assert compiled.subject == "For {{ name }}"
    assert compiled.html == (
        "<html>\n<h1>{{ shop|default('Shop') }}</h1><body><p>{{ total }}</p></body></html>"
    )
    assert compiled.text is None
    assert (compiled.required, compiled.optional) == (("name", "total"), ("shop",))


def test_a_body_without_layout_stays_as_it_is() -> None:
    compiled = compile_source(Source("Hi", "<p>{{ a }}<br>&copy; <TD>", text="{{ b }}"))

    assert (compiled.html, compiled.text) == ("<p>{{ a }}<br>&copy; <TD>", "{{ b }}")
    assert compiled.required == ("a", "b")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source("s", "<p>\n  {{ a|nope }}"), ("body", 2, 8, "there is no filter nope")),
        (Source("{{ a.b() }}", "b"), ("subject", 1, 7, "call is not allowed here")),
        (Source("s", "b", text="é {{ a b }}"), (
            "text", 1, 8, "expected token 'end of print statement', got 'b'")),
        (Source("s", "{{ 'é'\n ? }}"), ("body", 2, 2, "unexpected char '?' at 8")),
        (Source("s", "b", layout="<p>"), ("layout", 1, 1, "has no {{ content }}")),
        (Source("s", "b", layout="{{ content }}\n{{ content }}"), (
            "layout", 2, 1, "{{ content }} stands there twice")),
        (Source("s", "\n{% include 'x' %}"), ("body", 2, 1, "there is no partial x")),
        (Source("s", "{% include x %}"), (
            "body", 1, 4, 'takes the form {% include "name" %}')),
        (Source("s", "b", text="{% include 'x' %}"), (
            "text", 1, 4, "include is not allowed here")),
        (Source("s", "{% include 'x' %}", partials={"x": "\r\n {{ a() }}"}), (
            "partials.x", 2, 6, "call is not allowed here")),
        (Source("s", "{% include 'x' %}", partials={"x": "{% include 'y' %}", "y": (
            "<p>\n{% include 'x' %}")}), ("partials.y", 2, 1, "the partial x includes itself")),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_the_author_wrote_it(
    source: Source, expected: tuple[str, int, int, str]
) -> None:
    with pytest.raises(TemplateFaultsError) as refused:
        compile_source(source)

    assert refused.value.faults == [TemplateFault(*expected)]


def test_all_faults_are_told_in_order() -> None:
    source = Source("{{ a() }}", "{{ a|b }}{% set a = 1 %}", text="{{ a", layout="{% if %}")

    assert [(fault.path, fault.line, fault.column) for fault in check(source).faults] == [
        ("body", 1, 6),
        ("body", 1, 13),
        ("layout", 1, 7),
        ("subject", 1, 5),
        ("text", 1, 4),
    ]


def test_partials_that_multiply_are_given_up() -> None:
    partials = {f"p{n}": f"{{% include 'p{n + 1}' %}}" * 10 for n in range(9)} | {"p9": "x" * 9000}

    faults = check(Source("s", "{% include 'p0' %}", partials=partials)).faults

    assert [fault.message for fault in faults] == [
        "more than 500 partials or 2000000 characters are included"
    ]


def test_partials_stand_a_few_deep_only() -> None:
    partials = {f"p{n}": f"{{% include 'p{n + 1}' %}}" for n in range(12)}

    faults = check(Source("s", "{% include 'p0' %}", partials=partials)).faults

    assert faults == [TemplateFault("partials.p9", 1, 1, "partials are included more than 10 deep")]


@settings(max_examples=150)
@given(random_texts, st.none() | random_texts, random_texts)
def test_any_source_has_faults_or_is_compiled(body: str, layout: str | None, part: str) -> None:
    source = Source(part, body, layout=layout, text=part, partials={"p": part, "q": body})

    checked = check(source)

    assert (checked.compiled is None) == bool(checked.faults)
    assert all(fault.line >= 1 and fault.column >= 1 for fault in checked.faults)
