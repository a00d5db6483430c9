"""The least a Python program does to send mail: `python -m tests.bench.bare_loop PORT COUNT N`.

It sends the mail on its standard input COUNT times over N connections at once.
"""

import asyncio
import sys

import aiosmtplib
import uvloop


async def run(port: int, count: int, connections: int, mail: bytes) -> None:
    turns = iter(range(count))

    async def one_after_the_other() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            for _ in turns:
                await smtp.sendmail("crm@acme.test", ["customer@acme.test"], mail)

    await asyncio.gather(*(one_after_the_other() for _ in range(connections)))


if __name__ == "__main__":
    port, count, connections = map(int, sys.argv[1:])
    uvloop.run(run(port, count, connections, sys.stdin.buffer.read()))
