"""The web application: routes, middleware, error handlers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypedDict

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute, request_response
from starlette.types import Receive, Scope, Send

from app import cycles
from app.auth import Authenticator
from app.bootstrap import open_deps
from app.context import Deps
from app.cors import cors
from app.documents.base import SearchTimeoutError, StoreUnavailableError
from app.errors import AppError, TimedOutError
from app.health import healthz, readyz
from app.inbox import inbox_routes
from app.load_limit import LoadLimit
from app.logs import configure_logs
from app.rate_limit_headers import RateLimitHeaders
from app.request_limit import RequestLimit
from app.settings import Environment, Settings
from app.time_limit import TimeLimit
from graphql_schema import http as graphql_http
from graphql_schema import websocket as graphql_websocket
from graphql_schema.graphiql.page import asset_routes
from graphql_schema.live import Live
from rest_compat import problems
from rest_compat.requests import loggable_path, open_context_of
from rest_compat.routes import TRACK, rest_routes
from rest_compat.tracking import PicturesFirst

log = structlog.get_logger()

_GRAPHQL = "/graphql"


class State(TypedDict):
    deps: Deps
    authenticator: Authenticator
    live: Live


def app_from_environment() -> Starlette:
    """Build the application for uvicorn, from `LETTERBOX_*` variables."""
    settings = Settings()
    configure_logs(settings)
    app = create_app(settings)
    cycles.look_rarely()
    return app


def create_app(settings: Settings, deps: Deps | None = None) -> Starlette:
    """Build the application; it opens its own dependencies unless `deps` are given."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[State]:  # noqa: ARG001 - Starlette's signature
        async with _opened(settings, deps) as opened:
            yield {
                "deps": opened,
                "authenticator": Authenticator(settings, opened.http, opened.now),
                "live": Live(settings.live_connections),
            }

    app = Starlette(
        routes=_routes(settings),
        middleware=[
            *cors(settings),
            Middleware(PicturesFirst, prefix=TRACK),
            Middleware(LoadLimit, limit=settings.requests_in_hand, answer=_refused),
            Middleware(RateLimitHeaders),
            Middleware(TimeLimit, limit=settings.operation_timeout, answer=_timed_out),
            Middleware(RequestLimit, limit=settings.request_limit),
        ],
        exception_handlers={
            AppError: problems.on_app_error,
            StoreUnavailableError: problems.on_store_unavailable,
            SearchTimeoutError: problems.on_search_timeout,
            HTTPException: problems.on_http_exception,
            ClientDisconnect: problems.on_disconnect,
            Exception: problems.on_fault,
        },
        lifespan=lifespan,
    )
    # Another spelling is another path: a redirect would lose the body, and follow the Host header.
    app.router.redirect_slashes = False
    return app


@asynccontextmanager
async def _opened(settings: Settings, deps: Deps | None) -> AsyncIterator[Deps]:
    if deps is not None:
        yield deps
        return
    async with open_deps(settings) as opened:
        yield opened


def _routes(settings: Settings) -> list[BaseRoute]:
    routes: list[BaseRoute] = [
        Route(_GRAPHQL, _Graphql()),
        WebSocketRoute(_GRAPHQL, graphql_websocket.serve),
        *(asset_routes() if settings.graphiql else ()),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        *rest_routes(),
    ]
    if settings.environment is Environment.DEVELOPMENT:
        routes += inbox_routes(settings.data_dir)
    return routes


class _Graphql:
    """Takes every method, so that what it refuses has GraphQL's form, too."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer_graphql(scope, receive, send)


async def _graphql(request: Request) -> Response:
    return await graphql_http.answer(request, open_context_of)


_answer_graphql = request_response(_graphql)


async def _timed_out(request: Request) -> Response:
    """Answer a request whose time is over, in the form of its door."""
    deps: Deps = request.state.deps
    log.warning("request.timeout", path=loggable_path(request), method=request.method)
    error = TimedOutError.of_operation(deps.settings.operation_timeout)
    return await _refused(request, error)


async def _refused(request: Request, error: AppError) -> Response:
    if request.url.path == _GRAPHQL:
        return graphql_http.refusal(request, error)
    return await problems.on_app_error(request, error)
