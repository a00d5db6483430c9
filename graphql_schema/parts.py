"""Results in parts: `@defer` and `@stream`, by the working draft of incremental delivery.

The first payload is a result with `pending` and `hasNext`, each further one tells `incremental`
parts and which of them are `completed`. https://github.com/graphql/graphql-spec/pull/1110
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import orjson
from graphql.execution import (
    InitialIncrementalExecutionResult,
    SubsequentIncrementalExecutionResult,
)
from starlette.responses import StreamingResponse

from graphql_schema.errors import coded

Payload = InitialIncrementalExecutionResult | SubsequentIncrementalExecutionResult
_BOUNDARY = "-"
_HEADERS = {
    "Content-Type": f'multipart/mixed; boundary="{_BOUNDARY}"',
    "Cache-Control": "no-store",
    "Vary": "Accept, Authorization",
    # Proxies must not collect it.
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True)
class Parts:
    """The payloads of one result as JSON, as they come."""

    payloads: AsyncGenerator[dict[str, Any], None]


async def payloads_of(
    first: InitialIncrementalExecutionResult, rest: AsyncGenerator[Any, None]
) -> AsyncGenerator[dict[str, Any], None]:
    """Write payloads as JSON; their errors have codes and show nothing of our insides."""
    async with aclosing(rest):
        yield _written(first)
        async for payload in rest:
            yield _written(payload)


def parts_response(parts: Parts) -> StreamingResponse:
    """Answer with a part of multipart/mixed (RFC 2046, section 5.1) for each payload."""
    return StreamingResponse(_parts(parts), headers=_HEADERS)


def _written(payload: Payload) -> dict[str, Any]:
    if isinstance(payload, InitialIncrementalExecutionResult):
        failed: list[Any] = [payload]
    else:
        failed = [*(payload.incremental or ()), *(payload.completed or ())]
    for one in failed:
        if one.errors:
            one.errors = [coded(error) for error in one.errors]
    return dict(payload.formatted)


async def _parts(parts: Parts) -> AsyncGenerator[bytes, None]:
    """Give each part with the boundary behind it, so that a client need not wait for the next."""
    yield f"--{_BOUNDARY}".encode()
    async with aclosing(parts.payloads) as payloads:
        async for payload in payloads:
            head = b"\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
            end = "" if payload["hasNext"] else "--\r\n"
            yield head + orjson.dumps(payload) + f"\r\n--{_BOUNDARY}{end}".encode()
