"""How the application is served: uvicorn, set up for sockets and streams that stay open."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from app.settings import Settings

# A peer that answers no ping for so long is gone, though nobody closed the connection.
_PING_SECONDS = 20.0
# More new connections than these wait for the next turn.
_TAKEN_AT_ONCE = 1000


class ApiServer(uvicorn.Server):
    """Takes new connections in any rush; has event streams end before it waits for the rest."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._rush = Rush(self._protocol)
        self._rush.begin([listening for one in self.servers for listening in one.sockets])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._rush.end()
        if (live := self.lifespan.state.get("live")) is not None:
            live.stopping.set()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


class Rush:
    """Takes all connections that wait at a socket, beside the event loop.

    uvloop takes one in each of its turns, and a turn is as long as all the work in it: in a rush
    they would wait where nobody counts them, for seconds.
    """

    def __init__(self, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._sockets: list[socket.socket] = []
        self._opening: set[asyncio.Task[Any]] = set()

    def begin(self, listening: Iterable[Any]) -> None:
        for one in listening:
            again = socket.socket(fileno=os.dup(one.fileno()))
            again.setblocking(False)
            self._sockets.append(again)
            self._loop.add_reader(again, self._take, again)

    def end(self) -> None:
        for one in self._sockets:
            self._loop.remove_reader(one)
            one.close()
        self._sockets.clear()

    def _take(self, listening: socket.socket) -> None:
        for _ in range(_TAKEN_AT_ONCE):
            try:
                connection, _ = listening.accept()
            except OSError:
                # None waits, or there is no room for one: the event loop knows what to do then.
                return
            connection.setblocking(False)
            opening = self._loop.create_task(
                self._loop.connect_accepted_socket(self._protocol, connection)
            )
            self._opening.add(opening)
            opening.add_done_callback(self._opened)

    def _opened(self, opening: asyncio.Task[Any]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            # Whoever left meanwhile is no fault.
            opening.exception()


def api_server(
    app: ASGIApp | str,
    settings: Settings,
    *,
    ping_seconds: float = _PING_SECONDS,
) -> ApiServer:
    """Make a server of the application, or of what the name of a factory makes."""
    config = uvicorn.Config(
        app,
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.socket_message_limit,
        # Each socket would hold buffers of its own for it, and small messages hardly shrink.
        ws_per_message_deflate=False,
        ws_ping_interval=ping_seconds,
        ws_ping_timeout=ping_seconds,
        forwarded_allow_ips=settings.trusted_proxies,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=10,
    )
    return ApiServer(config)
