"""`/healthz`: the process is alive. `/readyz`: it can do its work."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.context import Deps


async def healthz(request: Request) -> Response:  # noqa: ARG001 - Starlette's signature
    return JSONResponse({"status": "alive"})


async def readyz(request: Request) -> Response:
    """200 with `{"mongo": "ok", "queue": "ok"}`; 503 with what does not answer."""
    deps: Deps = request.state.deps
    checks = {"mongo": deps.ping_mongo(), "queue": deps.queue.ping()}
    results = await asyncio.gather(*checks.values(), return_exceptions=True)
    states = {
        name: "ok" if result is None else str(result)
        for name, result in zip(checks, results, strict=True)
    }
    ready = all(result is None for result in results)
    return JSONResponse(states, status_code=200 if ready else 503)
