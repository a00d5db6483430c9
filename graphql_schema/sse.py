"""GraphQL over server-sent events, in the mode of distinct connections.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md: each operation has a stream of
its own, which gives each result as an event `next`, then an event `complete`. The mode of a single
connection is not served: it is for browsers that may open six connections to a host, and HTTP/2
and the WebSocket do without it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing, suppress
from datetime import timedelta
from typing import Any, TypeVar

import orjson
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from app.auth import Authenticator
from app.context import Context
from app.errors import AppError, InvalidInputError, UnauthenticatedError
from graphql_schema.errors import coded
from graphql_schema.execution import (
    KindNotAllowedError,
    Operation,
    execute,
    refused,
    response_body,
)
from graphql_schema.live import SEND_TIMEOUT, Live, first_of, until_refused
from graphql_schema.negotiation import MediaType

# Proxies must neither keep nor collect it.
_HEADERS = {
    "Content-Type": f"{MediaType.EVENT_STREAM}; charset=utf-8",
    "Cache-Control": "no-store",
    "Vary": "Accept, Authorization",
    "X-Accel-Buffering": "no",
}
_BY_POST = frozenset(OperationType)
_BY_GET = frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION})
HEARTBEAT = timedelta(seconds=15)
_COMMENT = b":\n\n"
# Without `data`, empty as it is, browsers would pass the event over.
_COMPLETE = b"event: complete\ndata:\n\n"
Write = Callable[[bytes], Awaitable[None]]
Result = TypeVar("Result")


def event_stream(
    request: Request, operation: Operation, context: Context, resources: AsyncExitStack
) -> Response:
    """Answer with the results as they come; what keeps the operation from running is one of them.

    By GET no mutation runs, and by HEAD nothing does. The `resources` are closed in the end. Raises
    RateLimitedError when the tenant has too many streams already.
    """
    live: Live = request.state.live
    live.refuse_if_full(_tenant(context))
    if request.method == "HEAD":
        return Response(headers=_HEADERS)
    return _EventStream(request, context, operation, resources.pop_all())


class _EventStream(Response):
    """Written as it comes, and ended as soon as its reader, its token or the process is gone."""

    def __init__(
        self, request: Request, context: Context, operation: Operation, resources: AsyncExitStack
    ) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self._request = request
        self._context = context
        self._resources = resources
        kinds = _BY_POST if request.method == "POST" else _BY_GET
        self._results = _results(operation, context, kinds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        live: Live = self._request.state.live

        async def write(octets: bytes) -> None:
            message = {"type": "http.response.body", "body": octets, "more_body": True}
            async with asyncio.timeout(SEND_TIMEOUT.total_seconds()):
                await send(message)

        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        # A reader who is gone, or takes nothing any more, is no fault.
        async with self._resources:
            with live.counted(_tenant(self._context)), suppress(OSError, TimeoutError):
                await send(start)
                await first_of(
                    _write_all(self._results, write),
                    self._write_refusal(write),
                    _beat(write),
                    _until_gone(receive),
                    live.stopping.wait(),
                )
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _write_refusal(self, write: Write) -> None:
        """Write that the token is no longer good, once it is not."""
        live: Live = self._request.state.live
        authenticator: Authenticator = self._request.state.authenticator
        authorization = self._request.headers.get("authorization")
        caller = self._context.caller
        if authorization is None or caller is None:
            await asyncio.Event().wait()
        else:
            reason = await until_refused(authenticator, authorization, caller, live.recheck)
            await write(_next(refused(UnauthenticatedError(reason))) + _COMPLETE)


async def _results(
    operation: Operation, context: Context, kinds: frozenset[OperationType]
) -> AsyncGenerator[ExecutionResult, None]:
    try:
        result = await _undisturbed(execute(operation, context, kinds=kinds))
    except KindNotAllowedError as error:
        reason = f"A {error.kind.value} is not run by this method; use POST."
        yield refused(InvalidInputError(reason))
        return
    except AppError as error:
        yield refused(error)
        return
    except Exception as error:  # noqa: BLE001 - the answer has begun: nobody else could tell it
        fault = coded(GraphQLError("", original_error=error))
        yield PreExecutionError(data=None, errors=[fault])
        return
    if isinstance(result, ExecutionResult):
        yield result
        return
    async with aclosing(result):
        async for one in result:
            yield one


async def _undisturbed(running: Coroutine[Any, Any, Result]) -> Result:
    """Let it come to its end even if nobody waits for it any more: a mutation is done whole.

    A subscription is only begun here.
    """
    task = asyncio.create_task(running)
    try:
        return await asyncio.shield(task)
    finally:
        await asyncio.wait([task])


async def _write_all(results: AsyncGenerator[ExecutionResult, None], write: Write) -> None:
    await write(_COMMENT)
    async with aclosing(results):
        async for result in results:
            await write(_next(result))
    await write(_COMPLETE)


async def _beat(write: Write) -> None:
    """Keep proxies from taking a quiet stream for a dead one."""
    while True:
        await asyncio.sleep(HEARTBEAT.total_seconds())
        await write(_COMMENT)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _next(result: ExecutionResult) -> bytes:
    return b"event: next\ndata: " + orjson.dumps(response_body(result)) + b"\n\n"


def _tenant(context: Context) -> str | None:
    return None if context.caller is None else context.caller.tenant
