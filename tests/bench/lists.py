"""A mail to a recipient list: laying it down, delivering it beside a bare loop, and its memory."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

from app.bootstrap import open_deps
from app.context import Caller, Deps, Scope
from app.documents.communications import Communication
from app.documents.list_members import ListMember
from app.services import fanout, recipient_lists, sending
from app.services.inputs import parse
from app.services.recipient_lists import CreateRecipientList
from app.settings import Settings
from tests.bench.figures import Figure
from tests.processes import Processes, Servers, SinkControl
from tests.stack import Stack

# Fewer for a quick run: `BENCH_MEMBERS=5000 make bench CASE=lists`.
MEMBERS = int(os.environ.get("BENCH_MEMBERS", "100000"))
BARE = min(MEMBERS, 5_000)
BODY = (
    '<p>Dear {{ name }} in {{ city }}, <a href="https://acme.test/offer?id=7">your offer</a> is '
    "ready.</p>"
)
CALLER = Caller("acme", "alice", frozenset(Scope))


async def lists(_: Stack) -> list[Figure]:
    """Every part is a process of its own here: what sends may use a processor for itself."""
    with tempfile.TemporaryDirectory(prefix="letterbox-lists-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "lists", {})
        names = {
            name.removeprefix("LETTERBOX_").lower(): value
            for name, value in processes.variables.items()
        }
        try:
            async with open_deps(Settings.model_validate(names)) as deps:
                return await _measure(deps, processes)
        finally:
            processes.stop()
            servers.stop()


async def _measure(deps: Deps, processes: Processes) -> list[Figure]:
    sink = SinkControl(processes.control_port)
    processes.start("sink")
    await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
    record = await _accepted(deps)
    begun = time.perf_counter()
    await fanout.fan_out(deps, str(record.id))
    laid = MEMBERS / (time.perf_counter() - begun)
    processes.start("worker")
    worker = psutil.Process(processes.running["worker"].process.pid)
    ours, largest, worked = await _arriving(sink, 0, MEMBERS, worker)
    ended = await _ended(record)
    processes.kill("worker")
    # As many as list mail may use: the others are kept free for single mails.
    connections = deps.settings.list_connections
    bare_loop = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.bare_loop"),
        *map(str, (processes.smtp_port, BARE, connections)),
        stdin=asyncio.subprocess.PIPE,
    )
    waiting = asyncio.create_task(bare_loop.communicate(await sink.last()))
    bare, _, _ = await _arriving(sink, MEMBERS, BARE, None)
    await waiting
    return [
        Figure("deliveries laid down", laid, "rows/s", ">= 5000"),
        Figure(f"one worker, {MEMBERS} members", ours, "mails/s", "-"),
        Figure("  its processor time a mail", worked, "ms", "-"),
        Figure(f"a bare loop, {connections} connections", bare, "mails/s", "-"),
        Figure("  the worker's share of it", ours / bare, "", ">= 0.5"),
        Figure("worker resident meanwhile, most", largest, "MB", "< 200"),
        Figure("from the last mail to SENT", ended, "s", "-"),
    ]


async def _accepted(deps: Deps) -> Communication:
    made = await recipient_lists.create(deps, CALLER, parse(CreateRecipientList, {"name": "All"}))
    now = deps.now()
    rows = [
        {"tenantId": "acme", "listId": made.id, "email": f"m{n}@c.test", "name": f"Member {n}",
         "variables": {"city": f"City {n}"}, "created": now, "updated": now}
        for n in range(MEMBERS)
    ]  # fmt: skip
    await ListMember.get_motor_collection().insert_many(rows, ordered=False)
    mail = {"subject": "For {{ name }}", "body": BODY, "recipientListId": str(made.id)}
    return await sending.accept(deps, CALLER, parse(sending.SendCommunication, mail))


async def _arriving(
    sink: SinkControl, already: int, count: int, sender: psutil.Process | None
) -> tuple[float, float, float]:
    """Mails a second, once the first has come; the sender's most memory meanwhile, in MB, and its
    processor time for each of them, in ms."""
    first: tuple[float, int, float] | None = None
    largest = 0.0
    while True:
        arrived, now = (await sink.counts())["arrived"] - already, time.perf_counter()
        largest = max(largest, sender.memory_info().rss / 1e6 if sender else 0)
        worked = sum(sender.cpu_times()[:2]) if sender else 0
        if first is None and arrived > 0:
            first = (now, arrived, worked)
        if first is not None and arrived >= count:
            mails = max(arrived - first[1], 1)
            seconds = max(now - first[0], 0.001)
            return mails / seconds, largest, (worked - first[2]) / mails * 1000
        await asyncio.sleep(0.05)


async def _ended(record: Communication) -> float:
    begun = time.perf_counter()
    while await Communication.status_of(record.id) == "SENDING":
        await asyncio.sleep(0.05)
    return time.perf_counter() - begun
