"""Templates by people who mean ill, over the API: refused, or done as they say, in bounded time."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.graphql_schema.conftest import Ask

Footprint = Callable[[], Awaitable[dict[str, Any]]]

MANY = list(range(1000))
LONG = "a" * 100_000
# What a body says, and what is filled in.
ATTACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "class": ("{{ x.__class__.__mro__[1].__subclasses__() }}", {"x": ""}),
    "attributes": ("{{ x.__class__ }}", {"x": ""}),
    "attribute-filter": ("{{ x|attr('__class__') }}", {"x": ""}),
    "items-of-class": ("{{ x['__class__'] }}", {"x": {}}),
    "loop": ("{% for i in x %}{{ loop.__class__ }}{% endfor %}", {"x": [1]}),
    "self": ("{{ self.__init__.__globals__ }}", {}),
    "cycler": ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", {}),
    "namespace": ("{% set n = namespace(a=1) %}{{ n.a }}", {}),
    "format": ("{{ '{0.__class__}'.format(x) }}", {"x": 1}),
    "format-filter": ("{{ '%99999999d'|format(1) }}", {}),
    "map": ("{{ x|map(attribute='__class__')|list }}", {"x": [1]}),
    "join-attribute": ("{{ x|join(',', attribute='__class__') }}", {"x": [1]}),
    "import": ("{% import 'os' as os %}", {}),
    "include": ("{% include '/etc/passwd' %}", {}),
    "include-a-value": ("{% include x %}", {"x": "a"}),
    "extends": ("{% extends 'a' %}", {}),
    "macro": ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", {}),
    "caller": ("{% call m() %}{% endcall %}", {}),
    "range": ("{% for i in range(10**9) %}x{% endfor %}", {}),
    "power": ("{{ 9**9**9 }}", {}),
    "product": (f"{{{{ 9{'*99999999' * 40} }}}}", {}),
    "times": ("{{ 'a' * 1000000000 }}", {}),
    "shift": ("{{ 1 << 100000000 }}", {}),
    "digits": (f"{{{{ {'9' * 1_000_000} }}}}", {}),
    "loops": ("{% for i in x %}" * 8 + "x" + "{% endfor %}" * 8, {"x": MANY}),
    "empty-loops": ("{% for i in x %}" * 8 + "{% endfor %}" * 8, {"x": MANY}),
    "replace": ("{{ x" + "|replace('a','aaaaaaaaaa')" * 20 + " }}", {"x": LONG}),
    "replace-nothing": ("{{ x" + "|replace('', 'aaaaaaaaaa')" * 20 + " }}", {"x": LONG}),
    "join": ("{% for i in x %}{{ x|join(y) }}{% endfor %}", {"x": MANY, "y": "a" * 900}),
    "truncate": ("{{ x|truncate(-1, true, x) }}", {"x": LONG}),
    "round": ("{{ 1.5|round(999999999) }}", {}),
    "date": ("{{ '2026-01-01'|date(x) }}", {"x": "'" * 100}),
    "money": ("{{ x|money('EUR') }}", {"x": "9" * 100_000}),
    "parentheses": (f"{{{{ {'(' * 9000}1{')' * 9000} }}}}", {}),
    "depth": ("{% if x %}" * 2000 + "{% endif %}" * 2000, {"x": True}),
    "names": ("".join(f"{{{{ v{number} }}}}" for number in range(9000)), {}),
    "marks": ("{{" * 1_000_000, {}),
    "like-marks": ("".join(f"v{number}x" for number in range(100_000)) + "{{ x }}", {"x": 1}),
    "tags": ("<b>" * 200_000 + "{{ x }}", {"x": 1}),
    "css": ("<style>" + "a " * 20_000 + "{color:red}</style>" + "<a>" * 15_000, {}),
}
REFUSALS = {"BAD_USER_INPUT"}
# What they all are after, and what would tell that one of them got there.
TELLING = ("<class", "__globals__", "object at 0x", "root:", "uid=")


def told(answer: dict[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


@pytest.mark.parametrize(("body", "variables"), ATTACKS.values(), ids=ATTACKS)
async def test_it_ends_and_tells_nothing(
    query: Ask, footprint: Footprint, body: str, variables: dict[str, Any]
) -> None:
    source = {"subject": "s", "body": body}
    shown = await query(
        "query($input: TemplateSourceInput!, $variables: JSON) "
        "{ previewTemplateSource(input: $input, variables: $variables) { html text } }",
        input=source,
        variables=variables,
    )
    draft = await query(
        "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { id } }",
        input={"name": "Attack", "draft": True, **source},
    )
    id_ = draft["data"]["createTemplate"]["id"]
    before = await footprint()
    published = await query("mutation($id: ID!) { publishTemplate(id: $id) { version } }", id=id_)
    after = await footprint()
    tried = await query(
        "mutation($id: ID!, $input: SendTestTemplateInput!) "
        "{ sendTestTemplate(templateId: $id, input: $input) { body } }",
        id=id_,
        input={"recipients": ["a@b.test"], "draft": not published.get("data"),
               "variables": variables},
    )  # fmt: skip

    assert told(shown) | told(published) | told(tried) <= REFUSALS
    if told(published):
        assert after == before
        assert told(tried)
    # Filled in, or not: by each way alike.
    assert bool(told(shown)) is bool(told(tried))
    if not told(shown):
        html = shown["data"]["previewTemplateSource"]["html"]
        assert html == tried["data"]["sendTestTemplate"]["body"]
        assert not any(word in html for word in TELLING)
