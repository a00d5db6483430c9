"""A server that speaks SMTP as badly as its script says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ScriptedRelay:
    """Octets said on connecting and to each verb; `END` is the end of DATA, None is silence.

    What is not in the script goes well.
    """

    greeting: bytes | None = b"220 ready\r\n"
    replies: dict[str, bytes | None] = field(default_factory=dict)
    port: int = 0
    connections: int = 0
    taken: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._say(writer, self.greeting)
            while line := await reader.readline():
                verb = line.split()[0].decode().upper()
                usual = b"354 go ahead\r\n" if verb == "DATA" else b"250 OK\r\n"
                reply = self.replies.get(verb, usual)
                await self._say(writer, reply)
                if verb == "DATA" and reply == usual:
                    content = await reader.readuntil(b"\r\n.\r\n")
                    end = self.replies.get("END", b"250 OK\r\n")
                    if end is not None and end.startswith(b"250"):
                        self.taken.append(content)
                    await self._say(writer, end)
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, words: bytes | None) -> None:
        if words is None:
            await asyncio.Event().wait()
        else:
            writer.write(words)
            await writer.drain()


@asynccontextmanager
async def scripted_relay() -> AsyncIterator[ScriptedRelay]:
    """Serve the script on a free loopback port until the block ends."""
    relay = ScriptedRelay()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(relay.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(lambda _: writer.close())

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
