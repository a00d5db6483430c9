import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.time_limit import TimeLimit

AT_ONCE = timedelta(microseconds=1)
QUERY = {"query": "{ communicationsPage { content { id } } }"}


async def over(request: Request) -> Response:
    return PlainTextResponse("too late", status_code=504)


def limited(app: ASGIApp, limit: timedelta) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(TimeLimit(app, limit, over))
    return httpx2.AsyncClient(transport=transport, base_url="http://api.test")


async def test_what_takes_too_long_is_ended() -> None:
    ended: list[str] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    answer = await limited(slow, AT_ONCE).get("/")

    assert (answer.status_code, answer.text) == (504, "too late")
    assert ended == ["slow"]


async def test_an_answer_may_be_as_long_as_it_takes() -> None:
    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"all"})

    answer = await limited(streaming, AT_ONCE).get("/")

    assert (answer.status_code, answer.text) == (200, "all")


async def test_the_time_begins_when_the_last_of_the_body_is_there() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = {"more_body": True}
        while message.get("more_body"):
            message = await receive()
        await PlainTextResponse("read")(scope, receive, send)

    async def slowly() -> Any:
        for part in (b"a", b"b"):
            await asyncio.sleep(1.6)
            yield part

    answer = await limited(reading, timedelta(seconds=3)).post("/", content=slowly())

    assert answer.text == "read"


async def test_other_time_outs_are_faults_like_any() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise TimeoutError("of a library")

    with pytest.raises(TimeoutError, match="of a library"):
        await limited(failing, timedelta(seconds=60)).get("/")


async def test_rest_answers_with_its_error_body(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    tasks = asyncio.all_tasks()

    answer = await client_under(operation_timeout=AT_ONCE).get("/api/v1/communications/page")

    assert answer.status_code == 504
    assert answer.json()["title"] == "Gateway Timeout"
    assert answer.json()["detail"].startswith("It was not done within 1e-06 seconds")
    assert asyncio.all_tasks() == tasks


async def test_its_log_names_no_token(
    client_under: Callable[..., httpx2.AsyncClient], capsys: pytest.CaptureFixture[str]
) -> None:
    token = "a" * 45
    answer = await client_under(operation_timeout=AT_ONCE).get(f"/preferences/{token}")

    logged = capsys.readouterr().out
    assert answer.status_code == 504
    assert "path=/preferences/{token}" in logged
    assert token not in logged


async def test_graphql_answers_with_its_errors(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    tasks = asyncio.all_tasks()

    answer = await client_under(operation_timeout=AT_ONCE).post("/graphql", json=QUERY)

    assert answer.status_code == 504
    assert answer.json()["errors"][0]["extensions"] == {"code": "TIMEOUT"}
    assert asyncio.all_tasks() == tasks
