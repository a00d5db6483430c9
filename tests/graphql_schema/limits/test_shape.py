"""Each limit on documents: what just fits runs, what is one more is refused with its numbers."""

from typing import Any

import pytest
from graphql import get_introspection_query

from graphql_schema.limits.shape import INTROSPECTION_DEPTH
from tests.graphql_schema.limits.conftest import Ask

# setting and its value, a document that fits, one that is one beyond
ROWS: list[tuple[str, int, str, str]] = [
    ("depth", 2, "{ thread(id: 1) { __typename } }",
     "{ thread(id: 1) { ...F } } fragment F on Thread { outbound { __typename } }"),
    ("aliases", 2, "{ a: __typename b: __typename }", ("{ a: __typename b: __typename ...F } "
     "fragment F on Query { c: __typename }")),
    ("root_fields", 2, "{ __typename a: __typename }",
     "{ __typename ... { a: __typename ...F } } fragment F on Query { b: __typename }"),
    ("repeats", 1, "{ __typename __typename }", "{ __typename __typename ... { __typename } }"),
    ("directives", 2, "{ __typename @skip(if: false) @include(if: true) }",
     ("{ __typename @skip(if: false) @include(if: true) ...F @skip(if: true) } "
     "fragment F on Query { __typename }")),
    ("definitions", 2, "{ ...F } fragment F on Query { __typename }",
     "{ ...F ...G } fragment F on Query { __typename } fragment G on Query { __typename }"),
    ("definitions", 1, "query($a: Boolean!) { __typename @skip(if: $a) }",
     "query($a: Boolean!, $b: Boolean!) { __typename @skip(if: $a) @include(if: $b) }"),
]  # fmt: skip
TOLD = {
    "depth": "The operation is 3 fields deep; at most 2 are allowed.",
    "aliases": "The operation has 3 aliases; at most 2 are allowed.",
    "root_fields": "The operation has 3 fields at its top; at most 2 are allowed.",
    "repeats": "The document has 2 repeated fields; at most 1 are allowed.",
    "directives": "The document has 3 directives; at most 2 are allowed.",
}


@pytest.mark.parametrize(("name", "most", "fits", "beyond"), ROWS)
async def test_one_more_than_is_allowed_is_refused(
    ask: Ask, name: str, most: int, fits: str, beyond: str
) -> None:
    limit = {f"graphql_{name}": most}
    variables = {"a": False, "b": True}

    answer = await ask(fits, variables, **limit)
    refusal = await ask(beyond, variables, **limit)

    assert "LIMIT_EXCEEDED" not in str(answer)
    [error] = refusal["errors"]
    assert error["message"] == TOLD.get(name, error["message"])
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["extensions"]["limit"]["maximum"] == most
    assert error["extensions"]["limit"]["requested"] == most + 1
    assert "data" not in refusal


async def test_too_many_definitions_are_told_by_kind(ask: Ask) -> None:
    fragments = await ask(ROWS[5][3], graphql_definitions=2)
    variables = await ask(ROWS[6][3], graphql_definitions=1)

    assert fragments["errors"][0]["message"] == (
        "The document has 3 operations and fragments; at most 2 are allowed."
    )
    assert variables["errors"][0]["message"] == (
        "The operation has 2 variables; at most 1 are allowed."
    )


async def test_tokens_are_counted_no_further_than_their_limit(ask: Ask) -> None:
    fits = await ask("{ __typename }", graphql_tokens=4)
    beyond = await ask("{ __typename }", graphql_tokens=2)

    assert fits["data"] == {"__typename": "Query"}
    assert beyond["errors"][0]["message"] == (
        "The document has more tokens than the 2 that are allowed."
    )
    assert beyond["errors"][0]["extensions"] == {
        "code": "LIMIT_EXCEEDED",
        "limit": {"name": "tokens", "maximum": 2, "requested": None},
    }


async def test_every_limit_that_is_passed_is_told(ask: Ask) -> None:
    query = "{ a: __typename b: __typename }"
    answer = await ask(query, graphql_aliases=1, graphql_root_fields=1)

    names = [error["extensions"]["limit"]["name"] for error in answer["errors"]]
    assert names == ["aliases", "fields at its top"]


async def test_the_introspection_of_tools_passes_whatever_the_depth(ask: Ask) -> None:
    query = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    answer = await ask(query, graphql_depth=1)

    assert "errors" not in answer
    assert answer["data"]["__schema"]["queryType"]["name"] == "Query"


async def test_introspection_has_a_depth_of_its_own(ask: Ask) -> None:
    def deep(fields: int) -> str:
        inner = fields - 2
        return '{ __type(name: "A") {' + "ofType {" * inner + "name" + "}" * (inner + 2)

    fits = await ask(deep(INTROSPECTION_DEPTH))
    beyond = await ask(deep(INTROSPECTION_DEPTH + 1))

    assert fits["data"] == {"__type": None}
    assert beyond["errors"][0]["message"] == (
        "The operation is 16 fields deep; at most 15 are allowed."
    )


@pytest.mark.parametrize("shown", [True, False])
async def test_introspection_can_be_switched_off(ask: Ask, shown: bool) -> None:
    answer: dict[str, Any] = await ask(
        "{ __schema { queryType { name } } }", graphql_introspection=shown
    )
    typename = await ask("{ __typename }", graphql_introspection=shown)

    assert ("errors" in answer) is not shown
    assert typename["data"] == {"__typename": "Query"}
    if not shown:
        codes = {error["extensions"]["code"] for error in answer["errors"]}
        assert codes == {"INTROSPECTION_DISABLED"}


@pytest.mark.parametrize("suggests", [True, False])
async def test_suggestions_can_be_switched_off(ask: Ask, suggests: bool) -> None:
    field = await ask("{ communicatio { id } }", graphql_suggestions=suggests)
    value = await ask(
        "mutation($i: SendCommunicationInput!) { sendCommunication(input: $i) { id } }",
        {"i": {"subject": "a", "body": "b", "type": "OFFERT"}},
        graphql_suggestions=suggests,
    )

    for answer in (field, value):
        assert ("Did you mean" in str(answer)) is suggests
        assert answer["errors"][0]["message"]
