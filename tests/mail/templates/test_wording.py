"""Faults that show only when a template is filled in are told where its author wrote them."""

from dataclasses import replace

import pytest

from app.mail.templates.compiling import compile_source
from app.mail.templates.rendering import render
from app.mail.templates.sources import Format, Source
from app.mail.templates.values import RenderError

BAD = "{{ n|upper|round }}"
STYLE = "<style>p{color:{{ n }}}</style>"
MJML = (
    "<mjml>\n<mj-body>\n<mj-section>\n<mj-column>\n<mj-text>{{ n }}</mj-text>\n"
    "<mj-text>\n\nx {{ n\n}} %s</mj-text></mj-column></mj-section></mj-body></mjml>"
)


@pytest.mark.parametrize(
    ("source", "where"),
    [
        (Source("s", f"<p>\n{BAD}</p>"), "line 2"),
        (Source("s", f"{STYLE}<p>\n\n{{{{ n }}}}\n</p><b>\n{BAD}</b>"), "line 5"),
        (Source("s", f"<b>\n{BAD}</b>", layout="<p>\n\n{{ n }}</p>\n\n{{ content }}"), "line 2"),
        (Source("s", "x", layout=f"<p>\n\n{{{{ content }}}}\n{BAD}</p>"), "layout, line 4"),
        (Source("s", "a\n{% include 'b' %}", partials={"b": f"x\n{BAD}"}), "partials.b, line 2"),
        (Source("s", MJML % BAD, Format.MJML), "line 9"),
        (Source("s", MJML % "{{ n if n\n is gt 'a' }}", Format.MJML), "line 10"),
        (Source("s", f"<p>\r\n{{# \n #}}{BAD}</p>"), "line 3"),
        (Source("s", "<p>x</p>", text=f"x\n{BAD}"), "line 2"),
        (Source(f"s {BAD}", STYLE), "line 1"),
    ],
)
def test_it_is_told_where_it_was_written(source: Source, where: str) -> None:
    compiled = compile_source(source)

    with pytest.raises(RenderError) as caught:
        render(compiled, {"n": 1}, limit=100_000)

    assert str(caught.value).endswith(f" ({where})")


def test_a_body_as_it_was_written_needs_no_lines() -> None:
    assert compile_source(Source("s", "<p>{{ n }}</p>\n{# a #}")).lines == ()
    assert compile_source(Source("s", f"{STYLE}<p>{{{{ n }}}}</p>")).lines == (("body", 1),) * 2


def test_marks_that_are_not_those_that_were_compiled_have_their_own_lines() -> None:
    compiled = compile_source(Source("s", f"{STYLE}<p>{{{{ n }}}}</p>"))

    with pytest.raises(RenderError) as caught:
        render(replace(compiled, html=f"x\n{BAD}"), {"n": 1}, limit=1000)

    assert str(caught.value).endswith("(line 2)")
