"""GraphQL over HTTP: one endpoint, JSON or a form in, JSON or events out.

By the specification of that name (http-spec.graphql.org), in the edition that clients and its audit
suite know: what never ran is answered with status 400 as `application/graphql-response+json` and
with 200 as `application/json`, what ran with 200, with errors or without.

No page of another site can make a browser run something here in its visitor's name: no cookie
counts, mutations do not run by GET, and a body is read only if its Content-Type, or the
Authorization header it came with, is one that no page may send unasked (CORS preflight).
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from app.context import Context
from app.documents import volume
from app.errors import AppError, MethodNotAllowedError, NotAcceptableError
from app.services import rates
from graphql_schema.errors import told
from graphql_schema.execution import KindNotAllowedError, Operation, execute, refused
from graphql_schema.graphiql import page as graphiql
from graphql_schema.limits import adding_up
from graphql_schema.negotiation import Accepted, accepted
from graphql_schema.parts import Parts, parts_response
from graphql_schema.requests import has_operation, read
from graphql_schema.responses import (
    batch_response,
    error_response,
    result_response,
)
from graphql_schema.sse import event_stream

METHODS = "GET, HEAD, OPTIONS, POST"
_READS = frozenset({OperationType.QUERY})
_ALL = frozenset({OperationType.QUERY, OperationType.MUTATION})


async def answer(
    request: Request, open_context: Callable[[Request], Awaitable[Context]]
) -> Response:
    """Answer any request; a browser's GET without an operation gets GraphiQL.

    `open_context` tells who asks; it may raise UnauthenticatedError.
    """
    accepts = _accepted(request)
    try:
        return await _answered(request, open_context, accepts)
    except ClientDisconnect:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told in GraphQL's form
        return error_response(accepts, told(error))


def refusal(request: Request, error: AppError) -> Response:
    """Answer a request that is refused by others, in GraphQL's form."""
    return error_response(_accepted(request), error)


def _accepted(request: Request) -> Accepted:
    lines = request.headers.getlist("accept")
    return accepted(", ".join(lines) if lines else None)


async def _answered(
    request: Request, open_context: Callable[[Request], Awaitable[Context]], accepts: Accepted
) -> Response:
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": METHODS})
    if request.method not in {"GET", "HEAD", "POST"}:
        reason = f"The method is not allowed here; allowed: {METHODS}."
        raise MethodNotAllowedError(reason, allowed=METHODS)
    context = await open_context(request)
    if context.deps.settings.graphiql and _wants_page(request, accepts):
        return graphiql.page()
    if not accepts.prefers_stream:
        accepts.required_json()
    # Files that come along are on disk until the operation has run.
    async with AsyncExitStack() as stack:
        asked = await read(request, context, stack)
        if isinstance(asked, list):
            if context.caller is not None and len(asked) > 1:
                # The request itself is counted already.
                await rates.admit(context.deps, context.caller, requests=len(asked) - 1)
            return batch_response(await _run_each(asked, context), accepts.required_json())
        return await _one_answered(request, asked, context, accepts, stack)


async def _one_answered(
    request: Request,
    operation: Operation,
    context: Context,
    accepts: Accepted,
    stack: AsyncExitStack,
) -> Response:
    if accepts.prefers_stream:
        return event_stream(request, operation, context, stack)
    kinds = _ALL if request.method == "POST" else _READS
    try:
        result = await _run(operation, context, kinds, in_parts=accepts.parts)
    except NotAcceptableError:
        if not accepts.stream:
            raise
        return event_stream(request, operation, context, stack)
    if isinstance(result, Parts):
        return parts_response(result)
    return result_response(result, accepts.required_json())


def _wants_page(request: Request, accepts: Accepted) -> bool:
    return request.method != "POST" and accepts.prefers_html and not has_operation(request)


async def _run_each(operations: list[Operation], context: Context) -> list[ExecutionResult]:
    """Run them one after the other, each whatever became of those before."""
    results: list[ExecutionResult] = []
    with adding_up(), volume.bounded(context.deps.settings.graphql_volume):
        for operation in operations:
            try:
                result = await _run(operation, context, _ALL, in_parts=False)
                assert isinstance(result, ExecutionResult)  # noqa: S101 - it was not to have parts
                results.append(result)
            except AppError as error:
                results.append(refused(error))
            # What is refused at once has let nobody else run.
            await asyncio.sleep(0)
    return results


async def _run(
    operation: Operation, context: Context, kinds: frozenset[OperationType], *, in_parts: bool
) -> ExecutionResult | Parts:
    """Run it. Raises MethodNotAllowedError, NotAcceptableError."""
    try:
        result = await execute(operation, context, kinds=kinds, in_parts=in_parts)
    except KindNotAllowedError as error:
        if error.kind is OperationType.SUBSCRIPTION:
            raise NotAcceptableError("A subscription is not answered in JSON.") from error
        raise MethodNotAllowedError("A mutation must be a POST request.", allowed="POST") from error
    assert isinstance(result, ExecutionResult | Parts)  # noqa: S101 - only subscriptions give events
    return result
