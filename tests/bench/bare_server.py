"""The least that serves from MongoDB: `python -m tests.bench.bare_server PORT MONGO_URL`."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from motor.motor_asyncio import AsyncIOMotorClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def main() -> None:
    port, mongo = sys.argv[1:]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[dict[str, Any]]:
        yield {"db": AsyncIOMotorClient[Any](mongo, tz_aware=True, w="majority")["bare"]}

    app = Starlette(routes=[Route("/graphql", _first, methods=["POST"])], lifespan=lifespan)
    uvicorn.run(app, port=int(port), loop="uvloop", http="httptools", log_level="warning")


async def _first(request: Request) -> Response:
    return JSONResponse({"data": await request.state.db["rows"].find_one({})})


if __name__ == "__main__":
    main()
