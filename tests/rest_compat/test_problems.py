import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

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
