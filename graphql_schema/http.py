"""GraphQL over HTTP: one endpoint, JSON or a form in, JSON out, refusals in GraphQL's form."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.context import Context
from app.errors import (
    AppError,
    InvalidInputError,
    PayloadTooLargeError,
    UnauthenticatedError,
    UnsupportedMediaTypeError,
)
from graphql_schema import multipart
from graphql_schema.errors import app_extensions
from graphql_schema.execution import (
    KindNotAllowedError,
    Operation,
    execute,
    read_operation,
    response_body,
)
from graphql_schema.graphiql import page as graphiql

JSON = "application/json"
ANONYMOUS_OCTETS = 64 * 1024
GRAPHQL_RESPONSE = "application/graphql-response+json"


async def answer(request: Request, context: Context) -> Response:
    """Run the operation of a GET or POST request; a browser's GET gets GraphiQL."""
    shown = context.deps.settings.graphiql
    if shown and _reads(request) and "query" not in request.query_params and _is_browser(request):
        return graphiql.page()
    try:
        # Files that come along are on disk until the operation has run.
        async with AsyncExitStack() as stack:
            operation = await _operation(request, context, stack)
            result = await _run(operation, context, request.method)
    except AppError as error:
        return refusal(request, error)
    return _shaped(request, result)


def refusal(request: Request, error: AppError) -> Response:
    """Shape an error that kept the operation from running."""
    body = {"errors": [{"message": error.detail, "extensions": app_extensions(error)}]}
    return _response(request, body, status=error.status, headers=error.headers)


async def _operation(request: Request, context: Context, stack: AsyncExitStack) -> Operation:
    if _reads(request):
        pairs = parse_qs(request.url.query, keep_blank_values=True)
        value: Any = {name: values[-1] for name, values in pairs.items()}
        if "variables" in value:
            value["variables"] = _json(value["variables"].encode())
    else:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == multipart.MEDIA_TYPE:
            value = await stack.enter_async_context(_form(request, context))
        elif media_type == JSON:
            limit = ANONYMOUS_OCTETS if context.caller is None else None
            value = _json(await _body(request, limit))
        else:
            reason = f"The Content-Type must be {JSON} or {multipart.MEDIA_TYPE}."
            raise UnsupportedMediaTypeError(reason)
    return read_operation(value)


def _form(request: Request, context: Context) -> AbstractAsyncContextManager[Any]:
    """Read a form, but of nobody: without a token nothing of it is looked at."""
    if context.caller is None:
        raise UnauthenticatedError("Files need a bearer token in the Authorization header.")
    return multipart.operation(request, limit=context.deps.settings.request_limit)


async def _body(request: Request, limit: int | None) -> bytes:
    """Read the body; what nobody vouches for must be small."""
    octets = bytearray()
    async for chunk in request.stream():
        octets += chunk
        if limit is not None and len(octets) > limit:
            raise PayloadTooLargeError(f"Without a token a request may have {limit} octets.")
    return bytes(octets)


def _json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidInputError(f"The request is not valid JSON: {error}") from error


async def _run(operation: Operation, context: Context, method: str) -> ExecutionResult:
    reads = {OperationType.QUERY}
    kinds = {*reads, OperationType.MUTATION} if method == "POST" else reads
    try:
        result = await execute(operation, context, kinds=kinds)
    except KindNotAllowedError as error:
        raise InvalidInputError(
            f"A {error.kind.value} cannot run by a {method} request here."
        ) from error
    assert isinstance(result, ExecutionResult)  # noqa: S101 - only subscriptions give events
    return result


def _shaped(request: Request, result: ExecutionResult) -> Response:
    failed = isinstance(result, PreExecutionError) and _media_type(request) == GRAPHQL_RESPONSE
    return _response(request, response_body(result), status=400 if failed else 200)


def _response(
    request: Request,
    body: Mapping[str, Any],
    *,
    status: int,
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(
        orjson.dumps(body), status_code=status, media_type=_media_type(request), headers=headers
    )


def _media_type(request: Request) -> str:
    return GRAPHQL_RESPONSE if GRAPHQL_RESPONSE in request.headers.get("accept", "") else JSON


def _reads(request: Request) -> bool:
    """Whether it must change nothing; HEAD is answered as GET is."""
    return request.method in {"GET", "HEAD"}


def _is_browser(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
