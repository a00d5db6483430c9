"""GraphQL over HTTP: one endpoint, JSON or a form in, JSON out, refusals in GraphQL's form."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
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
from graphql_schema.schema import schema

JSON = "application/json"
# Parsing runs on the event loop, and one long string is but one token.
DOCUMENT_LENGTH = 64 * 1024
ANONYMOUS_OCTETS = 64 * 1024
GRAPHQL_RESPONSE = "application/graphql-response+json"


async def answer(request: Request, context: Context) -> Response:
    """Run the operation of a GET or POST request; a browser's GET gets GraphiQL."""
    if _reads(request) and "query" not in request.query_params and _is_browser(request):
        return HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"))
    try:
        # Files that come along are on disk until the operation has run.
        async with AsyncExitStack() as stack:
            operation = await _operation(request, context, stack)
            result = await _execute(operation, context, request.method)
    except AppError as error:
        return refusal(request, error)
    return _shaped(request, result)


def refusal(request: Request, error: AppError) -> Response:
    """Shape an error that kept the operation from running."""
    body = {"errors": [{"message": error.detail, "extensions": app_extensions(error)}]}
    return _response(request, body, status=error.status, headers=error.headers)


async def _operation(
    request: Request, context: Context, stack: AsyncExitStack
) -> Mapping[str, Any]:
    if _reads(request):
        pairs = parse_qs(request.url.query, keep_blank_values=True)
        operation: dict[str, Any] = {name: values[-1] for name, values in pairs.items()}
        if "variables" in operation:
            operation["variables"] = _json(operation["variables"].encode())
    else:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type == multipart.MEDIA_TYPE:
            operation = await stack.enter_async_context(_form(request, context))
        elif media_type == JSON:
            limit = ANONYMOUS_OCTETS if context.caller is None else None
            operation = _json(await _body(request, limit))
        else:
            reason = f"The Content-Type must be {JSON} or {multipart.MEDIA_TYPE}."
            raise UnsupportedMediaTypeError(reason)
    _check(operation)
    return operation


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


def _check(operation: Any) -> None:
    if not isinstance(operation, dict):
        raise InvalidInputError("The request must be a JSON object with a query.")
    if not isinstance(operation.get("query"), str):
        raise InvalidInputError("query: must be a string that holds a GraphQL document")
    if not operation["query"].strip():
        raise InvalidInputError("query: must not be blank")
    if len(operation["query"]) > DOCUMENT_LENGTH:
        raise PayloadTooLargeError(
            f"query: must have at most {DOCUMENT_LENGTH} characters; put long values in variables"
        )
    if not isinstance(operation.get("operationName"), str | None):
        raise InvalidInputError("operationName: must be a string")
    if not isinstance(operation.get("variables"), dict | None):
        raise InvalidInputError("variables: must be an object")


async def _execute(operation: Mapping[str, Any], context: Context, method: str) -> ExecutionResult:
    try:
        result = await schema.execute(
            operation["query"],
            variable_values=operation.get("variables"),
            context_value=context,
            operation_name=operation.get("operationName"),
            allowed_operation_types=OperationType.from_http("POST" if method == "POST" else "GET"),
        )
    except CannotGetOperationTypeError as error:
        raise InvalidInputError(error.as_http_error_reason()) from error
    except InvalidOperationTypeError as error:
        raise InvalidInputError(error.as_http_error_reason("GET")) from error
    if not isinstance(result, ExecutionResult):
        raise InvalidInputError("Streamed answers are not served here.")
    return result


def _shaped(request: Request, result: ExecutionResult) -> Response:
    body: dict[str, Any] = {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    # Without `data` the operation never ran (GraphQL specification, section 7.1).
    ran = result.data is not None or not result.errors or any(e.path for e in result.errors)
    if ran:
        body["data"] = result.data
    if result.extensions:
        body["extensions"] = result.extensions
    status = 400 if not ran and _media_type(request) == GRAPHQL_RESPONSE else 200
    return _response(request, body, status=status)


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
