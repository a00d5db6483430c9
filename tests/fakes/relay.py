"""A real SMTP relay on loopback that keeps what it takes, and can be told to misbehave."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as policy
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(frozen=True)
class Taken:
    """A mail as it arrived: its envelope and its very octets."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy)


@dataclass
class Relay:
    """`replies` maps an address to the reply to its RCPT; `data_replies` are used up in order.

    `connections` counts those ever made, `most_at_once` those open at one time. `pipelining` is
    whether it offers that (RFC 2920), as nearly every relay does; `introductions` tells how many
    commands came together with each MAIL.
    """

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    replies: dict[str, str] = field(default_factory=dict)
    data_replies: list[str] = field(default_factory=list)
    on_data: Callable[[SMTP], Awaitable[None]] | None = None
    connections: int = 0
    most_at_once: int = 0
    sessions: set[SMTP] = field(default_factory=set)
    pipelining: bool = True
    introductions: list[int] = field(default_factory=list)

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offered = ["250-PIPELINING"] if self.pipelining else []
        return [*replies[:-1], *offered, replies[-1]]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        reply = self.replies.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.on_data is not None:
            await self.on_data(server)
        if self.data_replies:
            reply = self.data_replies.pop(0)
            if not reply.startswith("250"):
                return reply
        content = envelope.content
        assert isinstance(content, bytes)
        self.taken.append(Taken(envelope.mail_from or "", tuple(envelope.rcpt_tos), content))
        return "250 OK"

    def drop_connections(self) -> None:
        """Close every open connection, as a relay does that is restarted."""
        for session in list(self.sessions):
            close_connection(session)


def close_connection(session: SMTP) -> None:
    if session.transport is not None:
        session.transport.close()


_GROUPED = {"250", "450", "550"}


class _Session(SMTP):
    """Notes in the relay which connections are open.

    What answers commands that came together goes together, as Postfix does it (RFC 2920 section
    3.2): it is held until nothing more is there to be read.
    """

    held: str = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        relay: Relay = self.event_handler
        relay.connections += self not in relay.sessions
        relay.sessions.add(self)
        relay.most_at_once = max(relay.most_at_once, len(relay.sessions))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.event_handler.sessions.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"MAIL"):
            self.event_handler.introductions.append(data.count(b"\n"))
        super().data_received(data)

    async def push(self, status: Any) -> None:
        answer = status if isinstance(status, str) else status.decode()
        held, self.held = self.held, ""
        if answer[:3] not in _GROUPED:
            await super().push(held + answer)
            return
        if not held:
            # The commands that are here already are worked off before this is called.
            self.loop.call_soon(self._flush)
        self.held = f"{held}{answer}\r\n"

    def _flush(self) -> None:
        if self.held and self.transport is not None:
            self._writer.write(self.held.encode())
        self.held = ""


async def drop_connection(server: SMTP) -> None:
    """For `on_data`: the connection is lost when the mail is over, before it is answered."""
    close_connection(server)
    await asyncio.sleep(0)


async def never_answer(server: SMTP) -> None:
    """For `on_data`: the mail is never answered."""
    await asyncio.Event().wait()


async def listen(
    relay: Relay,
    port: int = 0,
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    users: Mapping[str, str] | None = None,
) -> asyncio.Server:
    """Serve `relay` on a loopback port, a free one for 0; its options are `running_relay`'s."""

    def login(
        server: SMTP, session: Session, envelope: Envelope, mechanism: str, auth_data: object
    ) -> AuthResult:
        assert isinstance(auth_data, LoginPassword)
        password = (users or {}).get(auth_data.login.decode())
        return AuthResult(success=password == auth_data.password.decode(), handled=False)

    server = await asyncio.get_running_loop().create_server(
        lambda: _Session(
            relay,
            hostname="localhost",
            data_size_limit=64 * 1024 * 1024,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=users is not None,
            authenticator=login,
        ),
        "127.0.0.1",
        port,
        ssl=tls,
    )
    relay.port = server.sockets[0].getsockname()[1]
    return server


@asynccontextmanager
async def running_relay(
    relay: Relay | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    users: Mapping[str, str] | None = None,
) -> AsyncIterator[Relay]:
    """Serve `relay`, or one as it is made, on a free loopback port until the block ends.

    It demands TLS from the start with `tls`, STARTTLS with `starttls`, a login with `users`.
    """
    relay = relay or Relay()
    server = await listen(relay, tls=tls, starttls=starttls, users=users)
    try:
        yield relay
    finally:
        server.close()
        relay.drop_connections()
        await asyncio.sleep(0)
