from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.context import Deps
from app.listening.server import Protocol, listening
from app.services.receiving import domains
from tests.fakes.mail_server import MailServer, connected

Open = Callable[..., Any]


@pytest.fixture
async def bound(deps: Deps) -> None:
    """Mail to acme.test is acme's, one address of it globex's, and globex.test globex's too."""
    await domains.add(deps, "acme", "acme.test")
    await domains.add(deps, "globex", "shared@acme.test")
    await domains.add(deps, "globex", "globex.test")


@pytest.fixture
async def listener(deps: Deps, bound: None) -> AsyncIterator[Open]:
    """Opens a listener and connects to it; with other settings where some are given."""
    async with AsyncExitStack() as stack:

        async def open_(
            protocol: Protocol = Protocol.LMTP, *, greeted: bool = True, **changes: Any
        ) -> MailServer:
            over = replace(deps, settings=deps.settings.model_copy(update=changes))
            grace = timedelta(seconds=5)
            at = await stack.enter_async_context(
                listening(over, protocol, "127.0.0.1", 0, grace=grace)
            )
            server = await stack.enter_async_context(connected(at))
            if greeted:
                assert (await server.hear()).startswith("220 ")
            return server

        yield open_
