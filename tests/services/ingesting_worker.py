"""What one of several processes does that take mail in.

`python -m tests.services.ingesting_worker MONGO_URL DATABASE` says `ready`, reads a line of JSON,
the mails of the tenant acme as text, and takes them in, some at a time.
"""

import asyncio
import json
import sys

from app.bootstrap import open_deps
from app.context import Caller
from app.services.inbound import ingest
from app.settings import Settings

AT_ONCE = 5


async def work(mongo_url: str, database: str) -> None:
    async with open_deps(Settings(mongo_url=mongo_url, mongo_database=database)) as deps:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        mails = iter(json.loads(await asyncio.to_thread(sys.stdin.readline)))

        async def take() -> None:
            for mail in mails:
                await ingest(deps, Caller.of_door("acme", "worker"), mail.encode())

        await asyncio.gather(*(take() for _ in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
