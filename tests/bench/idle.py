"""What a stack asks of MongoDB when nobody asks anything of it."""

import asyncio
from typing import Any

import psutil
from pymongo import MongoClient

from tests.bench.figures import Figure
from tests.stack import Stack

SECONDS = 20


async def idle(stack: Stack) -> list[Figure]:
    mongod = psutil.Process(int((stack.data / "run" / "mongod.pid").read_text()))
    arguments = mongod.cmdline()
    port = int(arguments[arguments.index("--port") + 1])
    # Polled and seldom: the driver's own look at the server falls outside of what is measured.
    with MongoClient[dict[str, Any]](
        "127.0.0.1",
        port,
        directConnection=True,
        serverMonitoringMode="poll",
        heartbeatFrequencyMS=SECONDS * 10_000,
    ) as client:
        client.admin.command("ping")
        await asyncio.sleep(1)
        before = _operations(client)
        await asyncio.sleep(SECONDS)
        after = _operations(client)
    # The second question stands in its own answer.
    operations = sum(after.values()) - sum(before.values()) - 1
    per_kind = {kind: (after[kind] - before[kind]) / SECONDS for kind in after}
    return [
        Figure("MongoDB operations of an idle stack", operations / SECONDS, "ops/s", "< 5"),
        *(
            Figure(f"  {kind}", count, "ops/s", "-")
            for kind, count in per_kind.items()
            if count > 0
        ),
    ]


def _operations(client: MongoClient[dict[str, Any]]) -> dict[str, int]:
    counted = client.admin.command("serverStatus")["opcounters"]
    return {kind: count for kind, count in counted.items() if isinstance(count, int)}
