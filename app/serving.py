"""How the application is served: uvicorn, set up for sockets and streams that stay open."""

import socket

import uvicorn
from starlette.types import ASGIApp

from app.settings import Settings

# A peer that answers no ping for so long is gone, though nobody closed the connection.
_PING_SECONDS = 20.0


class ApiServer(uvicorn.Server):
    """Has event streams end before it waits for everything under way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if (live := self.lifespan.state.get("live")) is not None:
            live.stopping.set()
        await super().shutdown(sockets)


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
