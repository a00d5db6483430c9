"""The commands of receiving, as processes."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.context import Caller, Deps
from app.documents.inbound_messages import InboundMessage
from app.embedded.ports import free_port
from app.services.inbound import ingest
from app.services.receiving import domains
from tests.fakes.mail_server import connected
from tests.fakes.messages import message

ROOT = Path(__file__).parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(deps: Deps, tmp_path: Path) -> Start:
    """Starts the command on the database of this test, in an empty folder."""

    def letterbox(*arguments: str) -> "subprocess.Popen[str]":
        kept = {name: value for name, value in os.environ.items() if "LETTERBOX" not in name}
        settings = {
            "LETTERBOX_MONGO_URL": deps.settings.mongo_url,
            "LETTERBOX_MONGO_DATABASE": deps.settings.mongo_database,
            "LETTERBOX_REDIS_URL": deps.settings.redis_url,
        }
        return subprocess.Popen(  # noqa: S603  # ourselves
            [sys.executable, "-m", "app.cli", *arguments],
            env={**kept, "PYTHONPATH": str(ROOT), **settings},
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return letterbox


async def test_domains_are_given_and_listed(start: Start, deps: Deps) -> None:
    await domains.add(deps, "globex", "globex.test")

    steps = [
        start("inbound-domain", "add", "Bücher.test", "--tenant", "acme"),
        start("inbound-domain", "add", "globex.test", "--tenant", "acme"),
        start("inbound-domain", "remove", "unknown.test"),
    ]
    told = [await asyncio.to_thread(step.communicate) for step in steps]
    listed = start("inbound-domain", "list")

    assert [step.returncode for step in steps] == [0, 1, 1]
    assert told == [
        ("Mail to xn--bcher-kva.test is acme's.\n", ""),
        ("", "globex.test is the tenant globex's.\n"),
        ("", "No tenant has unknown.test.\n"),
    ]
    out, _ = await asyncio.to_thread(listed.communicate)
    assert out == "globex.test\tglobex\nxn--bcher-kva.test\tacme\n"


async def test_the_listener_takes_mail_until_it_is_stopped(start: Start, deps: Deps) -> None:
    await domains.add(deps, "acme", "acme.test")
    port = free_port()
    listener = start("inbound", "--protocol", "smtp", "--port", str(port))
    try:
        async with asyncio.timeout(60):
            while not await _answers(port):
                assert listener.poll() is None, listener.stderr and listener.stderr.read()
                await asyncio.sleep(0.05)
        async with connected(port) as server:
            await server.hear()
            await server.begin("sales@acme.test")
            assert (await server.say("DATA"))[:3] == "354"
            listener.send_signal(signal.SIGTERM)
            assert await server.say(message() + b"\r\n.") == "250 2.6.0 Kept"
        assert await asyncio.to_thread(listener.wait, 30) == 0
    finally:
        listener.kill()
        _, errors = listener.communicate()
    assert await InboundMessage.count() == 1
    assert "acme.test" not in errors
    assert '"event": "listener.stopped"' in errors


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.transport.abort()
    return True


async def test_a_port_that_is_taken_is_one_line(start: Start) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    listener = start("inbound", "--port", str(port))
    _, errors = await asyncio.to_thread(listener.communicate)

    server.close()
    assert listener.returncode == 1
    assert errors.startswith(f"Port {port} of 127.0.0.1 cannot be had: ")
    assert errors.count("\n") == 1


async def test_what_could_not_be_read_is_read_anew(
    deps: Deps, caller: Caller, start: Start
) -> None:
    kept = await ingest(deps, caller, message())
    await InboundMessage.get_motor_collection().update_one(
        {"_id": kept.id}, {"$set": {"parseFault": "a fault of an earlier version"}}
    )

    process = start("reparse", "--tenant", "acme")
    out, told = await asyncio.to_thread(process.communicate)

    assert process.returncode == 0, told
    assert out == "1 of 1 messages could be read whole.\n"
    assert told == "1 looked at, 1 mended\n"
    found = await InboundMessage.get(kept.id)
    assert found is not None
    assert found.parse_fault is None
