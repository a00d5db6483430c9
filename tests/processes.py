"""Every part of a running Letterbox as a process of its own, to be killed and started by name."""

import asyncio
import base64
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx2

from app.auth import issue_token
from app.context import Scope
from app.embedded import spawn_mongod, spawn_redis
from app.embedded.ports import free_port
from app.embedded.process import Child, spawn
from app.embedded.servers import RunningServer
from app.settings import Settings
from tests.fakes.resend_faults import Fault

ROOT = Path(__file__).parent.parent
LETTERBOX = Path(sys.executable).with_name("letterbox")
SECRET = "a secret of processes under test, long enough"
READY_LIMIT = 60.0


class Servers:
    """MongoDB and Valkey, which outlive the scenarios; each scenario has a database of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.running: dict[str, RunningServer] = {}

    async def start(self, name: str) -> None:
        """Start `mongod` or `redis` on the data it left; return once it serves."""
        begin = {"mongod": spawn_mongod, "redis": spawn_redis}[name]
        server = begin(self.folder / name)
        self.running[name] = server
        async with asyncio.timeout(READY_LIMIT):
            while not await asyncio.to_thread(server.is_ready):  # noqa: ASYNC110 - a process is waited for
                await asyncio.sleep(0.02)

    def kill(self, name: str) -> None:
        server = self.running.pop(name)
        server.readiness.close()
        server.child.kill()

    def forget(self, name: str) -> None:
        """Lose the data of a killed server."""
        port = self.folder / name / "letterbox.port"
        noted = port.read_text()
        shutil.rmtree(self.folder / name)
        port.parent.mkdir()
        port.write_text(noted)

    def stop(self) -> None:
        for server in self.running.values():
            server.stop()


class Processes:
    """The API, workers, an SMTP relay and a fake Resend on `servers`.

    `settings` are variables of all of them; clients act for `tenant`.
    """

    tenant = "acme"

    def __init__(
        self, servers: Servers, folder: Path, database: str, settings: Mapping[str, str]
    ) -> None:
        self.folder = folder
        self.database = database
        self.running: dict[str, Child] = {}
        self.port, self.smtp_port, self.control_port = free_port(), free_port(), free_port()
        self.resend_port = free_port()
        self.variables = {
            "LETTERBOX_MONGO_URL": servers.running["mongod"].url,
            "LETTERBOX_MONGO_DATABASE": database,
            "LETTERBOX_REDIS_URL": servers.running["redis"].url,
            "LETTERBOX_SMTP_PORT": str(self.smtp_port),
            "LETTERBOX_PORT": str(self.port),
            "LETTERBOX_RESEND_URL": f"http://127.0.0.1:{self.resend_port}",
            "LETTERBOX_SECRET_KEYS": base64.b64encode(bytes(range(32))).decode(),
            "LETTERBOX_JWT_SECRET": SECRET,
            "LETTERBOX_RATE_LIMIT_TENANT": "0",
            "LETTERBOX_RATE_LIMIT_KEY": "0",
            "LETTERBOX_DEFAULT_SENDER_EMAIL": "crm@acme.test",
            **settings,
        }

    def start(self, name: str, *command: str | Path) -> None:
        """Start `api`, `sink`, `resend`, a worker, or `command` under a `name` of its own."""
        kept = {key: value for key, value in os.environ.items() if "LETTERBOX" not in key}
        self.running[name] = spawn(
            name,
            command or self._command(name),
            log=self.folder / f"{name}.log",
            environment={**kept, "PYTHONPATH": str(ROOT), **self.variables},
        )

    def _command(self, name: str) -> Sequence[str | Path]:
        if name == "sink":
            ports = ["--port", str(self.smtp_port), "--control", str(self.control_port)]
            return [sys.executable, "-m", "tests.fakes.relay_process", *ports]
        if name == "resend":
            return [sys.executable, "-m", "tests.fakes.resend", "--port", str(self.resend_port)]
        return [LETTERBOX, "serve" if name == "api" else "worker"]

    async def run(self, *command: str) -> None:
        """Run a command of Letterbox to its end. Its exit code must be 0."""
        self.start(command[0], LETTERBOX, *command)
        child = self.running.pop(command[0])
        code = await asyncio.to_thread(child.process.wait)
        assert code == 0, child.last_lines()

    def kill(self, name: str) -> None:
        self.running.pop(name).kill()

    async def terminate(self, name: str) -> float:
        """End it by SIGTERM; after how many seconds it was gone. Its exit code must be 0."""
        child = self.running.pop(name)
        begun = asyncio.get_running_loop().time()
        child.process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(child.process.wait, READY_LIMIT)
        assert code == 0, child.last_lines()
        return asyncio.get_running_loop().time() - begun

    def stop(self) -> None:
        """Kill them all: a scenario has looked by then at what is theirs to leave."""
        for child in self.running.values():
            child.process.kill()
        for child in self.running.values():
            child.process.wait()

    def client(self) -> httpx2.AsyncClient:
        """Make a client of the API that trusts nothing to be there."""
        token = issue_token(
            Settings.model_validate({"jwt_secret": SECRET}),
            tenant=self.tenant,
            user="alice",
            scopes=list(Scope),
            lifetime=timedelta(hours=1),
        )
        return httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=20,
        )

    async def ready(self, url: str) -> None:
        """Return once `url` answers 200; all processes must go on running meanwhile."""
        async with httpx2.AsyncClient() as client, asyncio.timeout(READY_LIMIT):
            while not await _answers(client, url):
                for child in self.running.values():
                    assert child.is_running, child.last_lines()
                await asyncio.sleep(0.02)

    async def logged(self, name: str, words: str) -> None:
        """Return once these words are among the last that the process logged."""
        child = self.running[name]
        async with asyncio.timeout(READY_LIMIT):
            while not any(words in line for line in child.last_lines()):
                assert child.is_running, child.last_lines()
                await asyncio.sleep(0.02)


class Outside(Protocol):
    """Where mail goes; `arrived` is one of the counts."""

    async def until(self, enough: Callable[[dict[str, int]], bool]) -> None: ...

    async def arrivals(self) -> list[dict[str, Any]]:
        """Tell `subject`, `id` and time (`at`) of each mail that was taken."""
        ...


class SinkControl:
    """What the relay of a scenario got, and how it is to behave."""

    def __init__(self, port: int) -> None:
        self.client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)

    async def behave(self, conduct: str, *, pause: float = 0) -> None:
        asked = {"conduct": conduct, "pause": pause}
        (await self.client.put("/conduct", json=asked)).raise_for_status()

    async def counts(self) -> dict[str, int]:
        counted: dict[str, int] = (await self.client.get("/counts")).json()
        return counted

    async def until(self, enough: Callable[[dict[str, int]], bool]) -> None:
        while not enough(await self.counts()):  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.05)

    async def arrivals(self) -> list[dict[str, Any]]:
        arrived: list[dict[str, Any]] = (await self.client.get("/arrivals")).json()
        return [{**arrival, "id": arrival["message_id"]} for arrival in arrived]

    async def last(self) -> bytes:
        """Give the octets of the mail that came last."""
        return (await self.client.get("/last")).content

    async def refusals(self) -> list[str]:
        refused: list[str] = (await self.client.get("/refusals")).json()
        return refused


class ResendControl:
    """What the fake Resend of a scenario took, and what is to befall it."""

    def __init__(self, port: int) -> None:
        self.client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20)

    async def befall(self, *, always: Fault | None = None, next_: Sequence[Fault] = ()) -> None:
        """Have `next_` happen, one after the other, then `always`; None is a good day."""
        faults = {
            "faults": [asdict(fault) for fault in next_],
            "always": None if always is None else asdict(always),
        }
        (await self.client.post("/_fake", json=faults)).raise_for_status()

    async def state(self) -> dict[str, Any]:
        shown: dict[str, Any] = (await self.client.get("/_fake")).raise_for_status().json()
        return shown

    async def until(self, enough: Callable[[dict[str, int]], bool]) -> None:
        while True:
            state = await self.state()
            if enough({"arrived": len(state["mails"]), "asked": len(state["requests"])}):
                return
            await asyncio.sleep(0.5)

    async def arrivals(self) -> list[dict[str, Any]]:
        return [
            {
                "subject": mail["fields"]["subject"],
                "id": mail["id"],
                "at": datetime.fromisoformat(mail["created_at"]).timestamp(),
            }
            for mail in (await self.state())["mails"]
        ]


async def _answers(client: httpx2.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(url)).status_code == httpx2.codes.OK
    except httpx2.TransportError:
        return False
