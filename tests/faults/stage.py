"""What scenarios happen on: processes that start slowly, and so serve one after the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from pymongo import MongoClient
from redis import Redis

from tests.processes import Processes, Servers


class Stage:
    """API and workers stay for the next scenario if it wants the same and the servers lived on.

    What a scenario left in the servers is gone when the next begins; it has a tenant, a relay and
    providers of its own.
    """

    def __init__(self, servers: Servers, folder: Path) -> None:
        self._servers = servers
        self._folder = folder
        self._processes: Processes | None = None
        self._set_for: object = None

    async def set(
        self, variables: Mapping[str, str], workers: Mapping[str, list[str]]
    ) -> Processes:
        """Give an API, a relay and workers that run, by name and command; nothing else does."""
        pids = {name: server.pid for name, server in self._servers.running.items()}
        wanted = (dict(variables), dict(workers), pids)
        if self._processes is None or self._set_for != wanted:
            self.clear()
            name = f"faults-{uuid4().hex}"
            self._processes = Processes(self._servers, self._folder / name, name, variables)
            self._set_for = wanted
        try:
            await self._begin(self._processes, workers)
        except BaseException:
            self.clear()
            raise
        return self._processes

    def clear(self) -> None:
        """Have the next scenario begin with nothing."""
        if self._processes is not None:
            self._processes.stop()
            self._processes = None

    async def _begin(self, processes: Processes, workers: Mapping[str, list[str]]) -> None:
        processes.tenant = uuid4().hex
        for name in processes.running.keys() - {"api", *workers}:
            processes.kill(name)
        self._forget(processes)
        wanted = {"sink": [], "api": [], **workers}
        missing = wanted.keys() - processes.running.keys()
        for name in missing:
            processes.start(name, *wanted[name])
        await processes.ready(f"http://127.0.0.1:{processes.control_port}/counts")
        await processes.ready(f"http://127.0.0.1:{processes.port}/readyz")
        for name in missing & workers.keys():
            # Ahead of that it does not know yet how to end when asked to.
            await processes.logged(name, "worker.started")

    def _forget(self, processes: Processes) -> None:
        """Empty the servers: there may be work left, such as asking Resend for Message-IDs."""
        running = self._servers.running
        with MongoClient[dict[str, Any]](running["mongod"].url) as client:
            database = client[processes.database]
            for name in database.list_collection_names():
                database[name].delete_many({})
        with Redis.from_url(running["redis"].url) as redis:
            redis.flushall()
