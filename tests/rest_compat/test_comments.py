"""Comments come as JSON strings, and as bare words."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from app.context import Caller, Deps
from tests.rest_compat.route_table import BASE, JSON, TEXT
from tests.world import World, build_world

Footprint = Callable[[], Awaitable[dict[str, Any]]]


@pytest.fixture
async def world(deps: Deps, caller: Caller) -> World:
    return await build_world(deps, caller)


@pytest.mark.parametrize(
    ("content", "media_type", "kept"),
    [
        (b'"Called him"', JSON, "Called him"),
        (b"Called him", JSON, "Called him"),
        (b"\xef\xbb\xbfCalled him", TEXT, "Called him"),
        (b'\xef\xbb\xbf"Called him"', JSON, "Called him"),
        (b'"Called him"', TEXT, '"Called him"'),
        (b'"Great" he said', JSON, '"Great" he said'),
        (b"[" * 5000, JSON, "[" * 5000),
        (b"NaN", JSON, "NaN"),
        (b"1e400", JSON, "1e400"),
        # No text that Unicode knows: its spelling is kept.
        (b'"\\ud800"', JSON, '"\\ud800"'),
        ("Café 💌\n2".encode(), f"{TEXT}; charset=utf-8", "Café 💌\n2"),
    ],
)
async def test_a_comment_is_kept_as_it_was_written(
    world: World, client: httpx2.AsyncClient, content: bytes, media_type: str, kept: str
) -> None:
    response = await client.post(
        f"{BASE}/{world.sent}/comment", content=content, headers={"Content-Type": media_type}
    )

    assert response.status_code == 200
    assert response.json()["events"][-1]["description"] == kept


@pytest.mark.parametrize("media_type", [JSON, TEXT])
@pytest.mark.parametrize(
    "content",
    [b"", b"  \n", b"\0", b"\xff", "x".encode("utf-16"), b"[" * 100_000, b"\xed\xa0\x80"],
)  # fmt: skip
async def test_what_is_no_text_is_refused(
    world: World,
    client: httpx2.AsyncClient,
    footprint: Footprint,
    content: bytes,
    media_type: str,
) -> None:
    before = await footprint()

    response = await client.post(
        f"{BASE}/{world.sent}/comment", content=content, headers={"Content-Type": media_type}
    )

    assert response.status_code == 400
    assert response.json().keys() == {"title", "detail", "time"}
    assert await footprint() == before


@pytest.mark.parametrize("content", [b"{}", b"[]", b"1", b"null", b"true", b'"\\u0000"'])
async def test_json_that_is_no_text_is_refused(
    world: World, client: httpx2.AsyncClient, footprint: Footprint, content: bytes
) -> None:
    before = await footprint()

    response = await client.post(
        f"{BASE}/{world.sent}/comment", content=content, headers={"Content-Type": JSON}
    )

    assert response.status_code == 400
    assert await footprint() == before
