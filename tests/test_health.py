from dataclasses import replace

import httpx2
import pytest

from app.auth import Authenticator
from app.context import Deps
from app.main import create_app
from app.queue import ArqQueue


async def ask(deps: Deps, path: str) -> httpx2.Response:
    app = create_app(deps.settings, deps)
    state = {"deps": deps, "authenticator": Authenticator(deps.settings, deps.http, deps.now)}
    transport = httpx2.ASGITransport(
        lambda scope, receive, send: app({**scope, "state": dict(state)}, receive, send)
    )
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        return await client.get(path)


@pytest.fixture
async def without_queue(deps: Deps) -> Deps:
    return replace(deps, queue=ArqQueue("redis://127.0.0.1:1/0"))


async def test_alive_without_a_token(deps: Deps) -> None:
    response = await ask(deps, "/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "alive"})


async def test_ready_when_mongo_and_queue_answer(deps: Deps) -> None:
    response = await ask(deps, "/readyz")

    assert (response.status_code, response.json()) == (200, {"mongo": "ok", "queue": "ok"})


async def test_not_ready_without_the_queue(without_queue: Deps) -> None:
    response = await ask(without_queue, "/readyz")

    assert response.status_code == 503
    assert response.json()["mongo"] == "ok"
    assert response.json()["queue"].startswith("the queue does not answer")


async def test_not_ready_without_mongo(deps: Deps) -> None:
    async def silent() -> None:
        raise ConnectionError("MongoDB does not answer")

    response = await ask(replace(deps, ping_mongo=silent), "/readyz")

    assert response.status_code == 503
    assert response.json() == {"mongo": "MongoDB does not answer", "queue": "ok"}


async def test_alive_without_the_queue(without_queue: Deps) -> None:
    assert (await ask(without_queue, "/healthz")).status_code == 200
