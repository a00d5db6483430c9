"""The process of the listener."""

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from enum import StrEnum

import structlog
import uvloop

from app.bootstrap import open_deps
from app.context import Deps
from app.errors import ConflictError
from app.listening.house import House
from app.listening.session import LmtpSession, SmtpSession
from app.logs import configure_logs
from app.services.receiving import domains
from app.settings import Settings

log = structlog.get_logger()

# Messages in hand at SIGTERM may finish within this; what does not, its server keeps.
GRACE = timedelta(seconds=10)
# How many of the largest messages are in memory at a time.
_LARGEST_AT_ONCE = 4
_DEMO_TENANT = "demo"


class Protocol(StrEnum):
    LMTP = "lmtp"
    SMTP = "smtp"


def run_listener(
    settings: Settings, protocol: Protocol, host: str, port: int, *, own: str | None = None
) -> None:
    """Take mail until SIGTERM or SIGINT. Raises OSError when the port cannot be had.

    `own` is a domain of a development stack, whose mail is the demo tenant's.
    """
    configure_logs(settings)
    uvloop.run(_run(settings, protocol, (host, port), own))


async def _run(
    settings: Settings, protocol: Protocol, place: tuple[str, int], own: str | None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_deps(settings) as deps:
        if own is not None:
            with suppress(ConflictError):
                await domains.add(deps, _DEMO_TENANT, own)
        async with listening(deps, protocol, *place) as at:
            log.info("listener.started", protocol=protocol.value, port=at)
            await stop.wait()
    log.info("listener.stopped")


@asynccontextmanager
async def listening(
    deps: Deps, protocol: Protocol, host: str, port: int, *, grace: timedelta = GRACE
) -> AsyncIterator[int]:
    """Take mail until the block ends; the port, where 0 was given a free one.

    Then messages in hand are finished, at most for `grace`.
    """
    # aiosmtpd logs commands, with their addresses.
    logging.getLogger("mail").setLevel(logging.CRITICAL + 1)
    settings = deps.settings
    house = House(
        socket.gethostname(),
        limit=settings.inbound_connections,
        room_limit=settings.inbound_limit * _LARGEST_AT_ONCE,
    )
    session = LmtpSession if protocol is Protocol.LMTP else SmtpSession
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: session(deps, house), host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await house.close(grace)
