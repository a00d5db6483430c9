"""What is answered at once is counted later: that all of it was, and how fast a worker is."""

import asyncio
import time
from typing import Any

from redis.asyncio import Redis

from app.mail.engagement.hits import EngagementKind
from app.waiting_hits import HITS
from tests.bench.seed import database_of
from tests.processes import Processes

_COUNTS = {
    EngagementKind.OPEN: {"$add": ["$openCount", {"$ifNull": ["$machineOpenCount", 0]}]},
    EngagementKind.CLICK: {
        "$add": [
            {"$sum": "$clickedLinks.clickCount"},
            {"$sum": "$clickedLinks.machineClickCount"},
        ]
    },
}


async def counted(processes: Processes, kind: EngagementKind, answers: int) -> str:
    """Have a worker count what waits; tell how fast it did.

    Raises RuntimeError unless as many hits are kept as were answered, and the records count them.
    """
    redis: Redis = Redis.from_url(processes.variables["LETTERBOX_REDIS_URL"])
    waiting = await _waiting(redis)
    processes.start("worker")
    while (begun := await _waiting(redis)) == waiting:
        await asyncio.sleep(0.01)
    start = time.perf_counter()
    while await _waiting(redis):
        await asyncio.sleep(0.01)
    seconds = time.perf_counter() - start
    await processes.terminate("worker")
    await redis.aclose()
    await _check(database_of(processes), kind, answers)
    return f"  all {answers:,} are counted, by one worker: {begun / seconds:.1f} per s"


async def _waiting(redis: Redis) -> int:
    length: Any = redis.llen(HITS)
    return int(await length)


async def _check(db: Any, kind: EngagementKind, answers: int) -> None:
    kept = await db["engagements"].count_documents({"kind": kind})
    once = await db["engagements"].count_documents({"kind": kind, "repeat": False})
    total = {"$group": {"_id": None, "total": {"$sum": _COUNTS[kind]}}}
    [row] = await db["communications"].aggregate([total]).to_list(1)
    if (kept, row["total"]) != (answers, once):
        raise RuntimeError(
            f"{answers} answered, {kept} kept; {once} of them count, {row['total']} are counted"
        )
