"""How connections end, on either event loop: the listener's process has uvloop's."""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import uvloop

from app.context import Deps
from app.listening.server import Protocol, listening

GRACE = timedelta(seconds=30)
LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
Run = Callable[..., Any]


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), 10)


@LOOPS
async def test_who_is_idle_is_sent_away_at_once(deps: Deps, run: Run) -> None:
    async def stopped() -> tuple[bytes, float]:
        async with listening(deps, Protocol.SMTP, "127.0.0.1", 0, grace=GRACE) as port:
            guest = await asyncio.to_thread(connect, port)
            greeting = await asyncio.to_thread(guest.recv, 100)
            assert greeting.startswith(b"220 ")
            begun = time.monotonic()
        with guest:
            return await asyncio.to_thread(guest.recv, 100), time.monotonic() - begun

    words, seconds = await asyncio.to_thread(lambda: run(stopped()))

    assert words.startswith(b"421 4.3.2 ")
    assert seconds < GRACE.total_seconds() / 2


@LOOPS
async def test_who_hangs_up_leaves_room_for_others(deps: Deps, run: Run) -> None:
    """As the probes of a load balancer do, who come and go without a word."""
    settings = deps.settings.model_copy(update={"inbound_connections": 2})

    async def probed() -> list[bytes]:
        few = replace(deps, settings=settings)
        heard = []
        async with listening(few, Protocol.SMTP, "127.0.0.1", 0, grace=GRACE) as port:
            for _ in range(6):
                await asyncio.to_thread(lambda: connect(port).close())
                await asyncio.sleep(0.05)
            for _ in range(2):
                guest = await asyncio.to_thread(connect, port)
                with guest:
                    heard.append(await asyncio.to_thread(guest.recv, 4))
        return heard

    assert await asyncio.to_thread(lambda: run(probed())) == [b"220 ", b"220 "]
