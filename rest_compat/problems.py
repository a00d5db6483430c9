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
from app.errors import AppError, UnavailableError
from app.instants import format_instant

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
    log.warning("store.unavailable", path=request.url.path, error=type(error).__name__)
    return await on_app_error(request, UnavailableError("The store does not answer; try again."))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Shape what Starlette itself refuses: unknown paths and methods."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    title = HTTPStatus(error.status_code).phrase
    allowed = (error.headers or {}).get("Allow")
    details = {
        404: f"Nothing is served at {request.url.path}.",
        405: f"{request.method} is not allowed here; allowed: {allowed}.",
    }
    detail = details.get(error.status_code, error.detail)
    return problem(error.status_code, title, detail, error.headers)


async def on_fault(request: Request, error: Exception) -> Response:
    """Answer 500 for a fault of ours: an id that is in the log, and nothing of our insides."""
    reference = uuid4().hex
    log.error("rest.fault", reference=reference, path=request.url.path, exc_info=error)
    return problem(
        500, "Internal Server Error", f"Something went wrong on our side (reference {reference})."
    )
