from contextlib import suppress

import httpx2
import orjson
import pytest
from pymongo.errors import AutoReconnect, ExecutionTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

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


@pytest.mark.parametrize(
    ("fault", "status", "detail"),
    [
        (AutoReconnect("10.0.0.7:27017: connection closed"), 503,
         "The store does not answer; try again."),
        (ExecutionTimeout("operation exceeded time limit", 50), 504,
         "The search took too long and was ended; ask for less, or narrow it down."),
    ],
    ids=["away", "slow"],
)  # fmt: skip
async def test_what_the_store_fails_in_is_told_apart_from_a_fault(
    deps: Deps, fault: Exception, status: int, detail: str
) -> None:
    async def failing(request: Request) -> Response:
        raise fault

    app = create_app(deps.settings, deps)
    app.router.routes.append(Route("/failing", failing))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        response = await client.get("/failing")

    assert response.status_code == status
    assert response.json()["detail"] == detail
    # A search that took too long would do so again.
    assert response.headers.get("retry-after") == ("5" if status == 503 else None)


@pytest.mark.parametrize("place", ["/u/", "/preferences/", "/api/v1/attachments/"])
async def test_the_log_of_a_fault_names_no_token(
    deps: Deps, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    async def failing(request: Request) -> Response:
        faults = {"GET": AutoReconnect("closed"), "PUT": ExecutionTimeout("exceeded", 50)}
        # Of this one a test's log shows the values at hand, which none that is configured does.
        raise faults.get(request.method, RuntimeError("broken"))

    app = create_app(deps.settings, deps)
    methods = ["GET", "PUT", "DELETE"]
    app.router.routes.insert(0, Route(f"{place}{{token}}", failing, methods=methods))
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api.test") as client:
        for method in methods:
            await client.request(method, f"{place}s3cret")

    told = capsys.readouterr().out
    logged = [line for line in told.splitlines() if "store." in line or "rest.fault" in line]
    assert [f"path={place}{{token}}" in line for line in logged] == [True] * len(methods)
    assert not any("s3cret" in line for line in logged)


async def nothing_more() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("fault", "status", "title"),
    [
        (AutoReconnect("closed"), 503, "Service Unavailable"),
        (RuntimeError("broken"), 500, "Internal Server Error"),
    ],
    ids=["away", "broken"],
)
async def test_a_fault_is_told_whatever_octets_the_query_has(
    deps: Deps, fault: Exception, status: int, title: str
) -> None:
    async def failing(request: Request) -> Response:
        raise fault

    app = create_app(deps.settings, deps)
    app.router.routes.append(Route("/failing", failing))
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/failing", "query_string": b"\x80",
        "headers": [], "server": ("api.test", 80), "scheme": "http", "root_path": "",
    }  # fmt: skip
    with suppress(RuntimeError):
        await app(scope, nothing_more, send)

    assert sent[0]["status"] == status
    assert orjson.loads(sent[1]["body"])["title"] == title
