"""Answers of any length, in constant memory.

The first part is made before the status is sent, so a fault in it is a plain 500. After that a
fault breaks the connection off: what arrived must not look like a whole answer.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rest_compat.records import Row, communication_record

# Enough that a part is worth its sending, little enough that other requests get their turn.
_PART = 64 * 1024


async def streamed(
    request: Request,
    parts: AsyncIterator[bytes],
    *,
    media_type: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with these parts, joined to pieces of 64 kB; HEAD gets the headers alone.

    Without a `media_type` it stands in the headers.
    """
    pieces = _pieces(parts) if request.method != "HEAD" else _nothing()
    first = await anext(pieces, b"")
    return StreamingResponse(_with(first, pieces), media_type=media_type, headers=headers)


async def records_json(rows: AsyncIterator[Row]) -> AsyncIterator[bytes]:
    """Write a JSON list of CommunicationRecords."""
    before = b"["
    async for row in rows:
        yield before + orjson.dumps(communication_record(row))
        before = b","
    yield b"[]" if before == b"[" else b"]"


async def utf8(texts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """Encode texts."""
    async for text in texts:
        yield text.encode()


async def json_string(texts: AsyncIterator[str]) -> AsyncIterator[bytes]:
    """Write texts as one JSON string."""
    yield b'"'
    async for text in texts:
        yield orjson.dumps(text)[1:-1]
    yield b'"'


async def _pieces(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    waiting, size = [], 0
    async for part in parts:
        waiting.append(part)
        size += len(part)
        if size >= _PART:
            yield b"".join(waiting)
            waiting, size = [], 0
            await asyncio.sleep(0)
    yield b"".join(waiting)


async def _with(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in others:
        yield piece


async def _nothing() -> AsyncIterator[bytes]:
    yield b""
