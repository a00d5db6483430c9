import httpx2
import pytest
from pymongo.errors import AutoReconnect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.context import Deps
from app.main import create_app
from rest_compat import problems


async def test_a_fault_of_ours_shows_a_reference_and_nothing_else(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def broken(request: Request) -> Response:
        raise RuntimeError("the password is hunter2")

    app = Starlette(routes=[Route("/", broken)], exception_handlers={Exception: problems.on_fault})
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        response = await client.get("/")

    body = response.json()
    reference = body["detail"].removeprefix("Something went wrong on our side (reference ")[:32]
    assert response.status_code == 500
    assert body["title"] == "Internal Server Error"
    assert "hunter2" not in response.text
    assert reference in capsys.readouterr().out


async def test_a_store_that_is_away_is_a_503_that_says_when_to_come_back(deps: Deps) -> None:
    async def away(request: Request) -> Response:
        raise AutoReconnect("10.0.0.7:27017: connection closed")

    app = create_app(deps.settings, deps)
    app.router.routes.append(Route("/away", away))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        response = await client.get("/away")

    assert response.status_code == 503
    assert response.headers["retry-after"] == "5"
    assert response.json()["detail"] == "The store does not answer; try again."
