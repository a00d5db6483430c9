"""An SMTP relay as a process of its own: it keeps what it takes, and misbehaves when told to.

`python -m tests.fakes.relay_process --port SMTP --control HTTP`. Over HTTP, `PUT /conduct` says how
it behaves from now on, and `GET /arrivals`, `/last` and `/counts` tell what came.
"""

import argparse
import asyncio
import time
import zlib
from dataclasses import asdict, dataclass, field
from email.parser import BytesHeaderParser
from enum import StrEnum
from typing import Any

import uvicorn
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.relay import Relay, close_connection, drop_connection, listen, never_answer


class Conduct(StrEnum):
    """`TAKE` is good conduct; the numbers are what it answers to RCPT and, by turns, to DATA."""

    TAKE = "take"
    # Nobody listens, and open connections are gone.
    REFUSE = "refuse"
    # Neither EHLO nor the end of DATA is answered; nothing is taken.
    HANG = "hang"
    # A mail is taken and the connection lost before it is confirmed; once only for each mail.
    DROP = "drop"
    GOING_AWAY = "421"
    BUSY = "450"
    UNKNOWN = "550"


REPLIES = {
    Conduct.GOING_AWAY: "421 4.3.2 Going down for maintenance",
    Conduct.BUSY: "450 4.2.1 Mailbox busy",
    Conduct.UNKNOWN: "550 5.1.1 No such user",
}


@dataclass
class Arrival:
    """A mail that was taken, at this time of the machine's clock; `confirmed` once we said so."""

    message_id: str
    subject: str
    recipients: tuple[str, ...]
    at: float
    confirmed: bool = False


@dataclass
class Sink(Relay):
    """`pause` is how long it keeps a mail before it confirms it; `refusals` holds addresses."""

    conduct: Conduct = Conduct.TAKE
    pause: float = 0.0
    arrivals: list[Arrival] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    last: bytes = b""
    hung: int = 0
    dropped: set[str] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        if self.conduct is Conduct.HANG:
            await never_answer(server)
        return await super().handle_EHLO(server, session, envelope, hostname, replies)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        if self.conduct in REPLIES and not _refused_late(address):
            return await self._refuse(server, address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.conduct is Conduct.HANG:
            self.hung += 1
            await never_answer(server)
        if self.conduct in REPLIES:
            return await self._refuse(server, envelope.rcpt_tos[0])
        content = envelope.content
        assert isinstance(content, bytes)
        self.last = content
        arrival = _arrival(envelope, content)
        self.arrivals.append(arrival)
        if self.pause:
            await asyncio.sleep(self.pause)
        if self.conduct is Conduct.DROP and arrival.message_id not in self.dropped:
            self.dropped.add(arrival.message_id)
            await drop_connection(server)
            return "451 Connection lost"
        arrival.confirmed = True
        return "250 OK"

    async def behave(self, conduct: Conduct, pause: float) -> None:
        self.conduct, self.pause = conduct, pause
        if conduct is Conduct.REFUSE:
            self.close()
        elif self.server is None:
            self.server = await listen(self, self.port)

    def close(self) -> None:
        if self.server is not None:
            self.server.close()
            self.server = None
        self.drop_connections()

    async def _refuse(self, server: SMTP, address: str) -> str:
        self.refusals.append(address)
        reply = REPLIES[self.conduct]
        if self.conduct is Conduct.GOING_AWAY:
            await server.push(reply)
            close_connection(server)
            await asyncio.sleep(0)
        return reply


def _refused_late(address: str) -> bool:
    """Half of the addresses pass RCPT, and are refused when the mail is over."""
    return zlib.crc32(address.encode()) % 2 == 1


def _arrival(envelope: Envelope, content: bytes) -> Arrival:
    head = BytesHeaderParser().parsebytes(content)
    return Arrival(
        message_id=str(head["Message-ID"]),
        subject=str(head["Subject"]),
        recipients=tuple(envelope.rcpt_tos),
        at=time.time(),
    )


def control(sink: Sink) -> Starlette:
    """Make the HTTP side of it."""

    async def put_conduct(request: Request) -> JSONResponse:
        asked = await request.json()
        await sink.behave(Conduct(asked["conduct"]), float(asked["pause"]))
        return JSONResponse({})

    async def arrivals(request: Request) -> JSONResponse:
        return JSONResponse([asdict(arrival) for arrival in sink.arrivals])

    async def refusals(request: Request) -> JSONResponse:
        return JSONResponse(sink.refusals)

    async def last(request: Request) -> Response:
        return Response(sink.last)

    async def counts(request: Request) -> JSONResponse:
        return JSONResponse(
            {
                "arrived": len(sink.arrivals),
                "refused": len(sink.refusals),
                "hung": sink.hung,
                "dropped": len(sink.dropped),
                "open": len(sink.sessions),
                "connections": sink.connections,
            }
        )

    return Starlette(
        routes=[
            Route("/conduct", put_conduct, methods=["PUT"]),
            Route("/arrivals", arrivals),
            Route("/refusals", refusals),
            Route("/last", last),
            Route("/counts", counts),
        ]
    )


async def serve(port: int, control_port: int) -> None:
    sink = Sink(port=port)
    await sink.behave(Conduct.TAKE, 0)
    config = uvicorn.Config(
        control(sink), host="127.0.0.1", port=control_port, log_level="warning", lifespan="off"
    )
    await uvicorn.Server(config).serve()
    sink.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--control", type=int, required=True)
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.control))


if __name__ == "__main__":
    main()
