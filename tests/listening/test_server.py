"""How a listener ends: who is idle is sent away, what is in hand is finished."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from app.context import Deps
from app.documents.inbound_messages import InboundMessage
from app.listening.house import House
from app.listening.server import Protocol, listening
from tests.fakes.mail_server import connected
from tests.fakes.messages import message

pytestmark = pytest.mark.usefixtures("bound")


async def test_the_idle_are_sent_away_and_what_is_in_hand_is_finished(deps: Deps) -> None:
    listener = listening(deps, Protocol.LMTP, "127.0.0.1", 0, grace=timedelta(seconds=20))
    port = await listener.__aenter__()
    async with connected(port) as idle, connected(port) as busy:
        await idle.hear()
        await busy.hear()
        await busy.begin("a@acme.test")
        assert (await busy.say("DATA")).startswith("354")

        closing = asyncio.create_task(listener.__aexit__(None, None, None))

        assert (await idle.hear())[:9] == "421 4.3.2"
        assert await idle.hear() == ""
        assert await busy.say(message() + b"\r\n.") == "250 2.6.0 Kept"
        assert (await busy.hear())[:9] == "421 4.3.2"
        await closing
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)
    assert await InboundMessage.count() == 1


async def test_who_does_not_end_is_hung_up_on(deps: Deps) -> None:
    async with AsyncExitStack() as stack:
        async with listening(
            deps, Protocol.LMTP, "127.0.0.1", 0, grace=timedelta(milliseconds=1)
        ) as port:
            server = await stack.enter_async_context(connected(port))
            await server.hear()
            await server.begin("a@acme.test")
            await server.say("DATA")
        assert (await server.hear())[:9] == "421 4.3.2"
        assert await server.hear() == ""


async def test_all_messages_share_their_room() -> None:
    house = House("mx", limit=2, room_limit=100)

    with house.room() as first:
        assert first.grow(60)
        with house.room() as second:
            assert not second.grow(41)
            assert second.is_refused
            assert second.grow(40)
    with house.room() as third:
        assert third.grow(100)
    assert (house.taken, third.is_refused) == (0, False)
