import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import UnavailableError
from app.load_limit import LoadLimit
from app.settings import Settings

ALICE, BOB = {"Authorization": "Bearer alice"}, {"Authorization": "Bearer bob"}
FULL = (503, "More is asked at once than can be answered; try again.")
QUERY = {"query": "{ communicationsPage { content { id } } }"}


class Slow:
    """Answers when it is let; `begun` counts who waits for it."""

    def __init__(self) -> None:
        self.begun = 0
        self.let = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        self.begun += 1
        await self.let.wait()
        await PlainTextResponse("done")(scope, receive, send)

    async def until(self, begun: int) -> None:
        while self.begun < begun:  # noqa: ASYNC110 - others run meanwhile
            await asyncio.sleep(0)


async def refused(request: Request, error: UnavailableError) -> Response:
    return PlainTextResponse(error.detail, error.status, headers=dict(error.headers))


def limited(app: ASGIApp, limit: int) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(LoadLimit(app, limit, refused), raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://api.test")


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.text


async def test_what_is_beyond_the_limit_is_refused_until_there_is_room() -> None:
    slow = Slow()
    client = limited(slow, 4)
    asked = [client.get("/", headers=who) for who in (ALICE, ALICE, BOB, BOB)]
    in_hand = [asyncio.ensure_future(one) for one in asked]
    await slow.until(4)

    third = await client.get("/", headers={"Authorization": "Bearer carol"})

    assert (told(third), third.headers["retry-after"]) == (FULL, "5")
    assert slow.begun == 4
    slow.let.set()
    assert {told(one) for one in await asyncio.gather(*in_hand)} == {(200, "done")}
    assert told(await client.get("/", headers=ALICE)) == (200, "done")


async def test_one_caller_has_half_of_the_places_and_all_without_a_token_are_one() -> None:
    slow = Slow()
    client = limited(slow, 4)
    in_hand = [asyncio.ensure_future(client.get("/")) for _ in range(2)]
    await slow.until(2)

    assert told(await client.get("/")) == FULL
    in_hand += [asyncio.ensure_future(client.get("/", headers=ALICE))]
    await slow.until(3)
    slow.let.set()
    assert {told(one) for one in await asyncio.gather(*in_hand)} == {(200, "done")}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_is_always_told(path: str) -> None:
    slow = Slow()
    client = limited(slow, 1)
    in_hand = asyncio.ensure_future(client.get("/"))
    await slow.until(1)
    health = asyncio.ensure_future(client.get(path))
    await slow.until(2)
    slow.let.set()
    assert told(await health) == told(await in_hand) == (200, "done")


async def test_a_fault_and_a_client_that_leaves_give_their_places_back() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/wait":
            await asyncio.Event().wait()
        raise RuntimeError("of ours")

    client = limited(failing, 1)
    left = asyncio.ensure_future(client.get("/wait"))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)

    assert [(await client.get("/")).status_code for _ in range(2)] == [500, 500]


async def test_who_is_slow_to_send_has_nothing_in_hand_and_is_refused_when_it_comes_too_late() -> (
    None
):
    slow, more = Slow(), asyncio.Event()

    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = {"more_body": True}
        try:
            while message.get("more_body"):
                message = await receive()
        except UnavailableError as error:
            await PlainTextResponse(error.detail, error.status)(scope, receive, send)
            return
        await slow(scope, no_more, send)

    async def no_more() -> Message:
        return {"type": "http.request"}

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        await more.wait()
        yield b"b"

    client = limited(reading, 2)
    late = asyncio.ensure_future(client.post("/", content=body()))
    await asyncio.sleep(0)
    first = asyncio.ensure_future(client.get("/"))
    await slow.until(1)
    more.set()

    assert told(await late) == FULL
    slow.let.set()
    assert told(await first) == (200, "done")
    assert told(await client.get("/")) == (200, "done")


async def test_who_is_slow_to_read_has_nothing_in_hand() -> None:
    read = asyncio.Event()

    async def answering(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"all"})

    limit = LoadLimit(answering, 1, refused)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    sent: list[Any] = []

    async def never_read(message: Message) -> None:
        await read.wait()

    async def read_at_once(message: Message) -> None:
        sent.append(message.get("status", message.get("body")))

    scope = {"type": "http", "path": "/", "headers": []}
    waiting = asyncio.ensure_future(limit(scope, receive, never_read))
    await asyncio.sleep(0)
    await limit(scope, receive, read_at_once)
    assert sent == [200, b"all"]
    read.set()
    await waiting


async def test_streams_of_events_have_no_place_once_they_began() -> None:
    begun, over = asyncio.Event(), asyncio.Event()

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/":
            await PlainTextResponse("done")(scope, receive, send)
            return
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        begun.set()
        await over.wait()
        await send({"type": "http.response.body", "body": b"event: complete\n\n"})

    client = limited(streaming, 1)
    stream = asyncio.ensure_future(client.get("/events"))
    await begun.wait()

    assert told(await client.get("/")) == (200, "done")
    over.set()
    assert told(await stream) == (200, "event: complete\n\n")
    assert told(await client.get("/")) == (200, "done")


async def test_sockets_are_not_counted() -> None:
    seen: list[str] = []

    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])
        if len(seen) < 3:
            await limit({"type": "websocket", "path": "/graphql"}, receive, send)

    async def nothing(*_: Any) -> Any:
        return {}

    limit = LoadLimit(socket, 1, refused)
    await limit({"type": "websocket", "path": "/graphql"}, nothing, nothing)
    assert seen == ["websocket"] * 3


async def test_refusals_are_logged_at_most_every_five_seconds_and_name_nobody(
    capsys: pytest.CaptureFixture[str],
) -> None:
    slow = Slow()
    client = limited(slow, 1)
    in_hand = asyncio.ensure_future(client.get("/", headers=ALICE))
    await slow.until(1)
    for _ in range(3):
        await client.get("/", headers=ALICE)
    slow.let.set()
    await in_hand

    logged = capsys.readouterr().out
    assert logged.count("load.refused") == 1
    assert "alice" not in logged


async def test_rest_refuses_with_its_error_body(
    client_under: Callable[..., httpx2.AsyncClient],
) -> None:
    client = client_under(requests_in_hand=1)
    page = "/api/v1/communications/page"

    answers = await asyncio.gather(client.get(page), client.get(page))

    assert sorted(answer.status_code for answer in answers) == [200, 503]
    [late] = [answer for answer in answers if answer.status_code == 503]
    assert late.headers["retry-after"] == "5"
    assert {**late.json(), "time": ""} == {
        "title": "Service Unavailable",
        "detail": "More is asked at once than can be answered; try again.",
        "time": "",
    }


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_graphql_refuses_with_its_errors(
    client_under: Callable[..., httpx2.AsyncClient], accept: str
) -> None:
    client = client_under(requests_in_hand=1)
    client.headers["Accept"] = accept

    asked = (client.post("/graphql", json=QUERY) for _ in range(2))
    answers = await asyncio.gather(*asked)

    assert sorted(answer.status_code for answer in answers) == [200, 503]
    [late] = [answer for answer in answers if answer.status_code == 503]
    assert late.headers["retry-after"] == "5"
    assert late.headers["content-type"].startswith(accept)
    assert late.json() == {
        "errors": [
            {
                "message": "More is asked at once than can be answered; try again.",
                "extensions": {"code": "UNAVAILABLE"},
            }
        ]
    }


def test_at_least_one_request_is_in_hand() -> None:
    assert Settings().requests_in_hand == 500
    with pytest.raises(ValueError, match="requests_in_hand"):
        Settings.model_validate({"requests_in_hand": 0})
