"""Templates filled in: what they may say, what they must not, and how it is told."""

import tracemalloc
from typing import Any

import pytest

from app.mail.templates.filling import render_html, render_text
from app.mail.templates.values import RenderError

LIMIT = 1_000_000
JAN = {"name": "Jan & Co", "lines": [{"text": "a", "price": 2}, {"text": "b", "price": 3}]}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ name }}", "Jan &amp; Co"),
        ('<i title="{{ \'<\\"\' }}">', '<i title="&lt;&quot;">'),
        ("{{ name|e }} {{ name|escape }} {{ name|e|e }}", "Jan &amp; Co " * 2 + "Jan &amp; Co"),
        ("{{ other|default(name)|e }}", "Jan &amp; Co"),
        ("{{ name|upper }}", "JAN &amp; CO"),
        ("{{ name|e|upper }} {{ name|e|truncate(5, true, '', 0) }}", "JAN &amp; CO Jan &amp;"),
        ("{{ name|e|length }} {{ [name|e, name]|join('<') }}", "8 Jan &amp; Co&lt;Jan &amp; Co"),
        ("{{ 'a\n<b>'|nl2br }}", "a<br>\n&lt;b&gt;"),
        ("{{ name|urlencode }}", "Jan%20%26%20Co"),
        ("{% for line in lines %}{{ loop.index }}{{ line.text }}{% endfor %}", "1a2b"),
        ("{% for l in lines if l.price > 2 %}{{ l.text }}{% else %}-{% endfor %}", "b"),
        ("{% for l in lines -%}  {{ l.text }}  {%- endfor %}", "ab"),
        ("{{ lines|join(', ', attribute='text') }}", "a, b"),
        ("{% raw %}{{ name }}{% endraw %}{# {{ nothing }} #}", "{{ name }}"),
        ("{% if other is defined %}{{ other }}{% endif %}.", "."),
    ],
)
def test_a_template_is_filled_in(template: str, expected: str) -> None:
    assert render_html(template, JAN, limit=LIMIT) == expected


def test_a_line_of_text_is_not_escaped() -> None:
    assert render_text("For {{ name }}", JAN, limit=LIMIT) == "For Jan & Co"


def test_a_variable_is_text_whatever_it_holds() -> None:
    assert render_html("{{ a }}", {"a": "{{ b }}{% if %}"}, limit=LIMIT) == "{{ b }}{% if %}"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ a }}{% if b.c %}{{ d }}{% endif %}", "missing variables: a, b, d"),
        ("{% for l in lines %}{{ l.text }}{{ l.vat }}{% endfor %}", "missing variables: l.vat"),
        ("{% for l in lines if l.vat %}{% endfor %}", "missing variables: l.vat"),
        ("{{ name['x'] }}{{ lines[5].text }}", "missing variables: lines[5], name[x]"),
        ("{{ name|round }}", "template error: round: works on numbers only (line 1)"),
        ("{{ name|nl2br|upper }}", "template error: upper: nl2br comes last (line 1)"),
        ("\n{{ name.upper() }}", "template error: call is not allowed here (line 2)"),
        ("{{ name|safe }}", "template error: there is no filter safe (line 1)"),
    ],
)  # fmt: skip
def test_what_cannot_be_filled_in_is_named(template: str, reason: str) -> None:
    with pytest.raises(RenderError) as refused:
        render_html(template, JAN, limit=LIMIT)

    assert str(refused.value) == reason


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in xs %}{% for b in xs %}{% for c in xs %}.{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in xs if a in xs %}.{% endfor %}",
        "{% for a in xs %}{{ text|upper|length }}{% endfor %}",
    ],
)
def test_a_template_that_takes_long_is_given_up(template: str) -> None:
    variables: dict[str, Any] = {"xs": list(range(5000)), "text": "x" * 100_000}

    with pytest.raises(RenderError, match="takes too much work"):
        render_html(template, variables, limit=LIMIT)


@pytest.mark.parametrize(
    "template",
    ["{{ text|replace('x', ten)|replace('x', ten) }}", "{{ xs|join(text) }}", "{{ html|e|upper }}"],
)
def test_a_text_without_end_is_refused_before_it_is_made(template: str) -> None:
    variables: dict[str, Any] = {
        "text": "x" * 100_000, "ten": "x" * 10, "xs": list(range(20_000)), "html": "&" * 900_000,
    }  # fmt: skip
    tracemalloc.start()
    try:
        with pytest.raises(RenderError, match="the text has more than 1000000 characters"):
            render_html(template, variables, limit=100 * LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20_000_000
