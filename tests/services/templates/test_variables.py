"""Declared variables: what they let through, and what a refusal says."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.context import Caller, Deps
from app.documents.template_versions import Variable
from app.documents.vocabulary import VariableType
from app.errors import FieldError, InvalidInputError
from app.services import templates
from app.services.inputs import parse
from app.services.templates.variables import examples_of, mismatch, values_of
from tests.services.templates.conftest import WORDS, Keep, SendIt

Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (VariableType.STRING, ["", "x"], [1, True, [], {}]),
        (VariableType.NUMBER, [0, -1, 1.5], ["1", True]),
        (VariableType.BOOLEAN, [True, False], [0, "true"]),
        (
            VariableType.DATE,
            ["2026-08-01", "2026-08-01T10:00:00Z"],
            ["1 August", "2026-13-01", 20260801, ""],
        ),
        (
            VariableType.URL,
            ["https://acme.test/a?b=c", "http://10.0.0.1"],
            ["javascript:alert(1)", "acme.test", "https://", "https://a b", "http://[", 1],
        ),
        (VariableType.EMAIL, ["jan@acme.test"], ["jan", "", 1, "a@b\r\nBcc: c@d"]),
        (VariableType.LIST, [[], [1]], [{}, "x"]),
        (VariableType.OBJECT, [{}, {"a": 1}], [[], "x"]),
    ],
)
def test_each_type_takes_its_own(kind: VariableType, good: list[Any], bad: list[Any]) -> None:
    assert [mismatch(kind, value) for value in good] == [None] * len(good)
    assert all((mismatch(kind, value) or "").startswith("must be ") for value in bad)


def test_defaults_stand_in_and_faults_are_named() -> None:
    declared = [
        Variable(name="name", type=VariableType.STRING, required=True, description="who reads it"),
        Variable(name="due", type=VariableType.DATE, default="2026-01-01", required=True),
        Variable(name="lines", type=VariableType.LIST),
        Variable(name="total", type=VariableType.NUMBER),
        Variable(name="note", type=VariableType.STRING),
    ]

    values, faults = values_of(declared, {"total": "many", "other": 1, "note": None})

    assert values == {
        "total": "many", "other": 1, "due": "2026-01-01", "lines": [], "note": None,
    }  # fmt: skip
    assert faults == [
        FieldError("variables.name", "is required: a STRING, who reads it"),
        FieldError("variables.total", "must be a number"),
    ]
    assert values_of(declared, {}, complete=False) == ({"due": "2026-01-01"}, [])


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (VariableType.NUMBER, " 7 ", 7),
        (VariableType.NUMBER, "-7.50", -7.5),
        (VariableType.BOOLEAN, "True", True),
        (VariableType.BOOLEAN, "false", False),
        (VariableType.DATE, " 2026-08-01", "2026-08-01"),
        (VariableType.STRING, " 7 ", " 7 "),
        (VariableType.STRING, "", ""),
        (VariableType.NUMBER, 7, 7),
    ],
)
def test_files_write_all_as_text(kind: VariableType, written: str, value: Any) -> None:
    declared = [Variable(name="it", type=kind, required=True)]

    assert values_of(declared, {"it": written}, written=True) == ({"it": value}, [])


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is required: a NUMBER"),
        ("7,50", "must be a number"),
        ("1e9", "must be a number"),
        ("9" * 16, "must be a number"),
    ],
)
def test_what_a_file_does_not_write_is_no_number(written: str, reason: str) -> None:
    declared = [Variable(name="it", type=VariableType.NUMBER, required=True)]

    _, faults = values_of(declared, {"it": written}, written=True)

    assert faults == [FieldError("variables.it", reason)]


def test_nothing_written_leaves_the_default() -> None:
    declared = [Variable(name="it", type=VariableType.NUMBER, default=3)]
    assert values_of(declared, {"it": ""}, written=True) == ({"it": 3}, [])


def test_examples_come_before_defaults() -> None:
    declared = [
        Variable(name="a", type=VariableType.NUMBER, default=1, example=2),
        Variable(name="b", type=VariableType.NUMBER, default=1),
        Variable(name="c", type=VariableType.NUMBER),
    ]
    assert examples_of(declared) == {"a": 2, "b": 1}


async def test_a_send_with_wrong_values_is_refused_by_their_names(
    keep: Keep, send_it: SendIt, footprint: Footprint
) -> None:
    declared = [
        {"name": "number", "type": "NUMBER", "required": True},
        {"name": "name", "default": "customer"},
    ]
    template = await keep(variables=declared)
    before = await footprint()

    with pytest.raises(InvalidInputError) as none:
        await send_it(template)
    with pytest.raises(InvalidInputError) as wrong:
        await send_it(template, variables={"number": "7"})

    assert none.value.fields == (FieldError("variables.number", "is required: a NUMBER"),)
    assert wrong.value.fields == (FieldError("variables.number", "must be a number"),)
    assert await footprint() == before
    record = await send_it(template, variables={"number": 7})
    assert (record.subject, record.variables) == ("Offer 7", {"number": 7})
    assert ">Dear customer<" in record.body


async def test_a_preview_without_variables_shows_examples(
    deps: Deps, caller: Caller, keep: Keep
) -> None:
    template = await keep(
        variables=[
            {"name": "number", "type": "NUMBER", "required": True, "example": 12},
            {"name": "name", "example": "Jan"},
        ]
    )

    async def preview(**given: Any) -> templates.Preview:
        command = parse(templates.PreviewTemplate, given)
        return await templates.preview(deps, caller, str(template.id), command)

    shown = await preview()
    assert (shown.subject, shown.html, shown.text) == ("Offer 12", "<p>Dear Jan</p>", "Dear Jan\n")
    with pytest.raises(InvalidInputError, match="number: is required"):
        await preview(variables={})


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"variables": [{"name": "a-b"}]}, ["variables[0].name"]),
        ({"variables": [{"name": "loop"}]}, ["variables[0].name"]),
        ({"variables": [{"name": "x" * 101}]}, ["variables[0].name"]),
        ({"variables": [{"name": "a", "type": "COLOUR"}]}, ["variables[0].type"]),
        ({"variables": [{"name": "a"}, {"name": "a"}]}, ["variables"]),
        ({"variables": [{"name": f"a{n}"} for n in range(201)]}, ["variables"]),
        ({"variables": [{"name": "a", "default": 1}]}, ["variables[0].default"]),
        (
            {"variables": [{"name": "a", "type": "DATE", "example": "soon"}]},
            ["variables[0].example"],
        ),
        ({"variables": [{"name": "a", "default": "x" * 17_000}]}, ["variables[0].default"]),
        ({"variables": [{"name": "a", "example": "\0"}]}, ["variables[0].example"]),
        ({"locale": "not a tag"}, ["locale"]),
        ({"locales": [{"locale": "nl"}, {"locale": "NL"}]}, ["locales"]),
        ({"locales": [{"locale": "nl-x"} for _ in range(51)]}, ["locales"]),
        ({"locales": [{"locale": "nl", "subject": "a\nb"}]}, ["locales[0].subject"]),
        ({"note": "x" * 501}, ["note"]),
        ({"layout": "x" * 201}, ["layout"]),
        ({"format": "WORD"}, ["format"]),
        ({"kind": "PAGE"}, ["kind"]),
        ({"draft": "yes"}, ["draft"]),
    ],
)
def test_what_cannot_be_declared_is_named(fields: dict[str, Any], paths: list[str]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        parse(templates.CreateTemplate, {**WORDS, **fields})

    assert [field.path for field in refused.value.fields] == paths
