"""How a fake service is served: on a loopback port, in a test or as a process of its own."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


class Fake(Protocol):
    """`url` is where it is served; `stopped` wakes what hangs on purpose."""

    url: str
    stopped: asyncio.Event


def with_transport(app: ASGIApp) -> ASGIApp:
    """Give requests their connection in `scope["transport"]`: ASGI has no way to drop it."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        await app({**scope, "transport": transport}, receive, send)

    return serve


@asynccontextmanager
async def serving(fake: Fake, app: ASGIApp) -> AsyncIterator[None]:
    """Serve `app` on a free port until the block ends; `fake` learns its address."""
    async with served(app) as url:
        fake.url = url
        try:
            yield
        finally:
            fake.stopped.set()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """Serve `app` on a free port until the block ends and what it answers then is told; its URL.

    Does what `uvicorn.Server.serve` does without its main loop, which looks up only ten times a
    second: hundreds of tests would wait for that.
    """
    server = _server(app, 0)
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    await server.on_tick(0)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        for listener in server.servers:
            listener.close()
        state = server.server_state
        for connection in list(state.connections):
            connection.shutdown()
        while state.connections or state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.001)


def serve_by_port(make: Callable[[str], ASGIApp]) -> None:
    """Serve what `make` gives for an address at the port `--port` until the process ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    _server(make(f"http://127.0.0.1:{port}"), port).run()


def _server(app: ASGIApp, port: int) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="critical",
        lifespan="off",
        server_header=False,
    )
    return uvicorn.Server(config)
