"""The documented error body: `{title, detail, time}`."""

from collections.abc import Mapping
from http import HTTPStatus
from uuid import uuid4

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.bootstrap import utc_now
from app.errors import AppError, TimedOutError, UnavailableError
from app.instants import format_instant
from rest_compat.requests import loggable_path

log = structlog.get_logger()


def problem(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Shape an error as the contract's Problem."""
    body = {"title": title, "detail": detail, "time": format_instant(utc_now())}
    return Response(
        orjson.dumps(body), status_code=status, media_type="application/json", headers=headers
    )


async def on_app_error(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    assert isinstance(error, AppError)  # noqa: S101 - registered for this class
    return problem(error.status, error.title, error.detail, error.headers)


async def on_store_unavailable(request: Request, error: Exception) -> Response:
    """Answer 503 while MongoDB is away; the client may come again."""
    log.warning("store.unavailable", path=loggable_path(request), error=type(error).__name__)
    return await on_app_error(request, UnavailableError("The store does not answer; try again."))


async def on_search_timeout(request: Request, error: Exception) -> Response:
    """Answer 504 for a search that MongoDB ended."""
    log.warning("store.timeout", path=loggable_path(request), error=type(error).__name__)
    return await on_app_error(request, TimedOutError.of_search())


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Shape what Starlette itself refuses: unknown paths and methods.

    OPTIONS is answered on every path that is served, to anyone: 204 and the methods in Allow.
    """
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _on_other_method(request, error)
    title = HTTPStatus(error.status_code).phrase
    served = error.status_code != HTTPStatus.NOT_FOUND
    detail = error.detail if served else f"Nothing is served at {request.url.path}."
    return problem(error.status_code, title, detail, error.headers)


def _on_other_method(request: Request, error: HTTPException) -> Response:
    # Only a folder of static files does not say what it allows.
    allowed = (error.headers or {}).get("Allow", "GET, HEAD").split(", ")
    headers = {"Allow": ", ".join(sorted([*allowed, "OPTIONS"]))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=headers)
    detail = f"{request.method} is not allowed here; allowed: {headers['Allow']}."
    return problem(error.status_code, "Method Not Allowed", detail, headers)


async def on_disconnect(request: Request, error: Exception) -> Response:  # noqa: ARG001 - Starlette's signature
    """End a request whose client went away before it was whole; no fault, and nobody reads it."""
    return problem(400, "Bad Request", "The connection was closed before the body was whole.")


async def on_fault(request: Request, error: Exception) -> Response:
    """Answer 500 for a fault of ours: an id that is in the log, and nothing of our insides."""
    reference = uuid4().hex
    log.error("rest.fault", reference=reference, path=loggable_path(request), exc_info=error)
    return problem(
        500, "Internal Server Error", f"Something went wrong on our side (reference {reference})."
    )
