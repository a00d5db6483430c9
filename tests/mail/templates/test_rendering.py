"""Compiled templates filled in."""

from typing import Any

import pytest

from app.mail.templates.compiling import compile_source
from app.mail.templates.rendering import Rendered, render
from app.mail.templates.sources import Source
from app.mail.templates.values import RenderError

SECRETS: dict[str, Any] = {"a": "x", "n": 1, "xs": [1, 2], "o": {"k": "v"}}


def test_subject_html_and_text_are_filled_in() -> None:
    compiled = compile_source(Source("For {{ a }}", "<p>{{ a }}</p>", text="Dear {{ a }}"))

    assert render(compiled, {"a": "J & Co"}, limit=1000) == Rendered(
        "For J & Co", "<p>J &amp; Co</p>", "Dear J & Co"
    )


def test_the_text_is_made_from_the_html_without_one() -> None:
    compiled = compile_source(Source("s", "<p>Dear {{ a }}</p><p>Bye</p>"))

    assert render(compiled, {"a": "J & Co"}, limit=1000).text == "Dear J & Co\n\nBye\n"


def test_missing_variables_of_all_parts_are_named() -> None:
    compiled = compile_source(Source("{{ a }}", "{{ b }}{{ d|default('') }}", text="{{ c }}"))

    with pytest.raises(RenderError, match=r"^missing variables: a, b, c$"):
        render(compiled, {}, limit=1000)


def test_a_part_over_the_limit_is_refused() -> None:
    compiled = compile_source(Source("s", "{% for x in xs %}{{ x }}{% endfor %}"))

    with pytest.raises(RenderError, match="larger than 100 octets"):
        render(compiled, {"xs": ["x" * 10] * 11}, limit=100)


@pytest.mark.parametrize(
    "payload",
    [
        "{{ a.__class__ }}", "{{ a['__class__']['__mro__'] }}", "{{ a.__init__.__globals__ }}",
        "{{ o.keys }}", "{{ o.__dict__ }}", "{{ xs.append }}", "{{ n.real }}", "{{ a.format }}",
        "{{ (o|default(o))['__class__'] }}", "{{ xs[n.__class__] }}", "{{ (a, n).__class__ }}",
        "{{ ''.__class__ }}", "{{ [].__class__ }}", "{{ loop.__class__ }}",
        "{% for x in xs %}{{ loop.__class__ }}{% endfor %}", "{{ xs|join(attribute='__class__') }}",
    ],
)  # fmt: skip
def test_nothing_of_python_is_reached(payload: str) -> None:
    compiled = compile_source(Source("s", payload))

    with pytest.raises(RenderError):
        render(compiled, SECRETS, limit=1000)


@pytest.mark.parametrize(
    "payload",
    [
        "{{ config }}", "{{ self }}", "{{ request.application }}", "{{ cycler.__init__ }}",
        "{{ lipsum.__globals__ }}", "{{ namespace }}", "{{ joiner }}", "{{ range }}", "{{ dict }}",
    ],
)  # fmt: skip
def test_names_of_jinja_are_variables_like_others(payload: str) -> None:
    compiled = compile_source(Source("s", payload))

    with pytest.raises(RenderError, match="missing variables"):
        render(compiled, SECRETS, limit=1000)
