"""Mail that comes in: how many messages a second one listener takes, and what matching costs."""

import asyncio
import logging
import statistics
import tempfile
import time
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from itertools import count
from pathlib import Path

import aiosmtplib
import psutil
import structlog
from bson import ObjectId

from app.bootstrap import open_deps
from app.context import Caller, Deps, Scope
from app.documents.inbound_messages import InboundMessage
from app.embedded.ports import free_port
from app.services.inbound import ingest
from app.services.receiving import domains
from app.services.receiving.reading import read
from app.settings import Settings
from tests.bench.figures import Figure
from tests.processes import LETTERBOX, Processes, Servers
from tests.stack import Stack

MESSAGES = 3000
AT_A_TIME = 20
FEW, MANY = 1_000, 50_000
ALONE, WARM_UP, QUIET = 300, 50, 5.0
READS = 500
CALLER = Caller("acme", "alice", frozenset(Scope))
_NUMBERS = count()
_LINES = "We have looked at your offer, and would like to go ahead with it in May.\r\n"


async def inbound(_: Stack) -> list[Figure]:
    """Every part is a process of its own here: what receives may use a processor for itself."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="letterbox-inbound-") as folder:
        servers = Servers(Path(folder))
        await asyncio.gather(servers.start("mongod"), servers.start("redis"))
        processes = Processes(servers, Path(folder), "inbound", {})
        names = {
            name.removeprefix("LETTERBOX_").lower(): value
            for name, value in processes.variables.items()
        }
        try:
            async with open_deps(Settings.model_validate(names)) as deps:
                return [_reading(), *await _receiving(deps, processes), *await _matching(deps)]
        finally:
            processes.stop()
            servers.stop()


def _ordinary(answered: int | None = None) -> bytes:
    """A mail as people write it, in text and HTML, that answers another."""
    number = next(_NUMBERS)
    mail = EmailMessage()
    mail["Received"] = "from client by mx.acme.test; Tue, 24 Nov 2026 10:00:00 +0100"
    mail["From"] = f"Jan de Vries <jan{number}@customer.test>"
    mail["To"] = "Acme Sales <crm@acme.test>"
    mail["Subject"] = f"Re: Your offer {number}"
    mail["Date"] = "Tue, 24 Nov 2026 10:00:00 +0100"
    mail["Message-ID"] = f"<{number}@customer.test>"
    if answered is not None:
        mail["In-Reply-To"] = mail["References"] = f"<{answered}@customer.test>"
    mail.set_content(_LINES * 20)
    mail.add_alternative(f"<html><body><p>{_LINES * 20}</p></body></html>", subtype="html")
    return mail.as_bytes()


def _reading() -> Figure:
    raws = [_ordinary(0) for _ in range(READS)]
    begun = time.perf_counter()
    for raw in raws:
        read(raw)
    return Figure("reading an ordinary message", _milliseconds(begun) / READS, "ms", "-")


async def _receiving(deps: Deps, processes: Processes) -> list[Figure]:
    port = free_port()
    await domains.add(deps, "acme", "acme.test")
    command = ("inbound", "--protocol", "smtp", "--port", str(port))
    processes.start("listener", LETTERBOX, *command)
    # Every second one answers the one before it.
    raws = [_ordinary(None if number % 2 else next(_NUMBERS) - 1) for number in range(MESSAGES)]
    await _take(port, [_ordinary()])
    listener = psutil.Process(processes.running["listener"].process.pid)
    spent, begun = _computed(listener), time.perf_counter()
    await _take(port, raws)
    ours = MESSAGES / (time.perf_counter() - begun)
    computed = (_computed(listener) - spent) / MESSAGES
    assert await InboundMessage.count() == MESSAGES + 1
    bare = await _bare(raws)
    return [
        Figure("one listener takes, threads and stores", ours, "mails/s", ">= 200"),
        Figure("  it computes for each", computed * 1000, "ms", "< 5"),
        Figure("  a bare loop of email and one insert each", bare, "mails/s", "-"),
        Figure("  the listener's share of it", ours / bare, "", "-"),
    ]


async def _take(port: int, raws: list[bytes]) -> None:
    """Hand them over by SMTP, over several connections."""
    turns = iter(raws)

    async def one_after_the_other() -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            for raw in turns:
                await smtp.sendmail("jan@customer.test", ["crm@acme.test"], raw)

    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
    await asyncio.gather(*(one_after_the_other() for _ in range(min(AT_A_TIME, len(raws)))))


async def _bare(raws: list[bytes]) -> float:
    """The least a Python program does that keeps what it reads: messages a second."""
    rows = InboundMessage.get_motor_collection().database["bare"]
    turns = iter(raws)

    async def one_after_the_other() -> None:
        for raw in turns:
            mail = BytesParser(policy=default).parsebytes(raw)
            body = mail.get_body(("plain",))
            text = "" if body is None else body.get_content()
            await rows.insert_one({"raw": raw, "subject": str(mail["Subject"]), "text": text})

    begun = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(AT_A_TIME)))
    return len(raws) / (time.perf_counter() - begun)


async def _matching(deps: Deps) -> list[Figure]:
    """One message at a time, into a tenant that has few messages, and many."""
    seconds = []
    for stored in (FEW, MANY):
        await _fill(deps, stored)
        seconds.append(await _alone(deps))
    few, many = seconds
    return [
        Figure(f"a message alone, {FEW} stored, median", few * 1000, "ms", "-"),
        Figure(f"  {MANY} stored", many * 1000, "ms", "-"),
        Figure("  how much longer", many / few, "times", "~ 1"),
    ]


async def _alone(deps: Deps) -> float:
    taken = []
    answered = next(_NUMBERS) - 1
    # MongoDB writes to disk what it was filled with, and reads what it needs.
    await asyncio.sleep(QUIET)
    for _ in range(WARM_UP):
        await ingest(deps, CALLER, _ordinary(answered))
    for _ in range(ALONE):
        raw = _ordinary(answered)
        begun = time.perf_counter()
        await ingest(deps, CALLER, raw)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


async def _fill(deps: Deps, wanted: int) -> None:
    """Have so many messages stored, in conversations of five, like one that was received."""
    rows = InboundMessage.get_motor_collection()
    last = await ingest(deps, CALLER, _ordinary())
    pattern = await rows.find_one({"_id": last.id})
    assert pattern is not None
    lacking = wanted - await rows.count_documents({})
    made = []
    for number in range(max(lacking, 0)):
        key = f"<filled-{wanted}-{number}@customer.test>"
        names = {"key": key, "internetMessageId": key, "conversationId": f"{wanted}/{number // 5}"}
        made.append({**pattern, **names, "_id": ObjectId(), "answered": [key.replace("<", "<x")]})
    for start in range(0, len(made), 1000):
        await rows.insert_many(made[start : start + 1000], ordered=False)


def _computed(process: psutil.Process) -> float:
    """Seconds of a processor that it used, however many others wanted it."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _milliseconds(begun: float) -> float:
    return (time.perf_counter() - begun) * 1000
