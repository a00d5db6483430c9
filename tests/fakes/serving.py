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
    server = _server(app, 0)
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event to wait for
        await asyncio.sleep(0.005)
    fake.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield
    finally:
        fake.stopped.set()
        server.should_exit = True
        await running


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
