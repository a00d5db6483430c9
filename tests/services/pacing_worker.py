"""What a worker does: send, come again when told to, until all its mails are out.

`python -m tests.services.pacing_worker MONGO_URL DATABASE NAME` prints for each mail when it began,
moments before and after it said that it sends, and when it ended.
"""

import asyncio
import json
import random
import sys
import time
from datetime import timedelta

from app.bootstrap import open_deps
from app.documents.paces import Limits
from app.providers.base import ParkedError
from app.services.pacing import StoredPacer
from app.settings import Settings

LIMITS = Limits(at_once=4, sends=8, window=timedelta(seconds=1))


async def pause(seconds: float) -> None:
    await asyncio.sleep(random.uniform(0.8, 1.2) * seconds)  # noqa: S311 - no secret


async def mail(pacer: StoredPacer, who: str) -> tuple[float, ...]:
    while True:
        try:
            async with pacer.turn(who) as turn:
                began = time.time()
                await pause(0.05)
                before = time.time()
                await turn.sends()
                after = time.time()
                await pause(0.05)
                return began, before, after, time.time()
        except ParkedError as parked:
            await pause((parked.retry_after or LIMITS.window).total_seconds())


async def work(mongo_url: str, database: str, name: str) -> None:
    async with open_deps(Settings(mongo_url=mongo_url, mongo_database=database)):
        pacer = StoredPacer("acme", "box", limits=LIMITS, patience=timedelta(seconds=0.3))
        told = await asyncio.gather(*(mail(pacer, f"{name}-{number}") for number in range(12)))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(work(*sys.argv[1:]))
