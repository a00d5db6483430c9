"""A mail server that hands mail over, line by line, and can stop anywhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

PATIENCE = 20


@dataclass(frozen=True)
class MailServer:
    """One connection; `say` gives the whole reply to a line."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, line: str | bytes) -> str:
        octets = line if isinstance(line, bytes) else line.encode()
        self.writer.write(octets + b"\r\n")
        return await self.hear()

    async def hear(self) -> str:
        """Read one reply; "" once the other side has hung up."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                line = (await self.reader.readline()).decode().rstrip("\r\n")
                lines.append(line)
                if line[3:4] != "-":
                    return "\n".join(lines)

    async def begin(self, *recipients: str, sender: str = "jan@customer.test") -> list[str]:
        """Greet, and name an envelope; the replies to the recipients."""
        await self.say("LHLO mx.acme.test" if await self.speaks_lmtp() else "EHLO mx.acme.test")
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250 2.1.0")
        return [await self.say(f"RCPT TO:<{address}>") for address in recipients]

    async def speaks_lmtp(self) -> bool:
        return (await self.say("HELO mx.acme.test")).startswith("500")

    async def hand_over(self, raw: bytes, *, answers: int = 1) -> list[str]:
        """Send a message with its dots stuffed; the replies to it."""
        assert (await self.say("DATA")).startswith("354")
        stuffed = raw.replace(b"\r\n.", b"\r\n..")
        self.writer.write((b"." if stuffed.startswith(b".") else b"") + stuffed)
        self.writer.write(b"" if stuffed.endswith(b"\r\n") or not stuffed else b"\r\n")
        self.writer.write(b".\r\n")
        return [await self.hear() for _ in range(answers)]

    def hang_up(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[MailServer]:
    """Connect to a listener on loopback, and read nothing yet."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield MailServer(reader, writer)
    finally:
        writer.transport.abort()
