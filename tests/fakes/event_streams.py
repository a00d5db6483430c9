"""A reader of server-sent events, at the application itself, who may leave at any time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.types import ASGIApp, Message

PATIENCE = 30.0


class EventReader:
    def __init__(self) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.octets = b""

    async def begin(self) -> None:
        """Wait for the head of the answer."""
        async with asyncio.timeout(PATIENCE):
            start = await self.inbox.get()
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    def leave(self) -> None:
        self.outbox.put_nowait({"type": "http.disconnect"})

    async def event(self) -> tuple[str, Any] | None:
        """The next event and its data; None at the end of the stream. Comments are passed over."""
        while True:
            block, blank, rest = self.octets.partition(b"\n\n")
            if not blank:
                if not await self._more():
                    assert self.octets == b""
                    return None
                continue
            self.octets = rest
            lines = [line.partition(":")[::2] for line in block.decode().split("\n")]
            fields = {name: value.removeprefix(" ") for name, value in lines if name}
            if fields:
                return fields["event"], orjson.loads(fields["data"] or "null")

    async def events(self) -> list[tuple[str, Any]]:
        """All events up to the end of the stream."""
        found = []
        while (event := await self.event()) is not None:
            found.append(event)
        return found

    async def _more(self) -> bool:
        async with asyncio.timeout(PATIENCE):
            message = await self.inbox.get()
        self.octets += message["body"]
        return bool(message["more_body"])


@asynccontextmanager
async def reading(
    app: ASGIApp,
    operation: Mapping[str, Any],
    *,
    headers: Mapping[str, str],
    method: str = "POST",
) -> AsyncIterator[EventReader]:
    """Ask for an operation at /graphql; when the block ends, the reader leaves.

    The application must end then, without an exception.
    """
    reader = EventReader()
    by_post = method == "POST"
    body = orjson.dumps(operation) if by_post else b""
    query = b"" if by_post else urlencode(operation).encode()
    reader.outbox.put_nowait({"type": "http.request", "body": body, "more_body": False})
    lines = {"content-type": "application/json", "accept": "text/event-stream", **headers}
    scope = {
        "type": "http",
        "method": method,
        "path": "/graphql",
        "headers": [(name.encode(), value.encode()) for name, value in lines.items()],
        "query_string": query,
        "http_version": "1.1",
        "scheme": "http",
        "server": ("api.test", 80),
        "client": ("127.0.0.1", 1),
    }
    serving = asyncio.ensure_future(app(scope, reader.outbox.get, reader.inbox.put))
    try:
        await reader.begin()
        yield reader
    finally:
        reader.leave()
        async with asyncio.timeout(PATIENCE):
            await serving
