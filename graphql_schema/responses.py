"""HTTP responses: results and errors in the JSON type that the client takes."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from graphql import GraphQLError
from starlette.responses import Response
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from app.errors import AppError, ErrorCode
from graphql_schema.errors import app_extensions
from graphql_schema.execution import response_body
from graphql_schema.negotiation import Accepted, MediaType

# Mails are nobody's but their tenant's, and one address answers in several media types.
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Authorization"}
_FAULTS = {ErrorCode.INTERNAL: 500, ErrorCode.UNAVAILABLE: 503, ErrorCode.TIMEOUT: 504}


def result_response(result: ExecutionResult, media_type: MediaType) -> Response:
    return _response(response_body(result), media_type, status=_status(result, media_type))


def batch_response(results: Sequence[ExecutionResult], media_type: MediaType) -> Response:
    """Answer each in its place; 200 if one of them ran."""
    status = min(_status(result, media_type) for result in results)
    return _response([response_body(result) for result in results], media_type, status=status)


def error_response(accepts: Accepted, error: AppError) -> Response:
    """Answer with the error that kept the request from running, in whatever type is taken."""
    body = {"errors": [{"message": error.detail, "extensions": app_extensions(error)}]}
    media_type = accepts.json or MediaType.JSON
    return _response(body, media_type, status=error.status, headers=error.headers)


def _status(result: ExecutionResult, media_type: MediaType) -> int:
    if not isinstance(result, PreExecutionError):
        return 200
    # Nobody's mistake but ours, which a client should not take for an answer.
    faults = [_FAULTS[code] for error in result.errors or () if (code := _code(error)) in _FAULTS]
    return max(faults, default=200 if media_type is MediaType.JSON else 400)


def _code(error: GraphQLError) -> Any:
    return (error.extensions or {}).get("code")


def _response(
    body: Any, media_type: MediaType, *, status: int, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(body),
        status_code=status,
        headers={**_HEADERS, **(headers or {}), "Content-Type": f"{media_type}; charset=utf-8"},
    )
