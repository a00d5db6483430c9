"""The one way in which every transport runs an operation: HTTP, SSE and WebSocket."""

import asyncio
import re
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, overload

from graphql import GraphQLError
from graphql.execution import InitialIncrementalExecutionResult
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.context import Context
from app.documents import volume
from app.documents.volume import Volume
from app.errors import AppError, FieldError, InvalidInputError, PayloadTooLargeError, TimedOutError
from graphql_schema.context import GraphqlContext
from graphql_schema.documents import handed_over, kind_of, parsed
from graphql_schema.errors import coded
from graphql_schema.limits.budget import budget
from graphql_schema.limits.checking import Check, check
from graphql_schema.limits.known import KNOWN, Document
from graphql_schema.limits.turns import TURNS
from graphql_schema.parts import Parts, payloads_of
from graphql_schema.persisted import keep, names_document, reference_errors, reference_of, text_of
from graphql_schema.schema import schema

# Parsing runs on the event loop, and one long string is but one token.
DOCUMENT_LENGTH = 64 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")
_SUGGESTION = re.compile(r"\s*Did you mean .*\?$", re.DOTALL)


@dataclass(frozen=True)
class Operation:
    """A request by the GraphQL over HTTP specification, section 5.1: what every transport reads.

    `query` is the document; None where `reference` names it. One that `is_small` takes no time to
    look through, if its document is known.
    """

    query: str | None
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
    extensions: Mapping[str, Any] | None = None
    reference: str | None = None
    is_small: bool = False


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
    query = value.get("query")
    if isinstance(query, str) and len(query) > DOCUMENT_LENGTH:
        raise PayloadTooLargeError(
            f"query: must have at most {DOCUMENT_LENGTH} characters; put long values in variables"
        )
    errors = [*_query_errors(value), *_other_errors(value)] or [*reference_errors(value)]
    if errors:
        raise InvalidInputError.of(*errors)
    return Operation(
        query=query,
        variables=value.get("variables"),
        # Tools that always send the key send "" for none.
        operation_name=value.get("operationName") or None,
        extensions=value.get("extensions"),
        reference=reference_of(value),
    )


def _query_errors(value: Mapping[str, Any]) -> Iterator[FieldError]:
    query = value.get("query")
    if query is None and names_document(value):
        return
    if not isinstance(query, str):
        yield FieldError("query", "must be a string that holds a GraphQL document")
    elif not query.strip():
        yield FieldError("query", "must not be blank")
    elif _SURROGATE.search(query):
        yield FieldError("query", "must have no half of a surrogate pair by itself")


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


@overload
async def execute(
    operation: Operation, context: Context, *, kinds: Collection[OperationType]
) -> ExecutionResult | AsyncGenerator[ExecutionResult, None]: ...


@overload
async def execute(
    operation: Operation, context: Context, *, kinds: Collection[OperationType], in_parts: bool
) -> ExecutionResult | AsyncGenerator[ExecutionResult, None] | Parts: ...


async def execute(
    operation: Operation,
    context: Context,
    *,
    kinds: Collection[OperationType],
    in_parts: bool = False,
) -> ExecutionResult | AsyncGenerator[ExecutionResult, None] | Parts:
    """Run a query or mutation, or start a subscription, which gives a result for each event.

    What never ran (it does not parse or validate, its variables do not fit, it is not clear which
    operation is meant) gives a PreExecutionError, a subscription gives it as its only result. The
    errors of all results have their codes and show nothing of our insides. Where the transport
    takes a result `in_parts`, @defer and @stream give one; elsewhere they are ignored. Raises
    KindNotAllowedError for operations that are not of these kinds, before anything runs.
    """
    settings = context.deps.settings
    try:
        text = await text_of(operation.query, operation.reference, context)
        document = await _document(text, context)
        kind = kind_of(document.node, operation.operation_name)
    except (GraphQLError, AppError) as error:
        return refused(error)
    if kind not in kinds:
        raise KindNotAllowedError(kind)
    await keep(operation.query, operation.reference, context)
    checked = await _checked(document, text, operation, context)
    if kind is OperationType.SUBSCRIPTION:
        return _events(document, text, checked, operation, context)
    if checked.errors:
        return _refused(checked, context)
    limit = settings.operation_timeout
    try:
        async with asyncio.timeout(limit.total_seconds()):
            with volume.bounded(settings.graphql_volume):
                if in_parts and document.asks_for_parts:
                    arguments = _arguments(document, text, checked, operation, context)
                    return await _in_parts(arguments, context)
                result = await _run(document, operation, context)
                result.extensions = checked.told
                return _finished(result, context)
    except TimeoutError:
        return refused(TimedOutError.of_operation(limit))


