"""Templates are cut into words as Jinja cuts them, in time that goes with their length."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import Environment, TemplateSyntaxError

from app.mail.templates.compiling import check
from app.mail.templates.filling import render_html
from app.mail.templates.lexing import normalised, words
from app.mail.templates.sources import Source
from app.mail.templates.values import RenderError
from app.mail.templates.veil import Veil

PIECES = [
    "{", "}", "{{", "}}", "{%", "%}", "{#", "#}", "#", "-", "+", "%", "{%-", "-%}", "{{-", "-}}",
    "{%+", "+%}", "-#}", "+#}", "raw", "endraw", "{% raw %}", "{% endraw %}", "{%- endraw -%}",
    " ", "\n", "a", "if", "1", "1.5", "0x", "_", "'", '"', "\\", "\\'", "(", ")", "[", "]", "|",
]  # fmt: skip
MEGA = 200_000


@given(st.lists(st.sampled_from(PIECES), max_size=16).map("".join))
@settings(max_examples=300)
@example("{#--#}{#-+#}{#+-#}{#a-#} b")
@example("{% raw %}{% endra %}{{ {%- endraw -%} a")
@example("{{ 'a\\'}}' }}")
def test_they_are_those_of_jinja(text: str) -> None:
    clean = normalised(text)
    lexer = Environment(keep_trailing_newline=True, autoescape=True).lexer
    theirs, ours = list[tuple[str, str]](), list[tuple[str, str]]()
    fault = failed = False

    try:
        theirs += [(kind, word) for _, kind, word in lexer.tokeniter(clean, None)]
    except TemplateSyntaxError:
        fault = True
    try:
        for one in words(clean):
            assert clean.startswith(one.text, one.start)
            ours.append((one.kind, one.text))
    except TemplateSyntaxError:
        failed = True

    assert failed is fault
    assert fault or ours == theirs


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f"{{{{ {'9' * 9 * MEGA} }}}}", "a number has too many digits (line 1)"),
        (f"{{{{ 0x{'f' * 9 * MEGA} }}}}", "a number has too many digits (line 1)"),
        (f"{{{{ 1e{'9' * 2000} }}}}", "a number has too many digits (line 1)"),
        (f"{{{{ {'('} {'(' * 9 * MEGA}", "has more than 30000 words and signs"),
        ("\n" * 9 * MEGA, "has more than 500000 lines (line 1)"),
        (f"{{# {'#' * 9 * MEGA}", "Missing end of comment tag (line 1)"),
        (f"{{% raw %}}{'{%' * 4 * MEGA}", "Missing end of raw directive (line 1)"),
        (f"{{{{ '{'a' * 9 * MEGA}", 'unexpected char "\'" at 3 (line 1)'),
        (f"{{{{ {'not ' * 9000}1 }}}}", "is nested too deep"),
    ],
    ids=["digits", "hex", "exponent", "brackets", "lines", "comment", "raw", "string", "not"],
)
def test_what_is_long_without_end_is_refused(body: str, reason: str) -> None:
    with pytest.raises(RenderError) as caught:
        render_html(body, {}, limit=100)

    assert str(caught.value) == f"template error: {reason}"


def test_names_are_told_as_far_as_anybody_reads() -> None:
    names = [f"{'a' * 999}{number}" for number in range(120)]

    with pytest.raises(RenderError) as caught:
        render_html("".join(f"{{{{ {name} }}}}" for name in names), {}, limit=100)

    assert str(caught.value).endswith("a... and others")
    assert len(str(caught.value)) < 12_000


@pytest.mark.parametrize(
    "body",
    [
        "".join(f"v{number}x" for number in range(300_000)),
        "<img>" * 2 * MEGA,
        "<!--" * 2 * MEGA,
        f"{{# {'-' * 9 * MEGA} #}}",
        f"{{% raw %}}{'{ ' * 4 * MEGA}{{% endraw %}}",
        "<a " * 3 * MEGA,
    ],
    ids=["like-marks", "tags", "comments", "remark", "raw", "open-tags"],
)
def test_long_templates_are_looked_through_once(body: str) -> None:
    assert check(Source("s", f"{body}{{{{ x }}}}")).faults == []


def test_the_words_that_hide_marks_occur_nowhere_else() -> None:
    veil = Veil("v0x V1X v02x {{ x }} v3x v12x")

    assert veil.prefix == "v4x"
    assert veil.lifted(veil.text) == "v0x V1X v02x {{ x }} v3x v12x"
