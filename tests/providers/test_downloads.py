"""Addresses that others name: what is asked there, and what is not."""

from collections.abc import Callable
from datetime import timedelta

import httpx2
import pytest

from app.providers.base import PermanentError, TransientError
from app.providers.downloads import GoneError, download

SECOND = timedelta(seconds=1)


async def fetch(
    url: str,
    answer: Callable[[httpx2.Request], httpx2.Response],
    *,
    limit: int = 100,
    public_only: bool = True,
) -> bytes:
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        return await download(http, url, limit=limit, patience=SECOND, public_only=public_only)


async def test_the_very_address_that_was_checked_is_asked_by_its_name() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=b"octets")

    assert await fetch("https://1.1.1.1/mail?Signature=a%2Fb", answer) == b"octets"

    [request] = asked
    assert str(request.url) == "https://1.1.1.1/mail?Signature=a%2Fb"
    assert request.headers["host"] == "1.1.1.1"
    assert request.extensions["sni_hostname"] == "1.1.1.1"
    assert request.headers["connection"] == "close"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://1.1.1.1/", "not one of https"),
        ("https://1.1.1.1:8443/", "not one of https"),
        ("https:///x", "not one of https"),
        ("https://127.0.0.1/", "private network"),
        ("https://localhost/", "private network"),
        ("https://169.254.169.254/latest/meta-data", "private network"),
        ("https://[::1]/", "private network"),
        ("https://[::ffff:10.0.0.1]/", "private network"),
    ],
)
async def test_what_is_not_of_the_internet_is_not_asked(url: str, words: str) -> None:
    def never(_: httpx2.Request) -> httpx2.Response:
        raise AssertionError("it was asked")

    with pytest.raises(PermanentError, match=words):
        await fetch(url, never)


async def test_more_than_the_limit_is_not_read() -> None:
    with pytest.raises(PermanentError, match="larger than 100 octets"):
        await fetch("https://1.1.1.1/", lambda _: httpx2.Response(200, content=b"x" * 101))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (302, GoneError),
        (400, GoneError),
        (403, GoneError),
        (404, GoneError),
        (408, TransientError),
        (429, TransientError),
        (500, TransientError),
        (503, TransientError),
    ],
)
async def test_what_answers_mean(status: int, error: type[Exception]) -> None:
    headers = {"location": "https://127.0.0.1/"}
    with pytest.raises(error):
        await fetch("https://1.1.1.1/", lambda _: httpx2.Response(status, headers=headers))


async def test_no_answer_is_transient() -> None:
    def broken(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("reset")

    with pytest.raises(TransientError, match="ReadError"):
        await fetch("https://1.1.1.1/", broken)


async def test_in_a_closed_network_any_host_is_asked() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=str(request.url).encode())

    found = await fetch("http://127.0.0.1:9000/x", answer, public_only=False)

    assert found == b"http://127.0.0.1:9000/x"
