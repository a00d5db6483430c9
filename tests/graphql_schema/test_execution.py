from collections.abc import AsyncIterator
from typing import Any

import pytest
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.context import Context
from app.errors import InvalidInputError, PayloadTooLargeError
from graphql_schema.execution import (
    DOCUMENT_LENGTH,
    KindNotAllowedError,
    Operation,
    execute,
    read_operation,
    response_body,
)

QUERIES = {OperationType.QUERY}


async def run(context: Context, query: str, **more: Any) -> ExecutionResult:
    result = await execute(Operation(query=query, **more), context, kinds=QUERIES)
    assert isinstance(result, ExecutionResult)
    return result


def test_an_operation_is_read_from_json() -> None:
    whole = read_operation(
        {
            "query": "{ a }",
            "variables": {"a": [None]},
            "operationName": "A",
            "extensions": {"b": 1},
            "more": True,
        }
    )
    least = read_operation(
        {"query": "{ a }", "variables": None, "operationName": None, "extensions": None}
    )
    empty = read_operation({"query": "{ a }", "operationName": ""})

    assert whole == Operation("{ a }", {"a": [None]}, "A", {"b": 1})
    assert least == empty == Operation("{ a }")


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        (None, []),
        (1, []),
        ("query", []),
        ([], []),
        ({}, ["query"]),
        ({"query": None}, ["query"]),
        ({"query": {}}, ["query"]),
        ({"query": "\n"}, ["query"]),
        ({"query": "{a}", "operationName": 1}, ["operationName"]),
        ({"query": "{a}", "variables": []}, ["variables"]),
        ({"query": "{a}", "extensions": "{}"}, ["extensions"]),
        (
            {"query": 1, "operationName": [], "variables": "{}", "extensions": False},
            ["query", "operationName", "variables", "extensions"],
        ),
    ],
)
def test_what_is_no_operation_names_every_key_at_fault(value: Any, paths: list[str]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_operation(value)

    assert [field.path for field in caught.value.fields] == paths


def test_a_document_may_not_be_long() -> None:
    with pytest.raises(PayloadTooLargeError):
        read_operation({"query": "x" * (DOCUMENT_LENGTH + 1)})


async def test_a_query_runs(context: Context) -> None:
    result = await run(context, "{ __typename }")

    assert response_body(result)["data"] == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("document", "name", "code", "message"),
    [
        ("{", None, "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        ("query { ...A } fragment A on Query { ...A }", None, "GRAPHQL_VALIDATION_FAILED",
         "Cannot spread fragment 'A' within itself."),
        ("query A { __typename } query B { __typename } query { __typename }", None,
         "BAD_USER_INPUT",
         "operationName: must tell which operation is to run, of: A, B, (one without a name)"),
        ("query A { __typename }", "B", "BAD_USER_INPUT",
         "operationName: must name an operation of the document, 'B' is none"),
        ("{ __typename }", "x" * 1000, "BAD_USER_INPUT",
         f"operationName: must name an operation of the document, '{'x' * 100}' is none"),
        ("fragment A on Query { __typename }", None, "BAD_USER_INPUT",
         "query: must have an operation, not fragments only"),
        ("query($a: ID!) { communication(id: $a) { id } }", None, "BAD_USER_INPUT",
         ("Variable '$a' has invalid value: Expected a value of non-null type 'ID!' to be "
          "provided.")),
    ],
)  # fmt: skip
async def test_what_never_ran_has_no_data(
    context: Context, document: str, name: str | None, code: str, message: str
) -> None:
    result = await run(context, document, operation_name=name)

    assert isinstance(result, PreExecutionError)
    body = response_body(result)
    assert body.keys() - {"extensions"} == {"errors"}
    assert [error["message"] for error in body["errors"]] == [message]
    assert body["errors"][0]["extensions"]["code"] == code


async def test_an_error_of_a_field_leaves_data(context: Context) -> None:
    result = await run(context, '{ communication(id: "5f0000000000000000000000") { id } }')

    assert not isinstance(result, PreExecutionError)
    body = response_body(result)
    assert body["data"] == {"communication": None}
    assert body["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_an_operation_of_another_kind_is_refused_before_it_runs(context: Context) -> None:
    document = "query A { __typename } mutation B { __typename }"
    mutation = Operation(document, operation_name="B")

    with pytest.raises(KindNotAllowedError) as caught:
        await execute(mutation, context, kinds=QUERIES)

    assert caught.value.kind is OperationType.MUTATION
    body = response_body(await run(context, document, operation_name="A"))
    assert body["data"] == {"__typename": "Query"}


async def test_a_subscription_gives_a_result_for_each_event(context: Context) -> None:
    operation = Operation("subscription { nothing }")

    events = await execute(operation, context, kinds={OperationType.SUBSCRIPTION})

    assert isinstance(events, AsyncIterator)
    (result,) = [event async for event in events]
    assert isinstance(result, PreExecutionError)
    body = response_body(result)
    assert body["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
