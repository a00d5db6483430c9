"""An SMTP server that answers commands in groups, its octets cut into any pieces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

GOOD = b"250 OK\r\n"
GO_AHEAD = b"354 go ahead\r\n"


@dataclass
class GroupRelay:
    """`answers` are those to MAIL, each RCPT and DATA; what is missing goes well, as does the rest.

    With `pipelining` it says nothing before it was told DATA; what it says then is cut at `cuts`.
    After an answer 421, and after `hangs_up_after` answers, it hangs up. A mail without any line
    stands as empty in `taken`; `told` are the commands.
    """

    pipelining: bool = True
    answers: list[bytes] = field(default_factory=list)
    end: bytes = GOOD
    cuts: list[int] = field(default_factory=list)
    hangs_up_after: int | None = None
    port: int = 0
    connections: int = 0
    told: list[bytes] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    def behave(self) -> None:
        self.answers, self.end, self.cuts, self.hangs_up_after = [], GOOD, [], None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(b"220 ready\r\n")
            offered = b"250-relay\r\n250 PIPELINING\r\n" if self.pipelining else b"250 relay\r\n"
            await reader.readline()
            writer.write(offered)
            while line := await reader.readline():
                if line.startswith(b"MAIL"):
                    await self._mail(line, reader, writer)
                else:
                    self.told.append(line)
                    writer.write(GOOD)
        writer.close()

    async def _mail(
        self, line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        group: list[bytes] = []
        number = 0
        while True:
            self.told.append(line)
            usual = GO_AHEAD if line.startswith(b"DATA") else GOOD
            answer = self.answers[number] if number < len(self.answers) else usual
            group.append(answer)
            number += 1
            is_last = answer.startswith(b"421") or number == self.hangs_up_after
            if is_last or not self.pipelining or line.startswith(b"DATA"):
                await self._say(b"".join(group), writer)
                group = []
            if is_last:
                raise ConnectionError
            if line.startswith(b"DATA"):
                break
            line = await reader.readline()
            if not line.startswith((b"RCPT", b"DATA")):
                # The client gave up on this one.
                self.told.append(line)
                await self._say(GOOD, writer)
                return
        if answer.startswith(b"354"):
            self.taken.append(await _content(reader))
            await self._say(self.end, writer)

    async def _say(self, octets: bytes, writer: asyncio.StreamWriter) -> None:
        starts = sorted({0, *(cut for cut in self.cuts if cut < len(octets))})
        for start, end in zip(starts, [*starts[1:], len(octets)], strict=True):
            writer.write(octets[start:end])
            await writer.drain()
            # The client reads this piece before the next one comes, mostly.
            await asyncio.sleep(0)
            await asyncio.sleep(0)


async def _content(reader: asyncio.StreamReader) -> bytes:
    content = b""
    while (line := await reader.readline()) != b".\r\n":
        if not line:
            raise ConnectionError
        content += line
    return content


@asynccontextmanager
async def group_relay(relay: GroupRelay) -> AsyncIterator[GroupRelay]:
    """Serve it on a free loopback port until the block ends."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await relay.serve(reader, writer)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.sleep(0)
