"""The one way in which every transport runs an operation: HTTP, SSE and WebSocket."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.context import Context
from app.errors import AppError, FieldError, InvalidInputError, PayloadTooLargeError, TimedOutError
from graphql_schema.context import GraphqlContext
from graphql_schema.documents import handed_over, kind_of, parsed
from graphql_schema.errors import coded
from graphql_schema.schema import schema

# Parsing runs on the event loop, and one long string is but one token.
DOCUMENT_LENGTH = 64 * 1024


@dataclass(frozen=True)
class Operation:
    """A request by the GraphQL over HTTP specification, section 5.1: what every transport reads."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    extensions: Mapping[str, Any] | None = None


class KindNotAllowedError(Exception):
    """The operation is of a kind that its transport does not run."""

    def __init__(self, kind: OperationType) -> None:
        super().__init__(kind.value)
        self.kind = kind


def read_operation(value: Any) -> Operation:
    """Read an operation from any JSON value; null is as good as absent, unknown keys are ignored.

    Raises InvalidInputError that names every key at fault, PayloadTooLargeError for a document of
    more than DOCUMENT_LENGTH characters.
    """
    if not isinstance(value, dict):
        raise InvalidInputError("The request must be a JSON object with a query.")
    if errors := [*_query_errors(value.get("query")), *_other_errors(value)]:
        raise InvalidInputError.of(*errors)
    if len(value["query"]) > DOCUMENT_LENGTH:
        raise PayloadTooLargeError(
            f"query: must have at most {DOCUMENT_LENGTH} characters; put long values in variables"
        )
    return Operation(
        query=value["query"],
        variables=value.get("variables"),
        # Tools that always send the key send "" for none.
        operation_name=value.get("operationName") or None,
        extensions=value.get("extensions"),
    )


def _query_errors(query: Any) -> list[FieldError]:
    if not isinstance(query, str):
        return [FieldError("query", "must be a string that holds a GraphQL document")]
    return [] if query.strip() else [FieldError("query", "must not be blank")]


def _other_errors(value: Mapping[str, Any]) -> list[FieldError]:
    errors = []
    if not isinstance(value.get("operationName"), str | None):
        errors.append(FieldError("operationName", "must be a string or null"))
    errors += [
        FieldError(name, "must be an object or null")
        for name in ("variables", "extensions")
        if not isinstance(value.get(name), dict | None)
    ]
    return errors


async def execute(
    operation: Operation, context: Context, *, kinds: Collection[OperationType]
) -> ExecutionResult | AsyncGenerator[ExecutionResult, None]:
    """Run a query or mutation, or start a subscription, which gives a result for each event.

    What never ran (it does not parse or validate, its variables do not fit, it is not clear which
    operation is meant) gives a PreExecutionError, a subscription gives it as its only result. The
    errors of all results have their codes and show nothing of our insides. Raises
    KindNotAllowedError for operations that are not of these kinds, before anything runs.
    """
    try:
        document = parsed(operation.query, max_tokens=context.deps.settings.graphql_tokens)
        kind = kind_of(document, operation.operation_name)
    except (GraphQLError, AppError) as error:
        return refused(error)
    if kind not in kinds:
        raise KindNotAllowedError(kind)
    arguments: dict[str, Any] = {
        "query": operation.query,
        "variable_values": operation.variables,
        "context_value": GraphqlContext.of(context),
        "operation_name": operation.operation_name,
        "operation_extensions": handed_over(document),
    }
    if kind is OperationType.SUBSCRIPTION:
        return _events(arguments)
    limit = context.deps.settings.operation_timeout
    try:
        async with asyncio.timeout(limit.total_seconds()):
            return _finished(await schema.execute(**arguments))
    except TimeoutError:
        return refused(TimedOutError.of_operation(limit))


def refused(error: GraphQLError | AppError) -> PreExecutionError:
    """The result of an operation that this error kept from running."""
    if isinstance(error, AppError):
        error = GraphQLError(error.detail, original_error=error)
    return PreExecutionError(data=None, errors=[coded(error)])


def response_body(result: ExecutionResult) -> dict[str, Any]:
    """The response as JSON; without `data` if nothing ran (GraphQL specification, section 7.1)."""
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if not isinstance(result, PreExecutionError):
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    return body


async def _events(arguments: Mapping[str, Any]) -> AsyncGenerator[ExecutionResult, None]:
    results = await schema.subscribe(**arguments)
    async with aclosing(results):
        async for result in results:
            yield _finished(result)


def _finished(result: ExecutionResult) -> ExecutionResult:
    """Code its errors, and tell whether it ran: wrong variables are found by its execution."""
    errors = [coded(error) for error in result.errors or ()]
    ran = result.data is not None or not errors or any(error.path for error in errors)
    shape = (
        ExecutionResult if ran and not isinstance(result, PreExecutionError) else PreExecutionError
    )
    return shape(data=result.data, errors=errors or None, extensions=result.extensions)