async def _document(text: str, context: Context) -> Document:
    """Give a document as it is known, or parse it; raises what `documents.parsed` does.

    Those of a batch have as many tokens together as one may have.
    """
    shared = budget()
    left = max(context.deps.settings.graphql_tokens - shared.tokens, 1)
    known = KNOWN.get(text, context.deps.settings)
    if known is not None and known.node.token_count <= left:
        shared.tokens += known.node.token_count
        return known
    # One that does not parse counts as if each token of it had one sign and a space.
    shared.tokens += min(left, len(text) // 2)
    async with TURNS.taken(context.caller):
        node = parsed(text, max_tokens=left)
    shared.tokens += node.token_count - min(left, len(text) // 2)
    return known or Document(node)


async def _checked(document: Document, text: str, operation: Operation, context: Context) -> Check:
    look = partial(
        check,
        schema._schema,  # noqa: SLF001 - it shows no other way to it
        document,
        text,
        operation_name=operation.operation_name,
        variables=operation.variables,
        context=context,
    )
    if operation.is_small and KNOWN.get(text, context.deps.settings) is document:
        return look()
    async with TURNS.taken(context.caller):
        return look()


async def _run(document: Document, operation: Operation, context: Context) -> ExecutionResult:
    try:
        return await schema.run(
            document,
            variables=operation.variables,
            operation_name=operation.operation_name,
            context=GraphqlContext.of(context, document.worked_out),
        )
    except TimeoutError:
        raise
    except GraphQLError as error:
        return PreExecutionError(data=None, errors=[error])
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in GraphQL's form
        return PreExecutionError(data=None, errors=[GraphQLError(str(error), original_error=error)])


def _arguments(
    document: Document, text: str, checked: Check, operation: Operation, context: Context
) -> Mapping[str, Any]:
    """Give the arguments of the library's own ways to run an operation."""
    return {
        "query": text,
        "variable_values": operation.variables,
        "context_value": GraphqlContext.of(context),
        "operation_name": operation.operation_name,
        "operation_extensions": handed_over(document, checked),
    }


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


async def _in_parts(arguments: Mapping[str, Any], context: Context) -> ExecutionResult | Parts:
    results: Any = await schema.stream(**arguments)
    first = await anext(results)
    if isinstance(first, InitialIncrementalExecutionResult):
        return Parts(payloads_of(first, volume.under(results, volume.shared())))
    # Nothing was put off; what ends the operation is yet to run.
    async for _ in results:
        pass
    return _finished(first, context)


async def _events(
    document: Document, text: str, checked: Check, operation: Operation, context: Context
) -> AsyncGenerator[ExecutionResult, None]:
    if checked.errors:
        yield _refused(checked, context)
        return
    results = await schema.subscribe(**_arguments(document, text, checked, operation, context))
    limit = context.deps.settings.graphql_volume
    async with aclosing(results):
        # Each event by itself: a stream may go on for days.
        async for result in volume.under(results, lambda: Volume(limit)):
            yield _finished(result, context)


def _refused(checked: Check, context: Context) -> ExecutionResult:
    return _finished(PreExecutionError(None, checked.errors, checked.told), context)


def _finished(result: ExecutionResult, context: Context) -> ExecutionResult:
    """Code its errors, and tell whether it ran: wrong variables are found by its execution."""
    if not context.deps.settings.suggests_names:
        for error in result.errors or ():
            error.message = _SUGGESTION.sub("", error.message)
    errors = [coded(error) for error in result.errors or ()]
    ran = result.data is not None or not errors or any(error.path for error in errors)
    shape = (
        ExecutionResult if ran and not isinstance(result, PreExecutionError) else PreExecutionError
    )
    return shape(data=result.data, errors=errors or None, extensions=result.extensions)
