"""A client of a WebSocket, at the application itself: quick, and free to say anything."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.types import ASGIApp, Message

PATIENCE = 30.0


class Closed(Exception):  # noqa: N818 - what was waited for may be just this
    """The application closed the socket."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class ClientSocket:
    def __init__(self) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.outbox: asyncio.Queue[Message] = asyncio.Queue()
        self.subprotocol: str | None = None
        self.is_gone = False

    def say(self, message: Any) -> None:
        self.say_raw({"type": "websocket.receive", "text": orjson.dumps(message).decode()})

    def say_raw(self, received: Message) -> None:
        self.outbox.put_nowait(received)

    def vanish(self) -> None:
        """Be gone before the server has noticed."""
        self.is_gone = True

    def leave(self) -> None:
        self.say_raw({"type": "websocket.disconnect", "code": 1001})

    async def heard(self) -> Any:
        """Wait for the next message. Raises Closed when it is the end."""
        async with asyncio.timeout(PATIENCE):
            sent = await self.inbox.get()
        if sent["type"] == "websocket.close":
            raise Closed(sent["code"], sent["reason"])
        assert sent["type"] == "websocket.send"
        return orjson.loads(sent["text"])

    async def heard_that(self, fits: Callable[[Any], bool]) -> Any:
        """Wait for a message that fits; those before it are passed over.

        Of what was before a subscription, the feed may tell late.
        """
        while True:
            message = await self.heard()
            if fits(message):
                return message

    async def ending(self) -> Closed:
        """Wait for the end, whatever comes before."""
        try:
            while True:
                await self.heard()
        except Closed as closed:
            return closed

    async def begin(self, payload: Mapping[str, Any] | None = None) -> None:
        """Introduce itself; returns when that was acknowledged."""
        self.say({"type": "connection_init", "payload": payload})
        assert await self.heard() == {"type": "connection_ack"}

    def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        self.say({"type": "subscribe", "id": id_, "payload": payload})


@asynccontextmanager
async def opened(
    app: ASGIApp,
    *,
    subprotocols: Sequence[str] = ("graphql-transport-ws",),
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[ClientSocket]:
    """Open a socket at /graphql; when the block ends, the client leaves.

    The application must end then, without an exception.
    """
    client = ClientSocket()
    client.say_raw({"type": "websocket.connect"})

    async def send(message: Message) -> None:
        if client.is_gone:
            # As servers tell it.
            raise OSError
        if message["type"] == "websocket.accept":
            client.subprotocol = message["subprotocol"]
        else:
            client.inbox.put_nowait(message)

    scope = {
        "type": "websocket",
        "path": "/graphql",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "query_string": b"",
        "subprotocols": list(subprotocols),
    }
    serving = asyncio.ensure_future(app(scope, client.outbox.get, send))
    try:
        yield client
    finally:
        client.leave()
        async with asyncio.timeout(PATIENCE):
            await serving
